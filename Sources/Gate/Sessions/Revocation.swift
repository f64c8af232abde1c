// SPDX-License-Identifier: Apache-2.0

/// The end of all sessions of a user that began up to a moment, or of one session.
package struct Revocation: Sendable, Equatable {
    /// What names the user; a session that has one of these is meant.
    package let subjects: [[UInt8]]
    /// Seconds since 1970.
    package let revokedAt: Double
    /// When no such session can be alive any more.
    package let expiresAt: Double
    /// For the logs.
    package let user: String
    /// It is one session that ends, by its user's own wish, instead of all of a user's.
    package let isOfOneSession: Bool
    /// What that session is called where sessions are kept: it is to be removed there.
    package var storedSession: [UInt8]?

    package init(
        subjects: [[UInt8]], revokedAt: Double, expiresAt: Double, user: String, isOfOneSession: Bool = false
    ) {
        self.subjects = subjects
        self.revokedAt = revokedAt
        self.expiresAt = expiresAt
        self.user = user
        self.isOfOneSession = isOfOneSession
    }

    /// How long it must be remembered: the whole span, whatever the clock of now says of its end.
    package func retention(now: Double) -> Retention {
        Retention(until: expiresAt, atLeast: expiresAt - revokedAt, now: now)
    }
}
