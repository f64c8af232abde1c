// SPDX-License-Identifier: Apache-2.0

/// A fresh session on its way to the store.
package struct NewStoredSession: Sendable {
    package let id: [UInt8]
    package let record: [UInt8]
    /// Seconds.
    package let timeToLive: Double
    /// The session that this one replaces, which ends (CVE-2026-34454).
    package let replaced: [UInt8]?

    let state: SessionState
    let ticket: SessionTicket
    let pending: PendingSignIn
}
