// SPDX-License-Identifier: Apache-2.0

import Gate

/// The time of which a journal does not hold all used tokens, since it was found damaged.
package struct JournalGap: Sendable {
    /// When that was found, in seconds since 1970 by the clock of then; 0: nothing is missing.
    private let end: Double

    package init(end: Double) {
        self.end = end
    }

    /// The token was issued before the end of the gap, so it may have been used. Of a token that does not say when it was
    /// issued this is not known.
    package func covers(_ retention: Retention, now: Double) -> Bool {
        guard let issuedAt = retention.issuedAt, issuedAt <= end else { return false }
        // A clock that was far ahead then must not keep everybody out.
        return end <= now + Self.farAhead
    }

    /// Seconds.
    private static let farAhead = 3600.0
}
