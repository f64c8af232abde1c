// SPDX-License-Identifier: Apache-2.0

/// A block of addresses, such as `10.0.0.0/8`, `fd00::/8`, or one address alone (RFC 4632, RFC 4291 §2.3).
///
/// An IPv6 block holds no IPv4 address, not even `::/0`: trusting all of one family does not include the other.
public struct CIDR: Hashable, Sendable {
    /// The block's first address.
    public let base: IPAddress
    /// The length of the block's prefix, of 128 bits; for an IPv4 block, the mapped prefix included.
    public let prefixLength: Int

    /// Bits after the prefix are dropped, so `10.1.2.3/8` is `10.0.0.0/8`. Nil for anything but an address, optionally
    /// followed by `/` and a plain decimal number within the address's bits.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        let slash = bytes.firstIndex(of: UInt8(ascii: "/")) ?? bytes.count
        guard let address = IPAddress(text: bytes.span.extracting(0..<slash)) else { return nil }
        var length = 128
        if slash < bytes.count {
            // A mapped address in IPv6 notation takes an IPv6 prefix length.
            let isV4Text = !bytes[..<slash].contains(UInt8(ascii: ":"))
            let digits = bytes[(slash + 1)...]
            guard 1...3 ~= digits.count, digits.first != UInt8(ascii: "0") || digits.count == 1,
                digits.allSatisfy({ 0x30...0x39 ~= $0 })
            else { return nil }
            let number = digits.reduce(0) { $0 * 10 + Int($1 & 15) }
            guard number <= (isV4Text ? 32 : 128) else { return nil }
            length = isV4Text ? number + 96 : number
        }
        prefixLength = length
        let (high, low) = Self.mask(length)
        base = IPAddress(high: address.high & high, low: address.low & low)
    }

    /// The block of `address` with the first `prefixLength` of its 128 bits.
    public init(_ address: IPAddress, prefixLength: Int) {
        self.prefixLength = min(max(prefixLength, 0), 128)
        let (high, low) = Self.mask(self.prefixLength)
        base = IPAddress(high: address.high & high, low: address.low & low)
    }

    /// Some address is in both.
    public func overlaps(_ other: CIDR) -> Bool {
        prefixLength <= other.prefixLength ? contains(other.base) : other.contains(base)
    }

    public func contains(_ address: IPAddress) -> Bool {
        if address.isV4, prefixLength < 96 { return false }
        let (high, low) = Self.mask(prefixLength)
        return address.high & high == base.high && address.low & low == base.low
    }

    /// Smart shifts: 64 or more yield 0.
    private static func mask(_ length: Int) -> (high: UInt64, low: UInt64) {
        (~(UInt64.max >> UInt64(min(length, 64))), ~(UInt64.max >> UInt64(max(length - 64, 0))))
    }
}

extension CIDR: CustomStringConvertible {
    public var description: String {
        prefixLength >= 96 && base.isV4 ? "\(base)/\(prefixLength - 96)" : "\(base)/\(prefixLength)"
    }
}
