// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// Writes identity headers for a user.
struct HeaderRendering: Sendable {
    let rules: [HeaderRule]
    let encoding: HeaderEncoding

    /// Field lines, each with CRLF. A header all of whose fields are absent is absent too.
    func block(for fields: UserAttributes) -> [UInt8] {
        var block: [UInt8] = []
        for rule in rules {
            guard let value = value(of: rule.template, for: fields) else { continue }
            block.append(contentsOf: rule.name.utf8)
            block.append(": ")
            block.append(contentsOf: value)
            block.append("\r\n")
        }
        return block
    }

    private func value(of template: HeaderTemplate, for fields: UserAttributes) -> [UInt8]? {
        var plain: [UInt8] = []
        var hasField = false
        var wantsField = false
        for part in template.parts {
            switch part {
            case .literal(let text): plain.append(contentsOf: text)
            case .field(let name, let separator):
                wantsField = true
                guard let field = fields.field(name) else { continue }
                hasField = true
                append(field, separator, to: &plain)
            }
        }
        guard hasField || !wantsField else { return nil }
        // A field that is absent leaves the space beside it.
        while plain.last == 0x20 { plain.removeLast() }
        plain.removeFirst(plain.prefix { $0 == 0x20 }.count)
        guard !plain.isEmpty else { return nil }
        if template.isBasic { return basic(plain) }
        return encoded(plain)
    }

    /// A separator within a value of a list is percent-encoded, or one group could pass for two.
    private func append(_ field: UserAttributes.Field, _ separator: ListSeparator, to output: inout [UInt8]) {
        for (index, value) in field.values.enumerated() {
            if index > 0 { output.append(contentsOf: separator.text) }
            for byte in value.utf8 {
                if byte == separator.mark, field.isList {
                    output.appendPercentEncoded(byte: byte)
                } else {
                    output.append(byte)
                }
            }
        }
    }

    /// RFC 7617: the first colon ends the user name, so it cannot have one of its own.
    private func basic(_ user: [UInt8]) -> [UInt8] {
        var credentials: [UInt8] = []
        for byte in user {
            if byte == UInt8(ascii: ":") {
                credentials.appendPercentEncoded(byte: byte)
            } else {
                credentials.append(byte)
            }
        }
        credentials.append(UInt8(ascii: ":"))
        var value: [UInt8] = []
        value.append("Basic ")
        value.append(contentsOf: Base64.encode(credentials.span))
        return value
    }

    private func encoded(_ plain: [UInt8]) -> [UInt8] {
        switch encoding {
        case .utf8: return plain
        case .percent:
            var output: [UInt8] = []
            for byte in plain {
                // The percent sign too, or the app could not tell which ones to decode.
                if byte >= 0x80 || byte == UInt8(ascii: "%") {
                    output.appendPercentEncoded(byte: byte)
                } else {
                    output.append(byte)
                }
            }
            return output
        case .rfc2047: return plain.contains { $0 >= 0x80 } ? encodedWords(plain) : plain
        }
    }

    /// RFC 2047 §2: encoded words of at most 75 characters, each of whole characters, with spaces between.
    private func encodedWords(_ plain: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var rest = plain[...]
        while !rest.isEmpty {
            // 45 bytes make 60 characters of base64, and 12 stand around them.
            var end = min(rest.startIndex + 45, rest.endIndex)
            // 10xxxxxx continues a character of UTF-8.
            while end < rest.endIndex, end > rest.startIndex + 1, rest[end] & 0xc0 == 0x80 { end -= 1 }
            if !output.isEmpty { output.append(0x20) }
            output.append("=?UTF-8?B?")
            output.append(contentsOf: Base64.encode(Array(rest[..<end]).span))
            output.append("?=")
            rest = rest[end...]
        }
        return output
    }
}
