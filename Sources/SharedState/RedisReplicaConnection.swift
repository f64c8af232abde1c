// SPDX-License-Identifier: Apache-2.0

import Redis

/// The operations of a replica store as Redis commands. Steps that have to be atomic are scripts: Redis runs nothing else
/// meanwhile.
final class RedisReplicaConnection: ReplicaConnection {
    private let client: any RedisClient
    private let store: RedisReplicaStore

    init(_ client: any RedisClient, _ store: RedisReplicaStore) {
        self.client = client
        self.store = store
    }

    func consume(_ keys: [ReplicaKey], timeToLive: Double, _ completion: @escaping ReplicaCompletion<Bool>) {
        let names = keys.map { store.key($0) }
        let milliseconds = Self.milliseconds(timeToLive)
        if names.count == 1 {
            let command = RESPCommand("SET", names[0], Self.mark, Array("NX".utf8), Array("PX".utf8), milliseconds)
            return send(command, .isSet, completion)
        }
        let command = RESPCommand(
            [Array("EVAL".utf8), Array(Self.consumeScript.utf8), Array(String(names.count).utf8)] + names
                + [milliseconds])
        send(command, .flag, completion)
    }

    func isConsumed(_ keys: [ReplicaKey], _ completion: @escaping ReplicaCompletion<Bool>) {
        let command = RESPCommand([Array("EXISTS".utf8)] + keys.map { store.key($0) })
        send(command, .count(atMost: keys.count)) { completion($0.map { $0 > 0 }) }
    }

    func get(
        _ key: ReplicaKey, atMost limit: Int, extending extension: TimeToLiveExtension?,
        _ completion: @escaping ReplicaCompletion<[UInt8]?>
    ) {
        let command: RESPCommand
        if let `extension` {
            command = RESPCommand(
                "EVAL", Array(Self.getScript.utf8), Array("1".utf8), store.key(key),
                Self.milliseconds(`extension`.threshold), Self.milliseconds(`extension`.timeToLive))
        } else {
            command = RESPCommand("GET", store.key(key))
        }
        send(command, .text(atMost: limit), completion)
    }

    func put(
        _ key: ReplicaKey, _ value: [UInt8], timeToLive: Double, _ completion: @escaping ReplicaCompletion<Void>
    ) {
        let command = RESPCommand(
            "SET", store.key(key), value, Array("PX".utf8), Self.milliseconds(timeToLive))
        send(command, .ok, completion)
    }

    func delete(_ key: ReplicaKey) {
        send(RESPCommand("DEL", store.key(key)), .count) { _ in }
    }

    func record(
        _ records: [ReplicaRecord], in table: ReplicaTable, now: Double,
        _ completion: @escaping ReplicaCompletion<Void>
    ) {
        let last = records.map(\.expiresAt).max() ?? now
        var arguments = [
            Self.milliseconds(of: now), Array(String(table.capacity).utf8), Self.milliseconds(last - now),
        ]
        for record in records {
            arguments += [record.name, Self.milliseconds(of: record.expiresAt), record.value]
        }
        let command = RESPCommand(
            [Array("EVAL".utf8), Array(Self.recordScript.utf8), Array("2".utf8)] + store.keys(table) + arguments)
        send(command, .flag) { completion($0.map { _ in () }) }
    }

    func remove(_ names: [[UInt8]], from table: ReplicaTable) {
        guard !names.isEmpty else { return }
        let keys = store.keys(table)
        send(RESPCommand([Array("HDEL".utf8), keys[0]] + names), .count) { _ in }
        send(RESPCommand([Array("ZREM".utf8), keys[1]] + names), .count) { _ in }
    }

    func page(
        of table: ReplicaTable, from cursor: ReplicaCursor?, _ completion: @escaping ReplicaCompletion<ReplicaPage>
    ) {
        let arguments = [String(cursor?.number ?? 0), "COUNT", "500"].map { Array($0.utf8) }
        client.scan(RESPCommand([Array("HSCAN".utf8), store.keys(table)[0]] + arguments), .hashPage) { [self] result in
            // The table has moved to a server for which the cursor means nothing.
            if let cursor, case .success(let page) = result, page.server != cursor.server {
                return self.page(of: table, from: nil, completion)
            }
            completion(
                result.map { page in
                    ReplicaPage(
                        next: page.cursor == 0 ? nil : ReplicaCursor(number: page.cursor, server: page.server),
                        values: page.members)
                }.mapError { ReplicaFailure($0) })
        }
    }

    func close() { client.close() }

    private func send<Value>(
        _ command: RESPCommand, _ shape: RedisReply<Value>, _ completion: @escaping ReplicaCompletion<Value>
    ) {
        client.send(command, shape) { completion($0.mapError { ReplicaFailure($0) }) }
    }

    private static func milliseconds(_ seconds: Double) -> [UInt8] {
        Array(String(Int(max(0.001, min(seconds, 1e9)) * 1000)).utf8)
    }

    /// Since 1970.
    private static func milliseconds(of time: Double) -> [UInt8] {
        Array(String(Int(max(0, min(time, 1e12)) * 1000)).utf8)
    }

    private static let mark = Array("1".utf8)
    private static let consumeScript = """
        for _, key in ipairs(KEYS) do if redis.call('EXISTS', key) == 1 then return 0 end end
        for _, key in ipairs(KEYS) do redis.call('SET', key, '1', 'PX', ARGV[1]) end
        return 1
        """
    /// A hash of the records, and a sorted set of their names by the time of expiry.
    private static let recordScript = """
        local function drop(names)
            if #names == 0 then return end
            redis.call('HDEL', KEYS[1], unpack(names))
            redis.call('ZREM', KEYS[2], unpack(names))
        end
        drop(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, 1000))
        for i = 4, #ARGV, 3 do
            redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
            redis.call('ZADD', KEYS[2], ARGV[i + 1], ARGV[i])
        end
        local excess = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[2])
        if excess > 0 then drop(redis.call('ZRANGE', KEYS[2], 0, math.min(excess, 1000) - 1)) end
        for i = 1, 2 do
            if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
        end
        return 1
        """
    private static let getScript = """
        local record = redis.call('GET', KEYS[1])
        if record and redis.call('PTTL', KEYS[1]) <= tonumber(ARGV[1]) then
            redis.call('PEXPIRE', KEYS[1], ARGV[2])
        end
        return record
        """
}
