// SPDX-License-Identifier: Apache-2.0

import HTTP
import Synchronization

/// Remembers used tokens in this process, for all of its loops, until they expire on both clocks.
///
/// Bounded: with no room left it says `unavailable` rather than forget a token that still could be used. Only verified
/// tokens get in, so unauthenticated clients cannot fill it.
package final class MemoryReplayStore: ReplayStore {
    fileprivate struct State {
        var expiries: [[UInt8]: Expiry] = [:]
        /// A heap, earliest first, by when to look at a key again, on the monotonic clock.
        var queue: [(due: Double, key: [UInt8])] = []
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: keys remembered at once; each takes about 150 bytes.
    package init(capacity: Int = 200_000) {
        self.capacity = capacity
    }

    /// Calls `completion` before it returns.
    package func consume(
        _ keys: [[UInt8]], for retention: Retention, now: ClockReading,
        _ completion: @escaping @Sendable (ReplayVerdict) -> Void
    ) {
        completion(consume(keys, for: retention, now: now))
    }

    /// The verdict at once.
    package func consume(_ keys: [[UInt8]], for retention: Retention, now: ClockReading) -> ReplayVerdict {
        let expiry = retention.expiry(from: now)
        return state.withLock { state in
            state.removeExpired(now, limit: Self.stepsPerUse)
            for key in keys where state.expiries[key] != nil { return .replayed }
            if state.expiries.count + keys.count > capacity { state.removeExpired(now, limit: .max) }
            guard state.expiries.count + keys.count <= capacity else { return .unavailable }
            for key in keys { state.insert(key, until: expiry) }
            return .fresh
        }
    }

    package func use(
        of keys: [[UInt8]], until expiry: Double, _ completion: @escaping @Sendable (TokenUse) -> Void
    ) {
        completion(isUsed(keys) ? .used : .unused)
    }

    package func knownUse(of keys: [[UInt8]]) -> TokenUse? { isUsed(keys) ? .used : .unused }

    /// One of `keys` is remembered.
    package func isUsed(_ keys: [[UInt8]]) -> Bool {
        state.withLock { state in keys.contains { state.expiries[$0] != nil } }
    }

    /// Keys remembered now.
    package var count: Int { state.withLock { $0.expiries.count } }

    /// So that no sign-in waits long for what others left behind.
    private static let stepsPerUse = 1000
}

extension MemoryReplayStore.State {
    fileprivate mutating func insert(_ key: [UInt8], until expiry: Expiry) {
        guard expiries.updateValue(expiry, forKey: key) == nil else { return }
        enqueue(key, due: expiry.monotonic)
    }

    private mutating func enqueue(_ key: [UInt8], due: Double) {
        queue.append((due, key))
        var child = queue.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard queue[child].due < queue[parent].due else { return }
            queue.swapAt(child, parent)
            child = parent
        }
    }

    fileprivate mutating func removeExpired(_ now: ClockReading, limit: Int) {
        var steps = 0
        while steps < limit, let first = queue.first, first.due <= now.monotonic {
            steps += 1
            removeFirst()
            guard let expiry = expiries[first.key], !expiry.isPast(now) else {
                expiries[first.key] = nil
                continue
            }
            // The wall clock is late: it was set back.
            enqueue(first.key, due: expiry.due(after: now))
        }
    }

    private mutating func removeFirst() {
        queue.swapAt(0, queue.count - 1)
        queue.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < queue.count && queue[child].due < queue[least].due {
                least = child
            }
            guard least != parent else { return }
            queue.swapAt(parent, least)
            parent = least
        }
    }
}
