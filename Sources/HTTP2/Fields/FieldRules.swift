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
            guard Token.contains(byte) else { throw .invalidFieldName }
        }
    }

    /// No byte that would end the line, no surrounding white space. Other control characters are rejected later, with
    /// 400.
    static func check(value: Span<UInt8>) throws(MalformedHead) {
        guard !value.isEmpty else { return }
        if WhiteSpace.contains(value[0]) || WhiteSpace.contains(value[value.count - 1]) { throw .invalidFieldValue }
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
}
