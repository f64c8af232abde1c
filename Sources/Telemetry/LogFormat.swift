// SPDX-License-Identifier: Apache-2.0

/// The format of log lines (`log.format`).
package enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object for each line (RFC 8259).
    case json
    /// `key="value"` pairs, for human readers; values are escaped as in JSON.
    case text
}
