// SPDX-License-Identifier: Apache-2.0

import Reactor

/// When the map of slots is read again, and from which servers.
///
/// Redirections and lost connections request it, all of them together at most about once a second; and it is read
/// regularly, since nothing else shows that a server has left the cluster.
struct RedisLookup {
    private enum State {
        /// The next one may begin then.
        case idle(notBefore: MonotonicTime)
        /// The servers that are tried in turn, if the one that was asked gives no map.
        case running([RedisNode])
    }

    private let seeds: [RedisNode]
    private let interval: Nanoseconds
    private var state = State.idle(notBefore: MonotonicTime(nanoseconds: 0))
    private var backoff = RedisBackoff()
    private var firstSeed = 0
    /// Of the last one, when no server gave a map.
    private(set) var failure: String?

    /// - Parameter interval: between regular ones.
    init(seeds: [RedisNode], interval: Nanoseconds) {
        self.seeds = seeds
        self.interval = interval
    }

    /// Begins one, if it is due: the server to ask. Otherwise nil.
    ///
    /// - Parameters:
    ///   - ready: servers of the cluster with a connection.
    ///   - members: all of them.
    mutating func begin(_ now: MonotonicTime, ready: [RedisNode], members: Set<RedisNode>) -> RedisNode? {
        guard case .idle(let earliest) = state, earliest <= now else { return nil }
        let connected = Set(ready)
        // Each loop asks another one, and a server that does not reply delays few of them.
        var candidates = Array(ready.shuffled().prefix(Self.maximumAsked))
        candidates += members.filter { !connected.contains($0) }.shuffled().prefix(Self.maximumAsked)
        for offset in seeds.indices {
            let seed = seeds[(firstSeed + offset) % seeds.count]
            if !candidates.contains(seed) { candidates.append(seed) }
        }
        guard !candidates.isEmpty else { return nil }
        if !seeds.isEmpty { firstSeed = (firstSeed + 1) % seeds.count }
        state = .running(candidates)
        return next()
    }

    /// The server that was asked gave no map: the next one, or nil if there is none left.
    mutating func next() -> RedisNode? {
        guard case .running(var candidates) = state, !candidates.isEmpty else { return nil }
        let node = candidates.removeFirst()
        state = .running(candidates)
        return node
    }

    /// No server gave a map. Returns when the next one may begin.
    mutating func failed(_ cause: String, _ now: MonotonicTime) -> MonotonicTime {
        failure = cause
        let due = now.advanced(by: backoff.failed(after: nil, chance: Double.random(in: 0...1)))
        state = .idle(notBefore: due)
        return due
    }

    /// Returns when the next regular one begins.
    ///
    /// - Parameter isComplete: nothing is known to be wrong; otherwise the next one is as soon as possible.
    mutating func succeeded(_ now: MonotonicTime, isComplete: Bool) -> MonotonicTime {
        failure = nil
        backoff = RedisBackoff()
        let earliest = now.advanced(by: Self.jittered(Self.minimumInterval))
        state = .idle(notBefore: earliest)
        return isComplete ? now.advanced(by: Self.jittered(interval)) : earliest
    }

    /// When one that is requested now can begin; nil: one is running.
    var earliest: MonotonicTime? {
        if case .idle(let earliest) = state { earliest } else { nil }
    }

    /// Three quarters to five quarters.
    private static func jittered(_ interval: Nanoseconds) -> Nanoseconds {
        .seconds(interval.seconds * Double.random(in: 0.75...1.25))
    }

    private static let minimumInterval = Nanoseconds.seconds(1)
    /// Of those with a connection, and of those without.
    private static let maximumAsked = 4
}
