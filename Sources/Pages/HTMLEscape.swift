// SPDX-License-Identifier: Apache-2.0

/// Escapes text for HTML, for content and for attribute values in either kind of quotes.
package enum HTMLEscape {
    /// Appends `text`; characters that could end the text or an attribute become character references, control
    /// characters other than tab and line ends become U+FFFD.
    package static func append(_ text: String, to out: inout [UInt8]) {
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            for index in 0..<bytes.count {
                // The index is within the buffer's own bounds.
                let byte = unsafe bytes[index]
                guard needsCare[Int(byte)] else { continue }
                unsafe out.append(contentsOf: bytes[start..<index])
                start = index + 1
                append(replacement(of: byte), to: &out)
            }
            unsafe out.append(contentsOf: bytes[start...])
        }
    }

    /// Appends the name or value of a form's field, for an attribute in quotes. Line ends become references, since a parser
    /// turns CRLF and CR into LF (HTML §13.2.3.5); other control characters are part of the field, and stay.
    static func append(field text: [UInt8], to out: inout [UInt8]) {
        let written = fieldBytes
        let count = text.reduce(0) { $0 + written[Int($1)].count }
        out.append(addingCapacity: count) { room in
            for byte in text {
                let (bytes, count) = written[Int(byte)]
                for place in 0..<count { room.append(UInt8(truncatingIfNeeded: bytes >> UInt64(8 * place))) }
            }
        }
    }

    private static func append(_ text: StaticString, to out: inout [UInt8]) {
        unsafe out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package static func escape(_ text: String) -> String {
        var out: [UInt8] = []
        append(text, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private static func replacement(of byte: UInt8) -> StaticString {
        switch byte {
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "\""): "&quot;"
        case UInt8(ascii: "'"): "&#39;"
        // Harmless in quoted attributes; some old parsers treat a grave accent as a quote.
        case UInt8(ascii: "`"): "&#96;"
        case UInt8(ascii: "="): "&#61;"
        default: "\u{fffd}"
        }
    }

    /// What is written for a byte of a field's name or value, the first byte lowest: at most eight bytes, so that a long
    /// field is written without an allocation for each.
    private static let fieldBytes: [(bytes: UInt64, count: Int)] = (0..<256).map { byte in
        let text: [UInt8] =
            switch UInt8(byte) {
            case 0: []
            case 10: Array("&#10;".utf8)
            case 13: Array("&#13;".utf8)
            case 1..<32, 127: [UInt8(byte)]
            default: needsCare[byte] ? Array("\(replacement(of: UInt8(byte)))".utf8) : [UInt8(byte)]
            }
        return (text.reversed().reduce(0) { $0 << 8 | UInt64($1) }, text.count)
    }

    private static let needsCare: [Bool] = (0..<256).map { byte in
        switch UInt8(byte) {
        case 9, 10, 13: false
        case 0..<32, 127: true
        case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"),
            UInt8(ascii: "`"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
