// SPDX-License-Identifier: Apache-2.0

import Redis
import TestSupport

/// Replies of Redis: read alike however they are divided, within the limits, and the same when they are written again.
enum RESPTarget {
    static let replies = FuzzTarget(
        "resp", maximumLength: 600,
        dictionary: [
            "\r\n", "$-1\r\n", "*1\r\n", "%1\r\n", ">2\r\n", "|1\r\n", "=8\r\ntxt:abcd\r\n", "#t\r\n", "_\r\n",
        ],
        seeds: {
            [
                "+OK\r\n:12\r\n$5\r\nhello\r\n", "*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "-ERR no\r\n!5\r\nERR a\r\n",
                "%1\r\n+a\r\n(123\r\n",
                "|1\r\n+a\r\n+b\r\n>2\r\n+invalidate\r\n*-1\r\n", "=8\r\ntxt:abcd\r\n,1.5\r\n~1\r\n_\r\n",
                "$-1\r\n#f\r\n*0\r\n",
            ].map { [UInt8]($0) }
        }
    ) { input throws(BrokenProperty) in
        var random = SeededGenerator(of: input)
        var limits = RESPLimits()
        let isTight = random.below(2) == 0
        if isTight { (limits.line, limits.text, limits.values, limits.depth, limits.reply) = (32, 48, 20, 3, 200) }
        let version: RESPParser.Version = random.below(4) == 0 ? .two : .three
        let whole = read([input], limits, version)
        for pieces in [input.map { [$0] }, random.pieces(of: input)] {
            let other = read(pieces, limits, version)
            try require(other == whole, "pieces \(pieces) are read otherwise: \(whole) \(other)")
        }
        for reply in whole.replies {
            let size = size(of: reply)
            if isTight { try require(size.values <= 20 && size.depth <= 4, "a reply of \(size)") }
            try require(size.values <= input.count, "more values than bytes")
            var written: [UInt8] = []
            append(reply, to: &written)
            let again = read([written], RESPLimits(), .three)
            try require(again.replies == [reply], "written again, it is \(again.replies)")
        }
    }

    private struct Reading: Equatable {
        var replies: [RESPValue] = []
        var error: RESPError?
        var isBetween = true
    }

    private static func read(_ pieces: [[UInt8]], _ limits: RESPLimits, _ version: RESPParser.Version) -> Reading {
        var parser = RESPParser(limits, version: version)
        var reading = Reading()
        do throws(RESPError) {
            for piece in pieces { try parser.receive(piece.span) { reading.replies.append($0) } }
        } catch {
            reading.error = error
        }
        reading.isBetween = parser.isBetweenReplies
        return reading
    }

    private static func size(of value: RESPValue) -> (values: Int, depth: Int) {
        let parts = (value.elements ?? []).map(size)
        return (1 + parts.reduce(0) { $0 + $1.values }, 1 + (parts.map(\.depth).max() ?? 0))
    }

    private static func append(_ value: RESPValue, to output: inout [UInt8]) {
        func add(_ text: String) { output += [UInt8](text) }
        switch value {
        case .simple(let text): output += [UInt8(ascii: "+")] + text + [13, 10]
        case .error(let text):
            add("!\(text.count)\r\n")
            output += text + [13, 10]
        case .integer(let number): add(":\(number)\r\n")
        case .bulk(let text):
            add("$\(text.count)\r\n")
            output += text + [13, 10]
        case .null: add("_\r\n")
        case .boolean(let truth): add("#\(truth ? "t" : "f")\r\n")
        case .double(let text): output += [UInt8(ascii: ",")] + text + [13, 10]
        case .array(let items):
            add("*\(items.count)\r\n")
            for item in items { append(item, to: &output) }
        case .map(let items):
            add("%\(items.count / 2)\r\n")
            for item in items { append(item, to: &output) }
        case .push(let items):
            add(">\(items.count)\r\n")
            for item in items { append(item, to: &output) }
        }
    }
}
