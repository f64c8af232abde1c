// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Writes JSON text (RFC 8259) in UTF-8, compact.
package enum JSONWriter {
    /// Appends `value`.
    package static func append(_ value: JSONValue, to output: inout [UInt8]) {
        switch value {
        case .object(let object):
            output.append(0x7B)
            var isFirst = true
            for member in object.members {
                if !isFirst { output.append(0x2C) }
                isFirst = false
                append(member.name, to: &output)
                output.append(0x3A)
                append(member.value, to: &output)
            }
            output.append(0x7D)
        case .array(let elements):
            output.append(0x5B)
            var isFirst = true
            for element in elements {
                if !isFirst { output.append(0x2C) }
                isFirst = false
                append(element, to: &output)
            }
            output.append(0x5D)
        case .string(let text): append(text, to: &output)
        case .number(let number): output.append(contentsOf: number.text.utf8)
        case .bool(let truth): output.append(contentsOf: truth ? "true".utf8 : "false".utf8)
        case .null: output.append(contentsOf: "null".utf8)
        }
    }

    /// Appends `text` in quotes, with everything escaped that must be, and also characters that break lines or end a
    /// script.
    package static func append(_ text: String, to output: inout [UInt8]) {
        output.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C:
                output.append(0x5C)
                output.append(byte)
            case 0x0A: output.append(contentsOf: "\\n".utf8)
            case 0x0D: output.append(contentsOf: "\\r".utf8)
            case 0x09: output.append(contentsOf: "\\t".utf8)
            case 0..<0x20, 0x3C, 0x3E, 0x7F:
                // `<` and `>` too: the text may be embedded in a page, where "</script>" would end a script.
                output.append(contentsOf: "\\u00".utf8)
                output.append(Hex.digit(byte >> 4))
                output.append(Hex.digit(byte & 15))
            default: output.append(byte)
            }
        }
        output.append(0x22)
    }
}

extension JSONValue {
    /// The compact JSON text, in UTF-8.
    package func serialized() -> [UInt8] {
        var output: [UInt8] = []
        JSONWriter.append(self, to: &output)
        return output
    }
}
