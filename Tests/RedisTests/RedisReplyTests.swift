// SPDX-License-Identifier: Apache-2.0

import Redis
import Testing

@Suite("Types of replies")
struct RedisReplyTests {
    /// Whether the bytes are a reply of the protocol's version 2 with the type.
    private static func accepts<Value>(_ shape: RedisReply<Value>, _ text: String) -> Value? {
        var parser = RESPParser(version: .two)
        var replies: [RESPValue] = []
        let bytes = Array(text.utf8)
        do throws(RESPError) { try parser.receive(bytes.span) { replies.append($0) } } catch { return nil }
        guard replies.count == 1, parser.isBetweenReplies else { return nil }
        return shape.read(replies[0])
    }

    /// One reply of each form, of both versions of the protocol.
    static let replies = [
        "+OK", "+PONG", "+QUEUED", "+ok", "+", ":0", ":1", ":2", ":-1", "$2\r\nOK", "$1\r\n1", "$0\r\n", "$-1", "*-1",
        "*0",
        "*1\r\n:1", "*2\r\n$1\r\n0\r\n*0", "_", "#t", "#f", ",1.5", "(12", "%0", "%1\r\n+a\r\n+b", "~1\r\n:1",
        ">2\r\n+message\r\n+x", "=7\r\ntxt:abc", "!3\r\nERR", "|1\r\n+a\r\n+b\r\n+OK",
    ].map { $0 + "\r\n" }

    private static func accepted<Value>(_ shape: RedisReply<Value>) -> [String] {
        replies.filter { accepts(shape, $0) != nil }
    }

    @Test("each command has one")
    func shapes() {
        #expect(Self.accepted(.ok) == ["+OK\r\n"])
        #expect(Self.accepted(.pong) == ["+PONG\r\n"])
        #expect(Self.accepted(.isSet) == ["+OK\r\n", "$-1\r\n"])
        #expect(Self.accepted(.flag) == [":0\r\n", ":1\r\n"])
        #expect(Self.accepted(.count) == [":0\r\n", ":1\r\n", ":2\r\n"])
        #expect(Self.accepted(.text(atMost: 1)) == ["$1\r\n1\r\n", "$0\r\n\r\n", "$-1\r\n"])
        #expect(Self.accepted(.requiredText(atMost: 2)) == ["$2\r\nOK\r\n", "$1\r\n1\r\n", "$0\r\n\r\n"])
        #expect(Self.accepted(.sortedSetPage) == ["*2\r\n$1\r\n0\r\n*0\r\n"])
        #expect(Self.accepts(.isSet, "+OK\r\n") == true)
        #expect(Self.accepts(.isSet, "$-1\r\n") == false)
        #expect(Self.accepts(.flag, ":1\r\n") == true)
    }

    private static func page(_ cursor: String, _ items: [String]) -> String {
        let texts = items.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        return "*2\r\n$\(cursor.utf8.count)\r\n\(cursor)\r\n*\(items.count)\r\n\(texts)"
    }

    @Test("a page of a sorted set has a cursor, and members with their scores")
    func pages() {
        let page = Self.accepts(
            .sortedSetPage, Self.page("18446744073709551615", ["a", "1", "b", "1.5e3", "c", "-inf"]))
        #expect(page == RedisScanPage(cursor: .max, members: [[97], [98], [99]]))
        for cursor in ["", "-1", "+1", "01", "1a", "18446744073709551616", "1.0", " 1", "0x1"] {
            #expect(Self.accepts(.sortedSetPage, Self.page(cursor, [])) == nil, "\(cursor)")
        }
        for items in [["a"], ["a", "1", "b"], ["a", ""], ["a", "x"], ["a", "nan"]] {
            #expect(Self.accepts(.sortedSetPage, Self.page("0", items)) == nil, "\(items)")
        }
        #expect(Self.accepts(.sortedSetPage, "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n:1\r\n") == nil)
        #expect(Self.accepts(.sortedSetPage, "*2\r\n:0\r\n*0\r\n") == nil)
    }

    @Test("an iteration has an end")
    func endlessIteration() {
        let page = RedisScanPage(cursor: 7, members: [[1], [2]])
        let last = RedisScanPage(cursor: 0, members: [[1]])
        func admitted(_ limits: RedisScanLimits, _ pages: [RedisScanPage]) -> [Bool] {
            var limits = limits
            return pages.map { limits.admits($0) }
        }
        #expect(admitted(RedisScanLimits(rounds: 3, members: 10), [page, page, page]) == [true, true, false])
        #expect(admitted(RedisScanLimits(rounds: 3, members: 10), [page, page, last]) == [true, true, true])
        #expect(admitted(RedisScanLimits(rounds: 100, members: 3), [page, page]) == [true, false])
    }

    @Test("any input, however divided, is read within limits, and matches at most one type")
    func anything() {
        var random = SystemRandomNumberGenerator()
        var limits = RESPLimits()
        (limits.line, limits.text, limits.values, limits.depth, limits.reply) = (100, 1000, 50, 4, 5000)
        for _ in 0..<20_000 {
            var text = Self.value(&random, depth: 0)
            if Int.random(in: 0..<4, using: &random) == 0, !text.isEmpty {
                text[text.indices.randomElement(using: &random) ?? 0] = UInt8.random(in: 0...255, using: &random)
            }
            for version in [RESPParser.Version.two, .three] {
                var parser = RESPParser(limits, version: version)
                var count = 0
                var place = 0
                while place < text.count {
                    let end = min(text.count, place + Int.random(in: 1...20, using: &random))
                    let piece = Array(text[place..<end])
                    do throws(RESPError) {
                        try parser.receive(piece.span) { reply in
                            count += 1
                            Self.check(reply)
                        }
                    } catch {
                        break
                    }
                    place = end
                }
                #expect(count <= text.count)
            }
        }
    }

    private static func check(_ reply: RESPValue) {
        if RedisReply<Void>.ok.read(reply) != nil { #expect(reply == .simple(Array("OK".utf8))) }
        if RedisReply<Bool>.flag.read(reply) != nil { #expect(reply == .integer(0) || reply == .integer(1)) }
        if let page = RedisReply<RedisScanPage>.sortedSetPage.read(reply) {
            #expect(reply.elements?.last?.elements?.count == 2 * page.members.count)
        }
        if let text = RedisReply<[UInt8]?>.text(atMost: 10).read(reply) { #expect((text?.count ?? 0) <= 10) }
    }

    private static func value(_ random: inout some RandomNumberGenerator, depth: Int) -> [UInt8] {
        func text(_ most: Int) -> [UInt8] {
            (0..<Int.random(in: 0...most, using: &random)).map { _ in UInt8.random(in: 32...126, using: &random) }
        }
        let number = [-1, 0, 1, 2, 3, 7, 10_000_000, Int.max, Int.min].randomElement(using: &random) ?? 0
        let end: [UInt8] = [13, 10]
        let kind = Array("+-:$*_#,(%~>=!|".utf8).randomElement(using: &random) ?? 43
        switch UInt8(kind) {
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            let content = text(30)
            let length = Int.random(in: 0..<8, using: &random) == 0 ? number : content.count
            return [kind] + Array("\(length)".utf8) + end + content + end
        case UInt8(ascii: "*"), UInt8(ascii: "%"), UInt8(ascii: "~"), UInt8(ascii: ">"), UInt8(ascii: "|"):
            let count = depth > 5 ? 0 : Int.random(in: 0...3, using: &random)
            let length = Int.random(in: 0..<8, using: &random) == 0 ? number : count
            var bytes = [kind] + Array("\(length)".utf8) + end
            for _ in 0..<(kind == UInt8(ascii: "%") ? 2 * count : count) { bytes += value(&random, depth: depth + 1) }
            return bytes
        case UInt8(ascii: ":"): return [kind] + Array("\(number)".utf8) + end
        case UInt8(ascii: "_"): return [kind] + end
        default: return [kind] + text(20) + end
        }
    }
}
