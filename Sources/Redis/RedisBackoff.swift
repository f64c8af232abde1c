// SPDX-License-Identifier: Apache-2.0

import Reactor

/// The delay before reconnecting: short at first, then increasing, with jitter so that replicas do not reconnect
/// together.
///
/// A connection counts as a success only after it has been up for a while. One that is accepted, or even completes the
/// handshake, and fails soon after continues the series, so the rate of connections stays bounded.
package struct RedisBackoff: Sendable {
    private var failures: UInt64 = 0

    package init() {}

    /// - Parameters:
    ///   - uptime: how long the connection was ready; nil if it never was.
    ///   - chance: 0 to 1, the jitter.
    package mutating func failed(after uptime: Nanoseconds?, chance: Double) -> Nanoseconds {
        if let uptime, uptime >= Self.stableAfter { failures = 0 }
        let step = min(failures, 6)
        failures += 1
        let longest = min(Self.first << step, Self.most)
        // Between half and all of it.
        return .milliseconds(longest / 2 + UInt64(Double(longest / 2) * min(max(chance, 0), 1)))
    }

    private static let first: UInt64 = 50
    private static let most: UInt64 = 2000
    /// Several times the longest pause.
    private static let stableAfter = Nanoseconds.seconds(10)
}
