// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Rules for names and values that may be written as a line of text (RFC 9113 §8.2.1). All other checks are the same as
/// for HTTP/1.1 requests.
enum FieldRules {
    static func check(name: Span<UInt8>) throws(MalformedHead) {
        guard !name.isEmpty else { throw .invalidFieldName }
        for index in name.indices {
            // Within the span's indices.
            let byte = unsafe name[unchecked: index]
            if byte &- 0x41 < 26 { throw .upperCaseFieldName }
            guard isToken(byte) else { throw .invalidFieldName }
        }
    }

    /// No byte that would end the line, no surrounding white space. Other control characters are rejected later, with
    /// 400.
    static func check(value: Span<UInt8>) throws(MalformedHead) {
        guard !value.isEmpty else { return }
        if isBlank(value[0]) || isBlank(value[value.count - 1]) { throw .invalidFieldValue }
        var index = 0
        while index &+ 8 <= value.count {
            if ByteWord.below(value.word(uncheckedAt: index), 14) != 0 {
                for position in index..<index &+ 8 where endsLine(value[position]) { throw .invalidFieldValue }
            }
            index &+= 8
        }
        while index < value.count {
            if endsLine(value[index]) { throw .invalidFieldValue }
            index &+= 1
        }
    }

    /// Visible ASCII only, at least one character: what a request line may contain between its spaces.
    static func isVisible(_ text: Span<UInt8>) -> Bool {
        guard !text.isEmpty else { return false }
        for index in text.indices {
            let byte = unsafe text[unchecked: index]
            if byte <= 0x20 || byte >= 0x7f { return false }
        }
        return true
    }

    @inline(__always)
    private static func endsLine(_ byte: UInt8) -> Bool { byte == 0 || byte == 10 || byte == 13 }

    @inline(__always)
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// `tchar` of RFC 9110 §5.6.2, as a set of 128 bits.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        let set: UInt64 = byte < 64 ? 0x03ff_6cfa_0000_0000 : 0x57ff_ffff_c7ff_fffe
        return byte < 128 && set &>> UInt64(byte) & 1 != 0
    }
}
