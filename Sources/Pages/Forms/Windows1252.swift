// SPDX-License-Identifier: Apache-2.0

/// The charset that browsers know as windows-1252 (WHATWG Encoding, index-windows-1252.txt).
enum Windows1252 {
    /// Bytes of UTF-8 for one character.
    static let maximumLength = 3

    /// Appends the UTF-8 of a byte that is not ASCII.
    static func append(upper byte: UInt8, to text: inout OutputSpan<UInt8>) {
        let scalar = byte < 0xA0 ? upper[Int(byte & 0x1F)].value : UInt32(byte)
        if scalar < 0x800 {
            text.append(0xC0 | UInt8(scalar >> 6))
        } else {
            text.append(0xE0 | UInt8(scalar >> 12))
            text.append(0x80 | UInt8(scalar >> 6 & 0x3F))
        }
        text.append(0x80 | UInt8(scalar & 0x3F))
    }

    /// 0x80 to 0x9F; five of them are control characters.
    private static let upper: [Unicode.Scalar] = [
        "\u{20AC}", "\u{81}", "\u{201A}", "\u{0192}", "\u{201E}", "\u{2026}", "\u{2020}", "\u{2021}",
        "\u{02C6}", "\u{2030}", "\u{0160}", "\u{2039}", "\u{0152}", "\u{8D}", "\u{017D}", "\u{8F}",
        "\u{90}", "\u{2018}", "\u{2019}", "\u{201C}", "\u{201D}", "\u{2022}", "\u{2013}", "\u{2014}",
        "\u{02DC}", "\u{2122}", "\u{0161}", "\u{203A}", "\u{0153}", "\u{9D}", "\u{017E}", "\u{0178}",
    ]
}
