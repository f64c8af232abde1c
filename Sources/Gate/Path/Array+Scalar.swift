// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// The character beyond ASCII that begins at `index`; nil where the bytes are not UTF-8 (RFC 3629 §3).
    func scalar(at index: Int) -> (scalar: Unicode.Scalar, length: Int)? {
        let lead = self[index]
        let (length, bits, smallest): (Int, UInt8, UInt32) =
            switch lead {
            case 0xc2...0xdf: (2, 0x1f, 0x80)
            case 0xe0...0xef: (3, 0x0f, 0x800)
            case 0xf0...0xf4: (4, 0x07, 0x1_0000)
            default: (0, 0, 0)
            }
        guard length > 0, index + length <= count else { return nil }
        var value = UInt32(lead & bits)
        for byte in self[(index + 1)..<(index + length)] {
            guard byte & 0xc0 == 0x80 else { return nil }
            value = value << 6 | UInt32(byte & 0x3f)
        }
        // No surrogates, and no characters in more bytes than they need.
        guard value >= smallest, let scalar = Unicode.Scalar(value) else { return nil }
        return (scalar, length)
    }
}
