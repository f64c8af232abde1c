// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// An `http` or `https` URL that Sidegate itself may call (RFC 3986, RFC 9110 §4.2), ready to be sent.
///
/// User information is rejected, since URLs must not contain secrets; a fragment is dropped, as it is never sent.
package struct OutboundURL: Sendable, Equatable, CustomStringConvertible {
    package let isSecure: Bool
    /// A name in lower case, an IPv4 address, or an IPv6 address without its brackets.
    package let host: String
    package let port: UInt16
    /// Path and query, as sent.
    package let target: String

    /// Nil unless `text` is such a URL, of at most 8192 visible ASCII characters.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumBytes, bytes.allSatisfy({ 0x21...0x7e ~= $0 }) else { return nil }
        let span = bytes.span
        let start: Int
        if bytes.count > 7, span.extracting(first: 7).equalsIgnoringCase("http://") {
            (isSecure, start) = (false, 7)
        } else if bytes.count > 8, span.extracting(first: 8).equalsIgnoringCase("https://") {
            (isSecure, start) = (true, 8)
        } else {
            return nil
        }
        let rest = bytes[start...]
        let authorityEnd = rest.firstIndex { Self.endsAuthority.contains($0) } ?? rest.endIndex
        guard let (host, port) = Self.hostAndPort(rest[..<authorityEnd]) else { return nil }
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        let fragment = rest.firstIndex(of: UInt8(ascii: "#")) ?? rest.endIndex
        guard authorityEnd <= fragment, Self.isTarget(rest[authorityEnd..<fragment]) else { return nil }
        let target = String(decoding: rest[authorityEnd..<fragment], as: UTF8.self)
        self.target = target.hasPrefix("/") ? target : "/" + target
    }

    /// The Host field's value, with the port unless it is the scheme's default (RFC 9110 §7.2).
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// For humans, without the query, which may contain secrets.
    package var description: String {
        "\(isSecure ? "https" : "http")://\(authority)\(target.prefix { $0 != "?" })"
    }

    private static func hostAndPort(_ authority: ArraySlice<UInt8>) -> (host: String, port: UInt16?)? {
        if authority.first == UInt8(ascii: "[") {
            guard let end = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let host = String(decoding: authority[(authority.startIndex + 1)..<end], as: UTF8.self)
            guard case .v6? = SocketAddress(literal: host, port: 0)?.kind else { return nil }
            let rest = authority[(end + 1)...]
            if rest.isEmpty { return (host.lowercased(), nil) }
            guard rest.first == UInt8(ascii: ":"), let port = port(rest.dropFirst()) else { return nil }
            return (host.lowercased(), port)
        }
        let pieces = authority.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard pieces.count <= 2, let name = pieces.first, 1...253 ~= name.count, name.allSatisfy(isNameByte) else {
            return nil
        }
        let host = String(decoding: name, as: UTF8.self).lowercased()
        guard pieces.count == 2 else { return (host, nil) }
        guard let port = port(pieces[1]) else { return nil }
        return (host, port)
    }

    /// 1 to 65535, in decimal digits only.
    private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard 1...5 ~= digits.count, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        let value = digits.reduce(0) { $0 * 10 + Int($1 & 15) }
        return value > 0 ? UInt16(exactly: value) : nil
    }

    /// Letters, digits, `-`, `.` and `_`, which occurs in names within clusters.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// RFC 3986 §3.3, §3.4: all characters that require escaping are escaped, and all escapes are valid.
    private static func isTarget(_ target: ArraySlice<UInt8>) -> Bool {
        var hexWanted = 0
        for byte in target {
            if hexWanted > 0 {
                switch byte {
                case 0x30...0x39, 0x41...0x46, 0x61...0x66: hexWanted -= 1
                default: return false
                }
            } else if byte == UInt8(ascii: "%") {
                hexWanted = 2
            } else if unsafeBytes.contains(byte) {
                return false
            }
        }
        return hexWanted == 0
    }

    private static let maximumBytes = 8192
    private static let endsAuthority = Array("/?#".utf8)
    private static let unsafeBytes = Array("\"<>\\^`{|}".utf8)
}
