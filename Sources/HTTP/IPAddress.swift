// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address, as a value. An IPv4-mapped IPv6 address is held as the IPv4 address it means, so that
/// one peer has one spelling on a dual-stack socket.
package struct IPAddress: Hashable, Sendable {
    /// The 128 bits, most significant first; an IPv4 address in the mapped form ::ffff:a.b.c.d.
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// From the four bytes of an IPv4 address, most significant first.
    package init(v4 bits: UInt32) {
        high = 0
        low = 0xffff_0000_0000 | UInt64(bits)
    }

    package var isV4: Bool { high == 0 && low >> 32 == 0xffff }
}
