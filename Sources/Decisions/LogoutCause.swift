// SPDX-License-Identifier: Apache-2.0

/// The initiator of a logout, in `reason` of audit lines and of `sidegate_logouts_total`.
package enum LogoutCause: String, Sendable, CaseIterable {
    case user
    /// The identity provider.
    case backchannel
    /// Somebody who operates the gate, by the console or a command.
    case byOperator = "operator"
}
