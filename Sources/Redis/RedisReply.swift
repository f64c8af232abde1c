// SPDX-License-Identifier: Apache-2.0

/// The type that the reply to a command must have.
///
/// Any other reply is a protocol error and ends the connection. An error reply is not a type; it is
/// ``RedisFailure/refused(_:)``.
package struct RedisReply<Value>: Sendable {
    private let decode: @Sendable (RESPValue) -> Value?

    /// The reply's value; nil if it has another type.
    package func read(_ reply: RESPValue) -> Value? { decode(reply) }

    package init(_ decode: @escaping @Sendable (RESPValue) -> Value?) {
        self.decode = decode
    }
}

extension RedisReply<Void> {
    /// A status line with exactly this text.
    static func status(_ text: StaticString) -> Self {
        Self { reply in
            guard case .simple = reply, reply.isText(text) else { return nil }
            return ()
        }
    }

    /// `+OK`: AUTH, SELECT, an unconditional SET.
    package static var ok: Self { status("OK") }

    /// `+PONG`: PING on a connection without a subscription.
    package static var pong: Self { status("PONG") }

    /// `[pong, ""]`: PING on a connection with a subscription.
    static var subscriberPong: Self {
        Self { reply in
            guard let texts = reply.bulks(2), texts[0].elementsEqual("pong".utf8), texts[1].isEmpty else { return nil }
            return ()
        }
    }

    /// `[subscribe, channel, 1]`: the first and only subscription of a connection.
    static func subscription(to channel: [UInt8]) -> Self {
        Self { reply in
            guard case .array(let parts) = reply, parts.count == 3, parts[0] == .bulk(Array("subscribe".utf8)),
                parts[1] == .bulk(channel), parts[2] == .integer(1)
            else { return nil }
            return ()
        }
    }
}

extension RedisReply<String?> {
    /// A reply of the same form, whose value is nil.
    static func accepting(_ form: RedisReply<Void>) -> Self {
        Self { reply in form.read(reply) == nil ? nil : .some(nil) }
    }
}

extension RedisReply<Bool> {
    /// `SET … NX`: `+OK`, or nil when the key exists.
    package static var isSet: Self {
        Self { reply in
            if case .null = reply { return false }
            return RedisReply<Void>.ok.read(reply).map { true }
        }
    }

    /// A script that returns 1 or 0.
    package static var flag: Self {
        Self { reply in
            switch reply {
            case .integer(0): false
            case .integer(1): true
            default: nil
            }
        }
    }
}

extension RedisReply<Int64> {
    /// DEL, PUBLISH: a number; never negative.
    package static var count: Self {
        Self { reply in
            guard case .integer(let count) = reply, count >= 0 else { return nil }
            return count
        }
    }

    /// EXISTS: how many of the given keys exist.
    package static func count(atMost limit: Int) -> Self {
        Self { reply in
            guard let count = count.read(reply), count <= limit else { return nil }
            return count
        }
    }
}

extension RedisReply<[UInt8]?> {
    /// GET: a string of limited length, or nil.
    package static func text(atMost limit: Int) -> Self {
        Self { reply in
            switch reply {
            case .null: .some(nil)
            case .bulk(let text) where text.count <= limit: text
            default: nil
            }
        }
    }
}

extension RedisReply<[UInt8]> {
    /// INFO: a string of limited length.
    package static func requiredText(atMost limit: Int) -> Self {
        Self { reply in
            guard case .bulk(let text) = reply, text.count <= limit else { return nil }
            return text
        }
    }
}

extension RedisReply<RedisScanPage> {
    /// ZSCAN: the next cursor, then alternating members and scores.
    package static var sortedSetPage: Self {
        Self { reply in
            guard case .array(let parts) = reply, parts.count == 2, case .bulk(let cursor) = parts[0],
                let number = RedisScanPage.cursor(cursor), case .array(let items) = parts[1],
                items.count.isMultiple(of: 2)
            else { return nil }
            var members: [[UInt8]] = []
            members.reserveCapacity(items.count / 2)
            for place in stride(from: 0, to: items.count, by: 2) {
                guard case .bulk(let member) = items[place], case .bulk(let score) = items[place + 1],
                    RedisScanPage.isScore(score)
                else { return nil }
                members.append(member)
            }
            return RedisScanPage(cursor: number, members: members)
        }
    }
}

extension RedisReply<RedisScanPage> {
    /// HSCAN: the next cursor, then alternating names and values, of which the values are kept.
    package static var hashPage: Self {
        Self { reply in
            guard case .array(let parts) = reply, parts.count == 2, case .bulk(let cursor) = parts[0],
                let number = RedisScanPage.cursor(cursor), case .array(let items) = parts[1],
                items.count.isMultiple(of: 2)
            else { return nil }
            var values: [[UInt8]] = []
            values.reserveCapacity(items.count / 2)
            for place in stride(from: 1, to: items.count, by: 2) {
                guard case .bulk(let value) = items[place] else { return nil }
                values.append(value)
            }
            return RedisScanPage(cursor: number, members: values)
        }
    }
}

/// One step of an iteration over a sorted set, or a hash.
package struct RedisScanPage: Equatable, Sendable {
    /// 0 if the iteration is complete.
    package let cursor: UInt64
    package let members: [[UInt8]]
    /// The server, and the run of it as far as that is known, that has sent the page. Cursors are those of one server: on
    /// another one the iteration begins again.
    package internal(set) var server: UInt64 = 0

    package init(cursor: UInt64, members: [[UInt8]]) {
        (self.cursor, self.members) = (cursor, members)
    }

    /// An unsigned decimal number without leading zeros.
    static func cursor(_ text: [UInt8]) -> UInt64? {
        guard 1...20 ~= text.count, text.allSatisfy({ 0x30...0x39 ~= $0 }), text.count == 1 || text[0] != 0x30 else {
            return nil
        }
        return UInt64(String(decoding: text, as: UTF8.self))
    }

    static func isScore(_ text: [UInt8]) -> Bool {
        guard 1...32 ~= text.count, let score = Double(String(decoding: text, as: UTF8.self)) else { return false }
        return !score.isNaN
    }
}

/// The limits of an iteration: the server decides when it ends, and a faulty one never ends it.
package struct RedisScanLimits: Sendable {
    private var rounds: Int
    private var members: Int

    /// - Parameters:
    ///   - rounds: the number of commands.
    ///   - members: the number of members in all pages together, duplicates included.
    package init(rounds: Int, members: Int) {
        (self.rounds, self.members) = (rounds, members)
    }

    /// Counts a page; false if it exceeds a limit.
    package mutating func admits(_ page: RedisScanPage) -> Bool {
        rounds -= 1
        members -= page.members.count
        return members >= 0 && (rounds > 0 || rounds == 0 && page.cursor == 0)
    }
}

extension RESPValue {
    /// The content of an array of exactly `count` bulk strings.
    func bulks(_ count: Int) -> [[UInt8]]? {
        guard case .array(let parts) = self, parts.count == count else { return nil }
        var texts: [[UInt8]] = []
        for part in parts {
            guard case .bulk(let text) = part else { return nil }
            texts.append(text)
        }
        return texts
    }
}
