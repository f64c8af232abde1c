// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address is stored as the IPv4 address, so that a peer has the same
/// address on a dual-stack socket.
public struct IPAddress: Hashable, Sendable {
    /// The 128 bits, most significant first; an IPv4 address in the mapped form ::ffff:a.b.c.d.
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// From the four bytes of an IPv4 address, most significant first.
    public init(v4 bits: UInt32) {
        high = 0
        low = 0xffff_0000_0000 | UInt64(bits)
    }

    public var isV4: Bool { high == 0 && low >> 32 == 0xffff }

    /// A connection to it stays on this machine or on one of its links: loopback, unspecified ("this host", RFC 1122
    /// §3.2.1.3) and link-local addresses. Where an IPv4 address is embedded, as in NAT64's (RFC 6052 §2.1), it is that.
    public var isLocal: Bool {
        let isEmbedded = high == 0 && low >> 32 == 0 || high == 0x0064_ff9b_0000_0000 && low >> 32 == 0
        guard isV4 || isEmbedded else { return high >> 54 == 0x3fa }
        let bits = UInt32(truncatingIfNeeded: low)
        return bits >> 24 == 0 || bits >> 24 == 127 || bits >> 16 == 0xa9fe
    }
}
