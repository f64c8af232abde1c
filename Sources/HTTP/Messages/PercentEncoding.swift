// SPDX-License-Identifier: Apache-2.0

/// `%XX` (RFC 3986 §2.1), and `+` for a space in forms (WHATWG URL §5.1).
public enum PercentEncoding {
    /// Appends `text` decoded. Returns false and leaves `output` unchanged if a `%` is not followed by two hexadecimal
    /// digits.
    public static func decode(_ text: Span<UInt8>, plusIsSpace: Bool, into output: inout [UInt8]) -> Bool {
        let count = output.count
        // A run of bytes that stand for themselves.
        var start = 0
        var index = 0
        while index < text.count {
            guard text[index] == UInt8(ascii: "%") || text[index] == UInt8(ascii: "+") && plusIsSpace else {
                index += 1
                continue
            }
            if start < index { output.append(copying: text.extracting(start..<index)) }
            guard let byte = next(text, &index, plusIsSpace) else {
                output.removeLast(output.count - count)
                return false
            }
            output.append(byte)
            start = index
        }
        output.append(copying: text.extracting(start..<text.count))
        return true
    }

    /// Whether `text` decodes to `plain`, without an allocation.
    public static func decodes(_ text: Span<UInt8>, to plain: Span<UInt8>, plusIsSpace: Bool) -> Bool {
        var index = 0
        for expected in plain.indices {
            guard index < text.count, next(text, &index, plusIsSpace) == plain[expected] else { return false }
        }
        return index == text.count
    }

    /// The decoded byte at `index`, which is below the count; nil for a broken `%`.
    private static func next(_ text: Span<UInt8>, _ index: inout Int, _ plusIsSpace: Bool) -> UInt8? {
        let byte = text[index]
        index += 1
        if byte == UInt8(ascii: "+"), plusIsSpace { return 0x20 }
        guard byte == UInt8(ascii: "%") else { return byte }
        guard index + 2 <= text.count, let high = Hexadecimal.value(text[index]),
            let low = Hexadecimal.value(text[index + 1])
        else { return nil }
        index += 2
        return high << 4 | low
    }
}
