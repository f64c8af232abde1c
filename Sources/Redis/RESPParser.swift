// SPDX-License-Identifier: Apache-2.0

/// An incremental, bounded parser of replies.
///
/// ``RESPLimits`` bounds the memory that a server can use: the length of a line and of a text, the depth and the number
/// of values in a reply, and its total bytes. An invalid or oversized reply ends the connection: after an error nothing
/// more is read, since the start of the next reply is unknown.
package struct RESPParser {
    private enum State {
        /// In a line: a type, then a number or a text.
        case line
        /// In a bulk string; this many bytes are missing, the CRLF included.
        case text(missing: Int, Kind)
        case failed(RESPError)
    }

    private enum Kind {
        case bulk, error
        /// Preceded by three letters and a colon.
        case verbatim
    }

    private enum Container {
        case array, map, push
        /// Metadata about the next reply; ignored.
        case attribute
    }

    private struct Frame {
        let container: Container
        var missing: Int
        var items: [RESPValue] = []
    }

    /// The protocol's version.
    package enum Version: Sendable {
        /// The default of a server unless HELLO selects another: strings, errors, integers, arrays and nil.
        case two
        case three
    }

    private let limits: RESPLimits
    private let version: Version
    private let allowsNullArrays: Bool
    private var state = State.line
    private var buffer: [UInt8] = []
    private var frames: [Frame] = []
    /// Of the reply being read.
    private var values = 0
    private var bytes = 0

    /// - Parameter allowsNullArrays: in version 2, where of Sidegate's commands only one to a sentinel returns them.
    package init(_ limits: RESPLimits = RESPLimits(), version: Version = .three, allowsNullArrays: Bool = false) {
        self.limits = limits
        self.version = version
        self.allowsNullArrays = allowsNullArrays || version == .three
    }

    /// Takes received bytes; `deliver` gets each reply as soon as it is complete.
    package mutating func receive(_ input: Span<UInt8>, _ deliver: (RESPValue) -> Void) throws(RESPError) {
        if case .failed(let error) = state { throw error }
        do throws(RESPError) {
            var index = 0
            while index < input.count {
                switch state {
                case .line: try receiveLine(input, &index, deliver)
                case .text(let missing, let kind): try receiveText(missing, kind, input, &index, deliver)
                case .failed(let error): throw error
                }
            }
        } catch {
            state = .failed(error)
            (buffer, frames) = ([], [])
            throw error
        }
    }

    /// Whether no part of a reply has been read.
    package var isBetweenReplies: Bool {
        guard case .line = state else { return false }
        return buffer.isEmpty && frames.isEmpty
    }

    // MARK: Lines

    private mutating func receiveLine(
        _ input: Span<UInt8>, _ index: inout Int, _ deliver: (RESPValue) -> Void
    ) throws(RESPError) {
        let start = index
        while index < input.count, input[index] != 10 { index += 1 }
        let isWhole = index < input.count
        guard buffer.count + index - start <= limits.line else { throw .tooLong }
        for position in start..<index { buffer.append(input[position]) }
        try count(bytes: index - start)
        guard isWhole else { return }
        index += 1
        guard buffer.last == 13 else { throw .malformed }
        buffer.removeLast()
        var line: [UInt8] = []
        swap(&line, &buffer)
        guard let type = line.first, !line.contains(13) else { throw .malformed }
        let rest = line.dropFirst()
        guard version == .three || "+-:$*".utf8.contains(type) else { throw .malformed }
        switch type {
        case UInt8(ascii: "+"): try complete(.simple(Array(rest)), deliver)
        case UInt8(ascii: "-"): try complete(.error(Array(rest)), deliver)
        case UInt8(ascii: ":"): try complete(.integer(try Self.number(rest)), deliver)
        case UInt8(ascii: "("), UInt8(ascii: ","): try complete(.double(Array(rest)), deliver)
        case UInt8(ascii: "_"):
            guard rest.isEmpty else { throw .malformed }
            try complete(.null, deliver)
        case UInt8(ascii: "#"):
            guard rest.elementsEqual("t".utf8) || rest.elementsEqual("f".utf8) else { throw .malformed }
            try complete(.boolean(rest.first == UInt8(ascii: "t")), deliver)
        case UInt8(ascii: "$"): try begin(.bulk, rest, deliver)
        case UInt8(ascii: "!"): try begin(.error, rest, deliver)
        case UInt8(ascii: "="): try begin(.verbatim, rest, deliver)
        case UInt8(ascii: "*"), UInt8(ascii: "~"): try begin(.array, rest, deliver)
        case UInt8(ascii: ">"): try begin(.push, rest, deliver)
        case UInt8(ascii: "%"): try begin(.map, rest, deliver)
        case UInt8(ascii: "|"): try begin(.attribute, rest, deliver)
        default: throw .malformed
        }
    }

    // MARK: Bulk strings

    private mutating func begin(
        _ kind: Kind, _ length: ArraySlice<UInt8>, _ deliver: (RESPValue) -> Void
    ) throws(RESPError) {
        let length = try Self.number(length)
        // RESP 2 has no other way to represent null.
        if length == -1, case .bulk = kind { return try complete(.null, deliver) }
        guard length >= 0 else { throw .malformed }
        guard length <= Int64(limits.text) else { throw .tooLong }
        state = .text(missing: Int(length) + 2, kind)
    }

    private mutating func receiveText(
        _ missing: Int, _ kind: Kind, _ input: Span<UInt8>, _ index: inout Int, _ deliver: (RESPValue) -> Void
    ) throws(RESPError) {
        let portion = min(missing, input.count - index)
        try count(bytes: portion)
        for position in index..<index + portion { buffer.append(input[position]) }
        index += portion
        guard portion == missing else {
            state = .text(missing: missing - portion, kind)
            return
        }
        guard buffer.suffix(2).elementsEqual([13, 10]) else { throw .malformed }
        buffer.removeLast(2)
        var text: [UInt8] = []
        swap(&text, &buffer)
        state = .line
        switch kind {
        case .bulk: try complete(.bulk(text), deliver)
        case .error: try complete(.error(text), deliver)
        case .verbatim:
            guard text.count >= 4, text[3] == UInt8(ascii: ":") else { throw .malformed }
            try complete(.bulk(Array(text.dropFirst(4))), deliver)
        }
    }

    // MARK: Containers

    private mutating func begin(
        _ container: Container, _ length: ArraySlice<UInt8>, _ deliver: (RESPValue) -> Void
    ) throws(RESPError) {
        let length = try Self.number(length)
        if length == -1, case .array = container, allowsNullArrays { return try complete(.null, deliver) }
        guard length >= 0 else { throw .malformed }
        guard length <= Int64(limits.values), frames.count < limits.depth else { throw .tooLong }
        let count =
            switch container {
            case .map, .attribute: 2 * Int(length)
            case .array, .push: Int(length)
            }
        frames.append(Frame(container: container, missing: count))
        if count == 0 { try close(deliver) }
    }

    /// A value is complete: the reply, or a part of it.
    private mutating func complete(_ value: RESPValue, _ deliver: (RESPValue) -> Void) throws(RESPError) {
        values += 1
        guard values <= limits.values else { throw .tooLong }
        guard let last = frames.indices.last else {
            (values, bytes) = (0, 0)
            return deliver(value)
        }
        frames[last].items.append(value)
        frames[last].missing -= 1
        if frames[last].missing == 0 { try close(deliver) }
    }

    private mutating func close(_ deliver: (RESPValue) -> Void) throws(RESPError) {
        guard let frame = frames.popLast() else { return }
        switch frame.container {
        case .array: try complete(.array(frame.items), deliver)
        case .map: try complete(.map(frame.items), deliver)
        case .push: try complete(.push(frame.items), deliver)
        case .attribute: break
        }
    }

    private mutating func count(bytes count: Int) throws(RESPError) {
        bytes += count
        guard bytes <= limits.reply else { throw .tooLong }
    }

    /// A decimal 64-bit number, with or without a sign.
    private static func number(_ text: ArraySlice<UInt8>) throws(RESPError) -> Int64 {
        guard let number = Int64(String(decoding: text, as: UTF8.self)),
            text.first != UInt8(ascii: "+") || text.count > 1
        else { throw .malformed }
        return number
    }
}

/// Limits on what a server can make the parser store.
package struct RESPLimits: Sendable {
    /// Bytes of a line: of a simple string or an error.
    package var line = 64 * 1024
    /// Bytes of a bulk string.
    package var text = 1 << 20
    /// Values in one reply.
    package var values = 200_000
    /// Nested containers.
    package var depth = 8
    /// Bytes of one reply.
    package var reply = 32 << 20

    package init() {}

    /// Of a sentinel.
    static var short: RESPLimits {
        var limits = RESPLimits()
        (limits.line, limits.text, limits.values, limits.depth, limits.reply) = (4096, 4096, 16_384, 3, 1 << 18)
        return limits
    }
}

package enum RESPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Not RESP: the server is something else.
    case malformed
    /// Longer or deeper than any expected reply.
    case tooLong

    package var description: String {
        switch self {
        case .malformed: "the server does not speak the Redis protocol"
        case .tooLong: "the reply is larger than any expected reply"
        }
    }
}
