// SPDX-License-Identifier: Apache-2.0

/// Base 64 with the URL and filename safe alphabet (RFC 4648 §5), without padding as in RFC 7515 §2.
///
/// Decoding accepts only the canonical form: no padding, no white space, no other alphabet, no extra bits after the
/// last byte. So no two texts decode to the same bytes, and a token cannot be altered and stay valid.
package enum Base64URL {
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        Base64Coding.decode(text, alphabet: .urlSafe)
    }

    /// The same, with or without complete padding: for keys, which are pasted from various sources.
    package static func decodePadded(_ text: Span<UInt8>) -> [UInt8]? {
        Base64Coding.decode(text.extracting(first: Base64Coding.countWithoutPadding(text)), alphabet: .urlSafe)
    }

    package static func encode(_ bytes: Span<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        encode(bytes, into: &output)
        return output
    }

    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        encode(bytes.span)
    }

    /// Appends the encoding of `bytes` to `output`.
    package static func encode(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        Base64Coding.encode(bytes, alphabet: .urlSafe, into: &output)
    }

    /// The encoding of twelve bytes.
    package static func encode(_ bytes: InlineArray<12, UInt8>) -> InlineArray<16, UInt8> {
        var output = InlineArray<16, UInt8>(repeating: 0)
        unsafe withUnsafeBytes(of: bytes) { bytes in
            unsafe withUnsafeMutableBytes(of: &output) { output in
                // Twelve bytes make sixteen symbols.
                guard let from = bytes.baseAddress, let to = output.baseAddress else { return }
                unsafe Base64Coding.encode(
                    from.assumingMemoryBound(to: UInt8.self), count: 12, alphabet: .urlSafe,
                    to: to.assumingMemoryBound(to: UInt8.self))
            }
        }
        return output
    }

    package static func encodeToString(_ bytes: [UInt8]) -> String {
        String(decoding: encode(bytes.span), as: UTF8.self)
    }
}

/// Base 64 with the standard alphabet (RFC 4648 §4).
package enum Base64 {
    /// With or without complete padding; otherwise as strict as `Base64URL`.
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        Base64Coding.decode(text.extracting(first: Base64Coding.countWithoutPadding(text)), alphabet: .standard)
    }

    /// With padding.
    package static func encode(_ bytes: Span<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        Base64Coding.encode(bytes, alphabet: .standard, into: &output)
        while !output.count.isMultiple(of: 4) { output.append(0x3D) }
        return output
    }

    package static func encodeToString(_ bytes: [UInt8]) -> String {
        String(decoding: encode(bytes.span), as: UTF8.self)
    }
}

/// The code shared by both alphabets.
package enum Base64Coding {
    package enum Alphabet: Sendable {
        case standard, urlSafe

        @inline(__always)
        fileprivate var symbol62: UInt8 { self == .standard ? 0x2B : 0x2D }

        @inline(__always)
        fileprivate var symbol63: UInt8 { self == .standard ? 0x2F : 0x5F }

        /// The six bits that a symbol encodes; 255 for other bytes.
        @inline(__always)
        fileprivate func value(_ symbol: UInt8) -> UInt8 {
            switch symbol {
            case 0x41...0x5A: symbol &- 0x41
            case 0x61...0x7A: symbol &- 0x47
            case 0x30...0x39: symbol &+ 4
            case symbol62: 62
            case symbol63: 63
            default: 255
            }
        }

        /// The 64 symbols by their values.
        fileprivate var symbols: StaticString {
            switch self {
            case .standard: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            case .urlSafe: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            }
        }
    }

    /// The length of the text without one or two `=` at the end, if these pad it to a multiple of four.
    fileprivate static func countWithoutPadding(_ text: Span<UInt8>) -> Int {
        guard text.count.isMultiple(of: 4), text.count >= 4, text[text.count - 1] == 0x3D else { return text.count }
        return text.count - (text[text.count - 2] == 0x3D ? 2 : 1)
    }

    /// One pass, one allocation; nil for anything that is not canonical.
    package static func decode(_ text: Span<UInt8>, alphabet: Alphabet) -> [UInt8]? {
        let rest = text.count & 3
        guard rest != 1 else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 4 * 3 + 2)
        var index = 0
        let whole = text.count - rest
        while index < whole {
            let a = alphabet.value(text[index])
            let b = alphabet.value(text[index + 1])
            let c = alphabet.value(text[index + 2])
            let d = alphabet.value(text[index + 3])
            guard a | b | c | d < 64 else { return nil }
            output.append(a << 2 | b >> 4)
            output.append(b << 4 | c >> 2)
            output.append(c << 6 | d)
            index += 4
        }
        guard rest > 0 else { return output }
        let a = alphabet.value(text[index])
        let b = alphabet.value(text[index + 1])
        let c = rest == 3 ? alphabet.value(text[index + 2]) : 0
        guard a | b | c < 64 else { return nil }
        output.append(a << 2 | b >> 4)
        if rest == 3 {
            // RFC 4648 §3.5: unused bits must be zero; otherwise several texts would encode one value.
            guard c & 3 == 0 else { return nil }
            output.append(b << 4 | c >> 2)
        } else {
            guard b & 15 == 0 else { return nil }
        }
        return output
    }

    /// Appends the text without padding.
    package static func encode(_ bytes: Span<UInt8>, alphabet: Alphabet, into output: inout [UInt8]) {
        let length = (bytes.count * 4 + 2) / 3
        unsafe bytes.withUnsafeBufferPointer { bytes in
            output.append(addingCapacity: length) { room in
                unsafe room.withUnsafeMutableBufferPointer { room, count in
                    // Room for all symbols.
                    guard let from = bytes.baseAddress, let to = room.baseAddress else { return }
                    unsafe encode(from, count: bytes.count, alphabet: alphabet, to: to)
                    count = length
                }
            }
        }
    }

    /// Writes the symbols of `count` bytes to `output`, which has room for them: four for each three bytes, and for the
    /// rest one more than there are bytes.
    fileprivate static func encode(
        _ bytes: UnsafePointer<UInt8>, count: Int, alphabet: Alphabet, to output: UnsafeMutablePointer<UInt8>
    ) {
        // All indices have six bits, and there are 64 symbols.
        let symbols = unsafe alphabet.symbols.utf8Start
        var from = unsafe bytes
        var to = unsafe output
        var left = count
        while left >= 3 {
            let word = unsafe UInt32(from[0]) &<< 16 | UInt32(from[1]) &<< 8 | UInt32(from[2])
            unsafe to[0] = symbols[Int(word &>> 18)]
            unsafe to[1] = symbols[Int(word &>> 12 & 63)]
            unsafe to[2] = symbols[Int(word &>> 6 & 63)]
            unsafe to[3] = symbols[Int(word & 63)]
            unsafe from += 3
            unsafe to += 4
            left &-= 3
        }
        guard left > 0 else { return }
        let a = unsafe from[0]
        let b = unsafe left > 1 ? from[1] : 0
        unsafe to[0] = symbols[Int(a &>> 2)]
        unsafe to[1] = symbols[Int((a &<< 4 | b &>> 4) & 63)]
        guard left > 1 else { return }
        unsafe to[2] = symbols[Int(b &<< 2 & 63)]
    }
}
