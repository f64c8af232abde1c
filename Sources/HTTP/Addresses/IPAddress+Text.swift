// SPDX-License-Identifier: Apache-2.0

extension IPAddress {
    /// Strict: four decimal numbers without leading zeros, or RFC 4291 §2.2; no brackets, port, zone or white space.
    public init?(text: Span<UInt8>) {
        // The longest is 45 bytes: six groups and an IPv4 address.
        guard 2...45 ~= text.count else { return nil }
        if text.firstIndex(of: UInt8(ascii: ":"), in: 0..<text.count) == text.count {
            guard let bits = Self.v4(text, from: 0) else { return nil }
            self.init(v4: bits)
        } else {
            guard let groups = Self.groups(text) else { return nil }
            self = groups
        }
    }

    public init?(text: String) {
        let bytes = Array(text.utf8)
        self.init(text: bytes.span)
    }

    private static func v4(_ text: Span<UInt8>, from start: Int) -> UInt32? {
        var bits: UInt32 = 0
        var index = start
        for part in 0..<4 {
            if part > 0 {
                guard index < text.count, text[index] == UInt8(ascii: ".") else { return nil }
                index += 1
            }
            let first = index
            var number: UInt32 = 0
            while index < text.count, text[index] &- 0x30 < 10, index - first < 3 {
                number = number * 10 + UInt32(text[index] & 15)
                index += 1
            }
            // Some parsers read a leading zero as octal.
            guard index > first, number <= 255, index - first == 1 || text[first] != UInt8(ascii: "0") else {
                return nil
            }
            bits = bits << 8 | number
        }
        return index == text.count ? bits : nil
    }

    private static func groups(_ text: Span<UInt8>) -> IPAddress? {
        var bits: UInt128 = 0
        var count = 0
        /// The number of groups before the `::`.
        var gap: Int?
        var index = 0
        if text[0] == UInt8(ascii: ":") {
            guard text[1] == UInt8(ascii: ":") else { return nil }
            gap = 0
            index = 2
        }
        while index < text.count {
            let first = index
            var group: UInt128 = 0
            while index < text.count, index - first < 4, let digit = Hexadecimal.value(text[index]) {
                group = group << 4 | UInt128(digit)
                index += 1
            }
            guard index > first, count < 8 else { return nil }
            if index < text.count, text[index] == UInt8(ascii: ".") {
                guard let last = v4(text, from: first) else { return nil }
                bits = bits << 32 | UInt128(last)
                count += 2
                break
            }
            bits = bits << 16 | group
            count += 1
            guard index < text.count else { break }
            guard text[index] == UInt8(ascii: ":"), index + 1 < text.count else { return nil }
            index += 1
            if text[index] == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = count
                index += 1
            }
        }
        guard gap == nil ? count == 8 : count < 8 else { return nil }
        if let gap {
            let behind = (count - gap) * 16
            let tail = bits & ((1 << behind) - 1)
            bits = (bits >> behind) << (128 - gap * 16) | tail
        }
        return IPAddress(high: UInt64(bits >> 64), low: UInt64(truncatingIfNeeded: bits))
    }
}

extension IPAddress: CustomStringConvertible {
    /// The canonical text (RFC 5952); an IPv4-mapped address as the IPv4 address.
    public var description: String {
        if isV4 {
            let bits = UInt32(truncatingIfNeeded: low)
            return "\(bits >> 24).\(bits >> 16 & 0xff).\(bits >> 8 & 0xff).\(bits & 0xff)"
        }
        let groups = [high, low].flatMap { half in [48, 32, 16, 0].map { half >> $0 & 0xffff } }
        // RFC 5952 §4.2: the longest run of zeros, the first of equal ones, unless it is a single group.
        var gap = 0..<0
        var start = 0
        while start < 8 {
            let end = groups[start...].firstIndex { $0 != 0 } ?? 8
            if end - start > max(gap.count, 1) { gap = start..<end }
            start = end + 1
        }
        func text(_ groups: ArraySlice<UInt64>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if gap.isEmpty { return text(groups[...]) }
        return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
    }
}
