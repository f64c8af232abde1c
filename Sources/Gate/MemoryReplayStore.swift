// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Remembers used tokens in this process, for all of its loops, until they expire.
///
/// Bounded: with no room left it says `unavailable` rather than forget a token that still could be used. Only verified
/// tokens get in, so nobody else can fill it.
package final class MemoryReplayStore: ReplayStore {
    fileprivate struct State {
        var expiries: [[UInt8]: Double] = [:]
        /// A heap, earliest first.
        var queue: [(expiry: Double, key: [UInt8])] = []
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: keys remembered at once; each takes about 150 bytes.
    package init(capacity: Int = 200_000) {
        self.capacity = capacity
    }

    /// Calls `completion` before it returns.
    package func claim(
        _ keys: [[UInt8]], until expiry: Double, now: Double, _ completion: @escaping @Sendable (ReplayVerdict) -> Void
    ) {
        completion(claim(keys, until: expiry, now: now))
    }

    /// The verdict at once.
    package func claim(_ keys: [[UInt8]], until expiry: Double, now: Double) -> ReplayVerdict {
        state.withLock { state in
            state.removeExpired(now: now)
            for key in keys where state.expiries[key] != nil { return .replayed }
            guard state.expiries.count + keys.count <= capacity else { return .unavailable }
            for key in keys { state.insert(key, until: expiry) }
            return .fresh
        }
    }

    /// Keys remembered now.
    package var count: Int { state.withLock { $0.expiries.count } }
}

extension MemoryReplayStore.State {
    fileprivate mutating func insert(_ key: [UInt8], until expiry: Double) {
        guard expiries.updateValue(expiry, forKey: key) == nil else { return }
        queue.append((expiry, key))
        var child = queue.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard queue[child].expiry < queue[parent].expiry else { return }
            queue.swapAt(child, parent)
            child = parent
        }
    }

    fileprivate mutating func removeExpired(now: Double) {
        while let first = queue.first, first.expiry <= now {
            expiries[first.key] = nil
            removeFirst()
        }
    }

    private mutating func removeFirst() {
        queue.swapAt(0, queue.count - 1)
        queue.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < queue.count && queue[child].expiry < queue[least].expiry {
                least = child
            }
            guard least != parent else { return }
            queue.swapAt(parent, least)
            parent = least
        }
    }
}
