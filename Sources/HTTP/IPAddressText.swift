// SPDX-License-Identifier: Apache-2.0

extension IPAddress {
    /// Strict: four decimal numbers without leading zeros, or RFC 4291 §2.2; no brackets, port, zone or white space.
    package init?(text: Span<UInt8>) { return nil }

    package init?(text: String) {
        let bytes = Array(text.utf8)
        self.init(text: bytes.span)
    }
}

extension IPAddress: CustomStringConvertible {
    /// The canonical text (RFC 5952); an IPv4-mapped address as the IPv4 address it is.
    package var description: String { "" }
}
