// SPDX-License-Identifier: Apache-2.0

import HTTP

/// How long something must be remembered: until a moment of the wall clock, and for a span of the monotonic one.
///
/// By the wall clock alone a jump ahead would have it forgotten, and the jump back would make a used token good again;
/// by the monotonic clock alone a clock that is set back would.
package struct Retention: Sendable, Equatable {
    /// Seconds since 1970.
    package let until: Double
    /// Seconds from when it is remembered.
    package let span: Double
    /// When the token was issued, in seconds since 1970; nil where it does not say, or where it does not matter.
    package let issuedAt: Double?

    /// - Parameter atLeast: seconds that it is remembered even if `until` is near or past by the clock of now.
    package init(until: Double, atLeast: Double = 0, issuedAt: Double? = nil, now: Double) {
        self.until = until
        self.issuedAt = issuedAt
        span = min(max(until - now, atLeast, 0), Self.longest)
    }

    package func expiry(from now: ClockReading) -> Expiry {
        Expiry(wall: until, monotonic: now.monotonic + span)
    }

    /// Thirty years, in seconds: a Redis time to live, and an integer, hold it.
    private static let longest: Double = 1e9
}

/// When something may be forgotten: once both clocks are past.
package struct Expiry: Sendable, Equatable {
    package var wall: Double
    package var monotonic: Double

    package init(wall: Double, monotonic: Double) {
        self.wall = wall
        self.monotonic = monotonic
    }

    package func isPast(_ now: ClockReading) -> Bool {
        now.monotonic >= monotonic && now.wall >= wall
    }

    /// When to look again, on the monotonic clock, if it is not past: the wall clock may be late by any time, and may be
    /// set right at any time.
    func due(after now: ClockReading) -> Double {
        max(monotonic, now.monotonic + min(max(wall - now.wall, 1), 600))
    }

    /// The later on each clock.
    func later(_ other: Expiry) -> Expiry {
        Expiry(wall: max(wall, other.wall), monotonic: max(monotonic, other.monotonic))
    }
}
