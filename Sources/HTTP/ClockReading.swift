// SPDX-License-Identifier: Apache-2.0

/// One moment on both clocks.
///
/// Times that others set (a token's, a session's) are judged by the wall clock, which may jump. How long ago something
/// happened here is judged by the monotonic one, which does not.
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
