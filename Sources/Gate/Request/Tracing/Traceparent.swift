// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The `traceparent` field (W3C Trace Context, level 1).
package struct Traceparent: Equatable, Sendable {
    package let trace: TraceID
    /// The caller's span.
    package let parent: UInt64
    package let isSampled: Bool

    /// The request's; nil unless there is exactly one, and it can be carried on.
    package init?(of request: borrowing RequestHead) {
        guard let place = Self.place(in: request) else { return nil }
        let value = request.bytes.span.extracting(place.range)
        trace = TraceID(high: Self.word(value, 3..<19), low: Self.word(value, 19..<35))
        parent = Self.word(value, 36..<52)
        isSampled = Self.word(value, 53..<55) & 1 != 0
    }

    /// There is exactly one, and it can be carried on.
    static func isSound(in request: borrowing RequestHead) -> Bool { place(in: request) != nil }

    private static func place(in request: borrowing RequestHead) -> ByteRange? {
        var found: ByteRange?
        let bytes = request.bytes.span
        for index in request.fields.indices where request.fields[index].known == .traceparent {
            let value = request.fields[index].value
            guard found == nil, isSound(bytes.extracting(value.range)) else { return nil }
            found = value
        }
        return found
    }

    /// `00-` 32 digits `-` 16 digits `-` 2 digits, lower-case hexadecimal, neither identifier zero. Later versions may
    /// be longer; ff is none.
    static func isSound(_ value: Span<UInt8>) -> Bool {
        guard value.count >= 55, isHex(value, 0..<2), value[2] == dash, isHex(value, 3..<35), value[35] == dash,
            isHex(value, 36..<52), value[52] == dash, isHex(value, 53..<55)
        else { return false }
        guard !isAll(UInt8(ascii: "0"), value, 3..<35), !isAll(UInt8(ascii: "0"), value, 36..<52),
            !isAll(UInt8(ascii: "f"), value, 0..<2)
        else { return false }
        return value.count == 55 || (!isAll(UInt8(ascii: "0"), value, 0..<2) && value[55] == dash && value.count <= 256)
    }

    private static let dash = UInt8(ascii: "-")

    private static func isHex(_ value: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for index in range {
            let byte = value[index]
            guard byte &- UInt8(ascii: "0") < 10 || byte &- UInt8(ascii: "a") < 6 else { return false }
        }
        return true
    }

    private static func isAll(_ byte: UInt8, _ value: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for index in range where value[index] != byte { return false }
        return true
    }

    /// The value of at most sixteen hexadecimal digits, which are known to be such.
    private static func word(_ value: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        var word: UInt64 = 0
        for index in range {
            let byte = value[index]
            word = word << 4 | UInt64(byte < UInt8(ascii: "a") ? byte & 15 : byte &- UInt8(ascii: "a") &+ 10)
        }
        return word
    }
}
