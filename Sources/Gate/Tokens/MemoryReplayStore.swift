// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import Synchronization

/// Remembers used tokens in this process, for all of its loops, until they expire on both clocks.
///
/// Bounded: with no room left it says `full` rather than forget a token that still could be used. Only verified tokens get
/// in, so unauthenticated clients cannot fill it.
package final class MemoryReplayStore: ReplayStore, TokenWitness {
    private struct State {
        var table = UsedTokenTable()
        var capacity: Int
        var refusedCount: UInt64 = 0
    }

    /// How full the store is.
    package struct Figures: Sendable, Equatable {
        package var entries = 0
        package var capacity = 0
        /// Tokens for which there was no room.
        package var refused: UInt64 = 0

        package init() {}
    }

    private let state: Mutex<State>
    private let isFull: @Sendable (Figures, ClockReading) -> Void

    /// - Parameters:
    ///   - capacity: keys remembered at once; each takes about 80 bytes.
    ///   - isFull: called for each token for which there is no room.
    package init(
        capacity: Int = 200_000, isFull: @escaping @Sendable (Figures, ClockReading) -> Void = { _, _ in }
    ) {
        state = Mutex(State(capacity: capacity))
        self.isFull = isFull
    }

    /// Calls `completion` before it returns.
    package func consume(
        _ keys: ReplayKeys, for retention: Retention, now: ClockReading,
        _ completion: @escaping @Sendable (ReplayVerdict) -> Void
    ) {
        completion(consume(keys.names, for: retention, now: now))
    }

    /// The verdict at once.
    package func consume(_ keys: [[UInt8]], for retention: Retention, now: ClockReading) -> ReplayVerdict {
        let expiry = retention.expiry(from: now)
        let keys = keys.map(UsedTokenTable.Key.init(_:))
        let verdict = state.withLock { state -> ReplayVerdict in
            state.table.removeExpired(now, limit: Self.removalsPerUse)
            for key in keys where state.table.contains(key, now) { return .replayed }
            guard state.table.count + keys.count <= state.capacity else {
                state.refusedCount &+= 1
                return .full
            }
            for key in keys { state.table.insert(key, until: expiry) }
            return .fresh
        }
        if verdict == .full { isFull(figures, now) }
        return verdict
    }

    package func use(
        of keys: ReplayKeys, until expiry: Double, _ completion: @escaping @Sendable (TokenUse) -> Void
    ) {
        completion(isUsed(keys.names) ? .used : .unused)
    }

    package func knownUse(of keys: [[UInt8]]) -> TokenUse? { isUsed(keys) ? .used : .unused }

    /// One of `keys` is remembered.
    package func isUsed(_ keys: [[UInt8]]) -> Bool {
        let keys = keys.map(UsedTokenTable.Key.init(_:))
        return state.withLock { state in
            for key in keys where state.table.contains(key) { return true }
            return false
        }
    }

    /// What a key is kept as.
    package static func digest(of key: [UInt8]) -> [UInt8] { SHA256.hash(key.span) }

    /// Remembers keys that an earlier process had consumed, whatever the capacity: none of them is forgotten.
    package func restore(_ keys: [(digest: [UInt8], expiry: Expiry)]) {
        state.withLock { state in
            for key in keys { state.table.insert(UsedTokenTable.Key(digest: key.digest), until: key.expiry) }
        }
    }

    /// At most `limit` of the keys that are remembered, as ``UsedTokenTable/keys(from:limit:)`` walks over them.
    package func keys(from start: Int, limit: Int) -> (keys: [(digest: [UInt8], expiry: Expiry)], next: Int?) {
        let found = state.withLock { $0.table.keys(from: start, limit: limit) }
        return (found.keys.map { ($0.key.digest, $0.expiry) }, found.next)
    }

    /// Keys remembered at once from now on. When more are remembered, all of them stay until they expire.
    package func setCapacity(_ capacity: Int) {
        state.withLock { $0.capacity = capacity }
    }

    /// Removes what has expired; the lock is free in between, so nobody waits for all of it.
    package func removeExpired(_ now: ClockReading) {
        while state.withLock({ $0.table.removeExpired(now, limit: Self.removalsPerUse) }) {}
    }

    package var figures: Figures {
        state.withLock { state in
            var figures = Figures()
            figures.entries = state.table.count
            figures.capacity = state.capacity
            figures.refused = state.refusedCount
            return figures
        }
    }

    /// Keys remembered now.
    package var count: Int { state.withLock { $0.table.count } }

    /// Entries that all calls so far have looked at or moved.
    package var touchedCount: UInt64 { state.withLock { $0.table.touchedCount } }

    /// More than a sign-in adds, so that removal keeps up; few, so that no sign-in waits for what others left behind.
    private static let removalsPerUse = 32
}
