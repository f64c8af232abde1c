// SPDX-License-Identifier: Apache-2.0

/// The address of a server of a cluster.
package struct RedisNode: Hashable, Sendable, CustomStringConvertible {
    /// A name, or an address without brackets.
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        (self.host, self.port) = (host, port)
    }

    /// An address that a server has sent; nil: nothing can have it.
    ///
    /// - Parameter host: empty: that of `asked`, the server that sent it.
    init?(announced host: some Collection<UInt8>, port: Int64, asked: RedisNode) {
        guard let port = UInt16(exactly: port), port > 0, host.count <= Self.longestHost,
            host.allSatisfy(Self.isHostByte)
        else { return nil }
        self.init(host: host.isEmpty ? asked.host : String(decoding: host, as: UTF8.self), port: port)
    }

    /// `host:port`, where only the last colon separates: an IPv6 address has no brackets there.
    init?(announced text: some BidirectionalCollection<UInt8>, asked: RedisNode) {
        guard let colon = text.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let digits = text[text.index(after: colon)...]
        guard 1...5 ~= digits.count, digits.allSatisfy({ 0x30...0x39 ~= $0 }),
            let port = Int64(String(decoding: digits, as: UTF8.self))
        else { return nil }
        self.init(announced: text[..<colon], port: port, asked: asked)
    }

    package var endpoint: RedisConfiguration.Endpoint { .host(host, port: port) }

    package var description: String { endpoint.description }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: ":"):
            true
        default: false
        }
    }

    /// RFC 1035
    private static let longestHost = 253
}
