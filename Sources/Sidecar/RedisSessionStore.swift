// SPDX-License-Identifier: Apache-2.0

import Gate
import Proxy
import Reactor
import Redis

/// Keeps sessions in Redis, each under its identifier and sealed by its ticket, until it was idle for too long.
///
/// One for each loop, over that loop's connection.
final class RedisSessionStore: SessionStore {
    private let store: SharedStore
    private let loop: EventLoop
    private let connection: LoopBound<RedisConnection>

    init(_ store: SharedStore, _ connection: RedisConnection, loop: EventLoop) {
        self.store = store
        self.loop = loop
        self.connection = loop.bind(connection)
    }

    func fetch(_ session: AwaitedSession, _ done: @escaping @Sendable (SessionAnswer) -> Void) {
        let lifetime = Self.milliseconds(session.keptFor)
        let due = Self.milliseconds(session.keptFor - session.renewalInterval)
        let command = RESPCommand(
            [Array("EVAL".utf8), Array(Self.script.utf8), Array("1".utf8), store.sessionKey(session.id)]
                + [due, lifetime].map { Array(String($0).utf8) })
        send(command, .text(atMost: Self.maximumRecord)) { [store] result in
            switch result {
            case .success(let record?): done(.found(record))
            case .success(nil): done(.gone)
            case .failure(let failure):
                store.complain(failure, "a session")
                done(.unavailable)
            }
        }
    }

    func keep(_ session: SessionToKeep, _ done: @escaping @Sendable (Bool) -> Void) {
        let lifetime = Array(String(Self.milliseconds(session.keptFor)).utf8)
        let command = RESPCommand("SET", store.sessionKey(session.id), session.record, Array("PX".utf8), lifetime)
        send(command, .ok) { [self] result in
            switch result {
            case .success:
                // It ends by itself, should this one get lost.
                if let replaced = session.replaced {
                    send(RESPCommand("DEL", store.sessionKey(replaced)), .count) { _ in }
                }
                done(true)
            case .failure(let failure):
                store.complain(failure, "a session")
                done(false)
            }
        }
    }

    private func send<Value>(
        _ command: RESPCommand, _ shape: RedisReply<Value>,
        _ completion: @escaping @Sendable (Result<Value, RedisFailure>) -> Void
    ) {
        loop.submit { [connection] in connection.assumeOnLoop { $0.send(command, shape, completion) } }
    }

    private static func milliseconds(_ seconds: Double) -> Int { Int(max(0.001, min(seconds, 1e9)) * 1000) }

    /// Bytes of a sealed session; far more than claims can be.
    private static let maximumRecord = 1 << 18

    /// Reads, and writes no more often than once in the renewal interval, however many replicas read.
    private static let script = """
        local record = redis.call('GET', KEYS[1])
        if record and redis.call('PTTL', KEYS[1]) <= tonumber(ARGV[1]) then
            redis.call('PEXPIRE', KEYS[1], ARGV[2])
        end
        return record
        """
}

extension SharedStore {
    func sessionKey(_ id: [UInt8]) -> [UInt8] { key("session:", id) }
}
