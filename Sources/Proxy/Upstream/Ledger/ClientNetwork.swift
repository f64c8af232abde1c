// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What counts as one client: an IPv4 address, or the /64 of an IPv6 one, which is what one household or machine has.
package struct ClientNetwork: Hashable, Sendable {
    package let bits: UInt64

    package init(_ address: IPAddress) {
        // IPv4, mapped (RFC 4291 §2.5.5.2): the address alone.
        bits = address.high == 0 && address.low >> 32 == 0xffff ? address.low : address.high
    }

    private init(bits: UInt64) {
        self.bits = bits
    }

    /// Clients whose address is unknown count as one.
    package static let unknown = ClientNetwork(bits: 0)
}
