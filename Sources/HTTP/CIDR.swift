// SPDX-License-Identifier: Apache-2.0

/// A block of addresses, such as `10.0.0.0/8`, `fd00::/8` or one address alone (RFC 4632, RFC 4291 §2.3).
package struct CIDR: Hashable, Sendable {
    package init?(_ text: String) { return nil }
    package func contains(_ address: IPAddress) -> Bool { false }
}
