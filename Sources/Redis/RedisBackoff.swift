// SPDX-License-Identifier: Apache-2.0

import Reactor

/// When to connect again: soon at first, then less and less often, and never all replicas at once.
package struct RedisBackoff: Sendable {
    private var failures: UInt64 = 0

    package init() {}

    package mutating func succeeded() { failures = 0 }

    /// - Parameter chance: 0 to 1, which spreads the attempts of many.
    package mutating func failed(chance: Double) -> Nanoseconds {
        let step = min(failures, 6)
        failures += 1
        let longest = min(Self.first << step, Self.most)
        // Between half and all of it.
        return .milliseconds(longest / 2 + UInt64(Double(longest / 2) * min(max(chance, 0), 1)))
    }

    private static let first: UInt64 = 50
    private static let most: UInt64 = 2000
}
