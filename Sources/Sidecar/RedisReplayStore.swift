// SPDX-License-Identifier: Apache-2.0

import Gate
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
    /// With `replay.onFailure: allow`: what this process let in without Redis's word does not come in again.
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
        _ keys: [[UInt8]], until expiry: Double, now: Double, _ completion: @escaping @Sendable (ReplayVerdict) -> Void
    ) {
        let names = keys.map { store.key("token:", $0) }
        // Longer than the token could be good for a replica whose clock is behind.
        let lifetime = String(Int(max(1, min(expiry - now, 1e9)) * 1000) + Self.margin)
        loop.submit { [self] in
            connection.assumeOnLoop { connection in
                let (command, shape) = Self.command(names, lifetime)
                connection.send(command, shape) { [self] result in
                    var verdict = verdict(result)
                    if store.allowsWithout, verdict != .replayed,
                        witness.claim(keys, until: expiry, now: now) == .replayed
                    {
                        verdict = .replayed
                    }
                    completion(verdict)
                }
            }
        }
    }

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
