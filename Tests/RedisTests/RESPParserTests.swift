// SPDX-License-Identifier: Apache-2.0

import Reactor
import Redis
import Testing

@Suite("Redis replies")
struct RESPParserTests {
    private static func text(_ text: String) -> RESPValue { .bulk(Array(text.utf8)) }

    private static let replies: [(String, RESPValue)] = [
        ("+OK\r\n", .simple(Array("OK".utf8))),
        ("-ERR no\r\n", .error(Array("ERR no".utf8))),
        (":-42\r\n", .integer(-42)),
        ("$5\r\na\r\nbc\r\n", text("a\r\nbc")),
        ("$0\r\n\r\n", text("")),
        ("$-1\r\n", .null), ("*-1\r\n", .null), ("_\r\n", .null),
        ("*0\r\n", .array([])),
        (
            "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n*2\r\n:1\r\n$-1\r\n",
            .array([text("message"), text("c"), .array([.integer(1), .null])])
        ),
        ("#t\r\n", .boolean(true)), (",1.5\r\n", .double(Array("1.5".utf8))),
        ("(12345678901234567890\r\n", .double(Array("12345678901234567890".utf8))),
        ("=6\r\ntxt:hi\r\n", text("hi")), ("!5\r\nERR x\r\n", .error(Array("ERR x".utf8))),
        ("%1\r\n+a\r\n:1\r\n", .map([.simple(Array("a".utf8)), .integer(1)])),
        ("~1\r\n:1\r\n", .array([.integer(1)])),
        (">2\r\n+pong\r\n+x\r\n", .push([.simple(Array("pong".utf8)), .simple(Array("x".utf8))])),
        ("|1\r\n+ttl\r\n:3\r\n:7\r\n", .integer(7)),
    ]

    private func parse(_ bytes: [UInt8], cut: Int = .max, limits: RESPLimits = RESPLimits()) throws(RESPError)
        -> [RESPValue]
    {
        var parser = RESPParser(limits)
        var values: [RESPValue] = []
        let cut = min(cut, bytes.count)
        for part in [Array(bytes[..<cut]), Array(bytes[cut...])] {
            let span = part.span
            try parser.receive(span) { values.append($0) }
        }
        return values
    }

    @Test("each type is read, however the bytes are divided")
    func everySplit() throws {
        for (text, value) in Self.replies {
            let bytes = Array(text.utf8)
            for cut in 0...bytes.count {
                #expect(try parse(bytes, cut: cut) == [value], "\(text) at \(cut)")
            }
        }
        let all = Self.replies.flatMap { Array($0.0.utf8) }
        for cut in 0...all.count { #expect(try parse(all, cut: cut) == Self.replies.map(\.1)) }
    }

    @Test("a partial reply is not delivered", arguments: ["$5\r\nab", "*2\r\n:1\r\n", "+O", "%1\r\n+a\r\n"])
    func half(text: String) throws {
        #expect(try parse(Array(text.utf8)) == [])
    }

    @Test(
        "an invalid reply ends the connection",
        arguments: [
            "HTTP/1.1 200 OK\r\n", "\r\n", "+OK\n", ":1x\r\n", ":\r\n", ":99999999999999999999\r\n", "$-2\r\n",
            "$x\r\n",
            "$2\r\nabc\r\n", "*-2\r\n", "#x\r\n", "_x\r\n", "=3\r\nabc\r\n", "+a\rb\r\n", "$?\r\n", "%-1\r\n",
            "!-1\r\n",
        ])
    func malformed(text: String) {
        #expect(throws: RESPError.malformed) { try parse(Array(text.utf8)) }
    }

    @Test("after an error nothing more is read")
    func dead() throws {
        var parser = RESPParser()
        for text in ["x\r\n", "+OK\r\n"] {
            let bytes = Array(text.utf8)
            #expect(throws: RESPError.malformed) {
                let span = bytes.span
                try parser.receive(span) { _ in }
            }
        }
    }

    @Test(
        "everything is bounded",
        arguments: [
            "+" + String(repeating: "a", count: 100), "$65\r\n", "*11\r\n",
            "%6\r\n+a\r\n:1\r\n+a\r\n:1\r\n+a\r\n:1\r\n+a\r\n:1\r\n+a\r\n:1\r\n+a\r\n:1\r\n",
            "*1\r\n*1\r\n*1\r\n*1\r\n",
            "*4\r\n$60\r\n" + String(repeating: "a", count: 60) + "\r\n$60\r\n" + String(repeating: "a", count: 60),
        ])
    func bounds(text: String) {
        var limits = RESPLimits()
        (limits.line, limits.text, limits.values, limits.depth, limits.reply) = (32, 64, 10, 3, 100)
        #expect(throws: RESPError.tooLong) { try parse(Array(text.utf8), limits: limits) }
    }

    @Test("the limits apply to one reply, not to all together")
    func fresh() throws {
        var limits = RESPLimits()
        (limits.values, limits.reply) = (3, 40)
        let bytes = Array(String(repeating: "*2\r\n:1\r\n:2\r\n", count: 100).utf8)
        #expect(try parse(bytes, limits: limits).count == 100)
    }

    @Test("a command is an array of bulk strings, of any bytes")
    func commands() {
        let command = RESPCommand("SET", [0, 13, 10], Array("v".utf8))
        #expect(command.encoded == Array("*3\r\n$3\r\nSET\r\n$3\r\n\0\r\n\r\n$1\r\nv\r\n".utf8))
        #expect(RESPCommand("PING").encoded == Array("*1\r\n$4\r\nPING\r\n".utf8))
    }

    @Test("attempts come soon at first, then rarely, and never all at once")
    func backoff() {
        var backoff = RedisBackoff()
        let shortest = (0..<10).map { _ in backoff.failed(after: nil, chance: 0).count / 1_000_000 }
        #expect(shortest == [25, 50, 100, 200, 400, 800, 1000, 1000, 1000, 1000])
        #expect(backoff.failed(after: .seconds(10), chance: 1).count / 1_000_000 == 50)
    }
}
