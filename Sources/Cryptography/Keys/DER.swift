// SPDX-License-Identifier: Apache-2.0

/// The parts of the Distinguished Encoding Rules (ITU-T X.690 §10) that public keys and ECDSA signatures need.
enum DER {
    static func sequence(_ parts: [UInt8]...) -> [UInt8] {
        element(0x30, Array(parts.joined()))
    }

    /// A bit string of whole bytes.
    static func bitString(_ content: [UInt8]) -> [UInt8] {
        element(0x03, [0] + content)
    }

    /// A non-negative integer from its big-endian bytes.
    static func integer(_ magnitude: ArraySlice<UInt8>) -> [UInt8] {
        var digits = magnitude.drop { $0 == 0 }
        // A first byte of 0x80 or more would make it negative, and zero has one byte.
        if digits.first ?? 0x80 >= 0x80 { digits = [0] + digits }
        return element(0x02, Array(digits))
    }

    static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        [tag] + length(content.count) + content
    }

    private static func length(_ count: Int) -> [UInt8] {
        guard count > 127 else { return [UInt8(count)] }
        var digits: [UInt8] = []
        var rest = count
        while rest > 0 {
            digits.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        // Eight bytes hold any Int.
        return [0x80 | UInt8(truncatingIfNeeded: digits.count)] + digits
    }
}

/// An ECDSA signature as in JOSE: r and s, big-endian, each of the curve's full length (RFC 7518 §3.4).
enum RawECDSASignature {
    /// The DER form that libcrypto verifies; nil unless the length is exact and 0 < r, s < n.
    ///
    /// A verifier without the range check accepts r = s = 0 for any message (CVE-2022-21449).
    static func der(_ raw: Span<UInt8>, curve: EllipticCurve) -> [UInt8]? {
        let size = curve.byteCount
        guard raw.count == 2 * size else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.count)
        for index in raw.indices { bytes.append(raw[index]) }
        let order = curve.order
        for half in [bytes[..<size], bytes[size...]] {
            guard half.contains(where: { $0 != 0 }), half.lexicographicallyPrecedes(order) else { return nil }
        }
        return DER.sequence(DER.integer(bytes[..<size]), DER.integer(bytes[size...]))
    }

    /// The raw form of libcrypto's signature; nil if it is not valid for this curve.
    static func raw(_ der: [UInt8], curve: EllipticCurve) -> [UInt8]? {
        var reader = der[...]
        guard var content = element(0x30, &reader), reader.isEmpty,
            let r = element(0x02, &content), let s = element(0x02, &content), content.isEmpty
        else { return nil }
        var raw: [UInt8] = []
        for part in [r, s] {
            let digits = part.drop { $0 == 0 }
            guard digits.count <= curve.byteCount else { return nil }
            raw += [UInt8](repeating: 0, count: curve.byteCount - digits.count) + digits
        }
        return raw
    }

    /// Removes one element with this tag from the front; signatures are shorter than 256 bytes, so the short forms
    /// suffice.
    private static func element(_ tag: UInt8, _ input: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard input.popFirst() == tag, var count = input.popFirst().map(Int.init) else { return nil }
        if count == 0x81 {
            guard let long = input.popFirst() else { return nil }
            count = Int(long)
        } else if count > 0x7F {
            return nil
        }
        guard input.count >= count else { return nil }
        defer { input = input.dropFirst(count) }
        return input.prefix(count)
    }
}
