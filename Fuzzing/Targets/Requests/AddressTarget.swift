// SPDX-License-Identifier: Apache-2.0

import HTTP
import TestSupport

/// Addresses of clients, networks, and the PROXY protocol that brings them.
enum AddressTargets {
    static let addresses = FuzzTarget(
        "addresses", maximumLength: 80,
        dictionary: ["::", "ffff", ".", "192.0.2.1", "/", "%eth0", "[", "]:443", "\"", "0x", "255"],
        seeds: {
            [
                "192.0.2.1", "::1", "2001:db8::1", "::ffff:192.0.2.1", "[2001:db8::1]:443", "192.0.2.1:80", "\"[::1]\"",
                "10.0.0.0/8", "fe80::/10", "1:2:3:4:5:6:7:8", "fe80::1%eth0",
            ].map { [UInt8]($0) }
        }
    ) { input throws(BrokenProperty) in
        if let address = IPAddress(text: input.span) {
            let text = [UInt8](address.description)
            try require(IPAddress(text: text.span) == address, "another address: \(text.quoted)")
            try require(IPAddress(ignoringPort: input.span) == address, "not an address with or without a port")
            try require(
                input.allSatisfy { ".:".utf8.contains($0) || Character(Unicode.Scalar($0)).isHexDigit }, "accepted")
            if !input.contains(UInt8(ascii: ":")) {
                // No octal, hexadecimal or short forms, which readers differ about.
                try require(text == input, "\(input.quoted) is read as \(text.quoted)")
            }
        }
        if let address = IPAddress(ignoringPort: input.span) {
            let text = [UInt8](address.description)
            try require(IPAddress(text: text.span) == address, "another address: \(text.quoted)")
        }
        if let network = CIDR(String(decoding: input, as: UTF8.self)) {
            try require(CIDR(network.description) == network, "another network: \(network)")
            try require(
                network.contains(network.base) && network.overlaps(network), "a network without its first address")
            try require(0...128 ~= network.prefixLength, "a prefix of \(network.prefixLength)")
        }
    }
}
