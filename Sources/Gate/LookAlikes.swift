// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Characters beyond ASCII that some servers and databases turn into ASCII: by compatibility normalisation (Unicode
/// Standard Annex #15, NFKC), by "best fit" conversion to a code page, or by folding case (`ſ` to `s`, `K` to `k`).
enum LookAlikes {
    /// `text` with all of them replaced; nil when it has none.
    static func fold(_ text: [UInt8]) -> [UInt8]? {
        guard text.contains(where: { $0 >= 0x80 }) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var found = false
        var index = 0
        while index < text.count {
            let rest = text[index...]
            if let (length, ascii) = replacement(rest) {
                output.append(contentsOf: ascii)
                index += length
                found = true
            } else {
                output.append(text[index])
                index += 1
            }
        }
        return found ? output : nil
    }

    private static func replacement(_ rest: ArraySlice<UInt8>) -> (length: Int, ascii: [UInt8])? {
        guard let lead = rest.first, lead >= 0x80 else { return nil }
        let second = rest.dropFirst().first ?? 0
        let third = rest.dropFirst(2).first ?? 0
        switch (lead, second, third) {
        // The fullwidth forms, U+FF01 to U+FF5E.
        case (0xef, 0xbc, 0x81...0xbf): return (3, [third - 0x60])
        case (0xef, 0xbd, 0x80...0x9e): return (3, [third - 0x20])
        // One, two and three dots in one; a slash of fractions, of division, a set minus; ∕ ⁄ ∖ ﹨
        case (0xe2, 0x80, 0xa4): return (3, dots(1))
        case (0xe2, 0x80, 0xa5): return (3, dots(2))
        case (0xe2, 0x80, 0xa6): return (3, dots(3))
        case (0xe2, 0x81, 0x84), (0xe2, 0x88, 0x95): return (3, [UInt8(ascii: "/")])
        case (0xe2, 0x88, 0x96), (0xef, 0xb9, 0xa8): return (3, [UInt8(ascii: "\\")])
        case (0xef, 0xb9, 0x92): return (3, dots(1))
        // ſ K ı İ
        case (0xc5, 0xbf, _): return (2, [UInt8(ascii: "s")])
        case (0xe2, 0x84, 0xaa): return (3, [UInt8(ascii: "k")])
        case (0xc4, 0xb0...0xb1, _): return (2, [UInt8(ascii: "i")])
        default: return nil
        }
    }

    private static func dots(_ count: Int) -> [UInt8] { Array(repeating: UInt8(ascii: "."), count: count) }
}
