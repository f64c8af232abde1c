// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor
import Redis

/// Remembers used tokens for all replicas, until they expire: each is claimed by one atomic command, whose answer says
/// whether somebody had claimed it before.
///
/// One for each loop, over that loop's connection.
final class RedisReplayStore: ReplayStore {
    private let store: SharedStore
    private let loop: EventLoop
    private let connection: LoopBound<RedisConnection>
    /// What this process let in does not come in again, whatever Redis forgets: with `replay.onFailure: allow` it was let in
    /// without Redis's word, and Redis counts the time of its own clock alone.
    private let witness: MemoryReplayStore

    init(
        _ store: SharedStore, _ connection: RedisConnection, loop: EventLoop, witness: MemoryReplayStore
    ) {
        self.store = store
        self.loop = loop
        self.connection = loop.bind(connection)
        self.witness = witness
    }

    func claim(
        _ keys: [[UInt8]], for retention: Retention, now: ClockReading,
        _ completion: @escaping @Sendable (ReplayVerdict) -> Void
    ) {
        let names = keys.map { store.key("token:", $0) }
        // Longer than the token could be good for a replica whose clock is behind.
        let lifetime = String(Int(max(1, retention.span) * 1000) + Self.margin)
        loop.submit { [self] in
            connection.assumeOnLoop { connection in
                let (command, shape) = Self.command(names, lifetime)
                connection.send(command, shape) { [self] result in
                    var verdict = verdict(result)
                    // Without Redis's word it does not come in, and may try again.
                    if verdict == .fresh || verdict == .unavailable && store.allowsWithout,
                        witness.claim(keys, for: retention, now: now) == .replayed
                    {
                        verdict = .replayed
                    }
                    completion(verdict)
                }
            }
        }
    }

    func use(of keys: [[UInt8]], _ completion: @escaping @Sendable (TokenUse) -> Void) {
        let names = keys.map { store.key("token:", $0) }
        loop.submit { [self] in
            connection.assumeOnLoop { connection in
                let command = RESPCommand([Array("EXISTS".utf8)] + names)
                connection.send(command, .count(atMost: names.count)) { [self] result in
                    switch result {
                    case .success(let found): completion(found == 0 ? .unused : .used)
                    case .failure(let failure):
                        store.complain(failure, "single use of a token")
                        completion(.unavailable)
                    }
                }
            }
        }
    }

    func knownUse(of keys: [[UInt8]]) -> TokenUse? { witness.isUsed(keys) ? .used : nil }

    private func verdict(_ result: Result<Bool, RedisFailure>) -> ReplayVerdict {
        switch result {
        case .success(let isFirst): return isFirst ? .fresh : .replayed
        case .failure(let failure):
            store.complain(failure, "single use of a token")
            return .unavailable
        }
    }

    /// The reply says whether this is the first use.
    private static func command(_ names: [[UInt8]], _ lifetime: String) -> (RESPCommand, RedisReply<Bool>) {
        let value = Array("1".utf8)
        let lifetime = Array(lifetime.utf8)
        if names.count == 1 {
            let command = RESPCommand(
                [Array("SET".utf8), names[0], value] + ["NX", "PX"].map { Array($0.utf8) } + [lifetime])
            return (command, .isSet)
        }
        // All or none: a script runs by itself.
        let command = RESPCommand(
            [Array("EVAL".utf8), Array(script.utf8), Array(String(names.count).utf8)] + names + [lifetime])
        return (command, .flag)
    }

    private static let script = """
        for _, key in ipairs(KEYS) do if redis.call('EXISTS', key) == 1 then return 0 end end
        for _, key in ipairs(KEYS) do redis.call('SET', key, '1', 'PX', ARGV[1]) end
        return 1
        """
    /// Milliseconds.
    private static let margin = 120_000
}
