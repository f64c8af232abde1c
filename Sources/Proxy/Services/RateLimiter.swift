// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor
import Synchronization

/// Limits the requests of each client network (`limits.requestsPerSecond`), for all loops together: an IPv4 address, or the
/// /64 of an IPv6 one, which is what one household or machine has.
///
/// Each network has a bucket that fills evenly and holds the requests of one second. It is stored as one number, the time
/// at which it would be full again (the generic cell rate algorithm). The table is bounded: when it is full, the network
/// that has sent nothing for the longest time is removed, which only ever lets more through.
package final class RateLimiter: Sendable {
    private struct Slot {
        var network: UInt64 = 0
        /// Nanoseconds of the monotonic clock.
        var fullAt: UInt64 = 0
    }

    private let requestsPerSecond: Int
    /// Nanoseconds that one request takes out of the bucket, and that it holds.
    private let cost: UInt64
    private let depth: UInt64
    private let slots: Mutex<[Slot]>
    /// Makes it impossible to predict which networks share a slot.
    private let seed: UInt64

    /// - Parameters:
    ///   - rate: requests per second, at least one.
    ///   - networks: how many are remembered.
    package init(rate: Int, networks: Int = 65536) {
        requestsPerSecond = max(1, rate)
        cost = max(1, 1_000_000_000 / UInt64(requestsPerSecond))
        depth = cost * UInt64(requestsPerSecond - 1)
        let sets = max(1, networks / Self.ways)
        slots = Mutex([Slot](repeating: Slot(), count: sets * Self.ways))
        seed = UInt64.random(in: 1 ... .max) | 1
    }

    /// Requests per second.
    package var rate: Int { requestsPerSecond }

    /// Takes a request out of the client's bucket; if it is empty, returns how long it takes until it is not.
    package func wait(for client: IPAddress, _ now: MonotonicTime) -> Nanoseconds? {
        let network = ClientNetwork(client).bits
        let now = now.nanoseconds
        return slots.withLock { slots in
            let sets = UInt64(slots.count / Self.ways)
            let hash = ((network &* seed) ^ (network >> 32)) &* 0x9E37_79B9_7F4A_7C15
            let start = Int((hash >> 32) % sets) * Self.ways
            var place = start
            for index in start..<start + Self.ways {
                if slots[index].network == network, slots[index].fullAt > 0 {
                    place = index
                    break
                }
                if slots[index].fullAt < slots[place].fullAt { place = index }
            }
            let known = slots[place].network == network ? slots[place].fullAt : 0
            let fullAt = max(known, now)
            if fullAt - now > depth { return Nanoseconds(count: fullAt - now - depth) }
            slots[place] = Slot(network: network, fullAt: fullAt + cost)
            return nil
        }
    }

    private static let ways = 8
}
