// SPDX-License-Identifier: Apache-2.0

/// One moment on both clocks.
///
/// Times set elsewhere (a token's, a session's) are compared with the wall clock, which may jump. Durations are
/// measured with the monotonic clock, which does not.
public struct ClockReading: Sendable, Equatable {
    /// Seconds since 1970.
    public var wall: Double
    /// Seconds on the monotonic clock, from any start.
    public var monotonic: Double

    public init(wall: Double, monotonic: Double) {
        self.wall = wall
        self.monotonic = monotonic
    }
}
