// SPDX-License-Identifier: Apache-2.0

// Escaping of untrusted text in a quoted string of a log line (RFC 8259 §7). For any bytes, the line stays one line,
// the string stays one string, and a terminal or an editor shows what it contains:
//
// - quotes, backslashes and control characters (C0, DEL, C1) are escaped;
// - so are the line and paragraph separators, and characters that are invisible or change the direction of text;
// - bytes that are not UTF-8 become U+FFFD, each one.
//
// CVE-2024-45808, CVE-2026-26309.

extension OutputSpan<UInt8> {
    /// The maximum number of bytes that `escaped` writes for a value of `count` bytes.
    static func escapedBound(_ count: Int, limit: Int) -> Int { 6 * min(count, limit) + ellipsis.utf8CodeUnitCount }

    /// Appends `value` escaped; if it has more than `limit` bytes, the first ones and "…". At least
    /// ``escapedBound(_:limit:)`` must be free.
    mutating func append(escaped value: Span<UInt8>, limit: Int) {
        guard value.count > limit else {
            append(escaped: value)
            return
        }
        // Do not cut within a character: its first bytes alone would be invalid.
        var end = limit
        while end > 0, end > limit - 3, value[end] & 0xc0 == 0x80 { end -= 1 }
        append(escaped: value.extracting(0..<end))
        append(ellipsis)
    }

    private mutating func append(escaped value: Span<UInt8>) {
        var index = appendPlain(value)
        while index < value.count {
            index += appendSpecial(value.extracting(index..<value.count))
            index += appendPlain(value.extracting(index..<value.count))
        }
    }

    /// Appends the leading bytes that need no escaping, and returns their number. Usually all of them, eight at a time.
    private mutating func appendPlain(_ value: Span<UInt8>) -> Int {
        guard !value.isEmpty else { return 0 }
        precondition(value.count <= freeCapacity)
        return unsafe withUnsafeMutableBufferPointer { buffer, count in
            let source = unsafe value.bytes
            // There is room for all bytes of `value`, and no index below exceeds its count.
            let target = unsafe UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped + count)
            var index = 0
            while index &+ 8 <= value.count {
                let word = unsafe source.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
                if needsCare(word) { break }
                unsafe target.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
                index &+= 8
            }
            if index &+ 8 > value.count, value.count >= 8 {
                // The last eight bytes; some are processed a second time.
                let word = unsafe source.unsafeLoadUnaligned(fromUncheckedByteOffset: value.count &- 8, as: UInt64.self)
                if !needsCare(word) {
                    unsafe target.storeBytes(of: word, toByteOffset: value.count &- 8, as: UInt64.self)
                    index = value.count
                }
            }
            while index < value.count {
                let byte = unsafe value[unchecked: index]
                if byte < 0x20 || byte >= 0x7f || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
                unsafe target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
                index &+= 1
            }
            count &+= index
            return index
        }
    }

    /// Appends the leading character, escaped, and returns its length in bytes.
    private mutating func appendSpecial(_ value: Span<UInt8>) -> Int {
        let byte = value[0]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            append(UInt8(ascii: "\\"))
            append(byte)
            return 1
        case 0..<0x80:
            append(unicode: UInt32(byte))
            return 1
        default:
            guard let (scalar, length) = decodeUTF8(value) else {
                append(unicode: 0xfffd)
                return 1
            }
            if isInvisible(scalar) {
                append(unicode: scalar)
            } else {
                for index in 0..<length { append(value[index]) }
            }
            return length
        }
    }

    /// `\uXXXX`, as a surrogate pair beyond the first plane.
    private mutating func append(unicode scalar: UInt32) {
        guard scalar < 0x1_0000 else {
            append(unicode: 0xd800 + (scalar - 0x1_0000) >> 10)
            append(unicode: 0xdc00 + (scalar - 0x1_0000) & 0x3ff)
            return
        }
        append(UInt8(ascii: "\\"))
        append(UInt8(ascii: "u"))
        append(hexDigit(scalar >> 12 & 15))
        append(hexDigit(scalar >> 8 & 15))
        append(hexDigit(scalar >> 4 & 15))
        append(hexDigit(scalar & 15))
    }
}

private let ellipsis: StaticString = "…"

/// Whether one of the eight bytes is a control character, a quote, a backslash, DEL or not ASCII. False positives occur
/// only after a true one; the single bytes are checked in either case.
@inline(__always)
private func needsCare(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let high: UInt64 = 0x8080_8080_8080_8080
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5c)
    let delete = word ^ (ones &* 0x7f)
    let hits =
        (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones) | (delete &- ones) | word
    return hits & high != 0
}

private func hexDigit(_ value: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: value)
    return value < 10 ? value &+ 0x30 : value &+ 0x57
}

/// The leading character, decoded strictly (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
private func decodeUTF8(_ value: Span<UInt8>) -> (scalar: UInt32, length: Int)? {
    let first = UInt32(value[0])
    let length: Int
    let least: UInt32
    var scalar: UInt32
    switch first {
    case 0xc2...0xdf: (length, least, scalar) = (2, 0x80, first & 0x1f)
    case 0xe0...0xef: (length, least, scalar) = (3, 0x800, first & 0x0f)
    case 0xf0...0xf4: (length, least, scalar) = (4, 0x1_0000, first & 0x07)
    default: return nil
    }
    guard value.count >= length else { return nil }
    for index in 1..<length {
        let byte = UInt32(value[index])
        guard byte & 0xc0 == 0x80 else { return nil }
        scalar = scalar << 6 | byte & 0x3f
    }
    guard scalar >= least, scalar <= 0x10_ffff, scalar & 0xffff_f800 != 0xd800 else { return nil }
    return (scalar, length)
}

/// Characters that end lines, are invisible, or change the direction of the text after them.
private func isInvisible(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x80...0x9f, 0xad, 0x61c, 0x180e, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfe00...0xfe0f, 0xfeff,
        0xfff9...0xfffb, 0xe0000...0xe0fff:
        true
    default: false
    }
}
