// SPDX-License-Identifier: Apache-2.0

/// Where to accept connections.
package enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// A host name or address; empty for every address of this machine. Port 0 lets the system choose.
    case tcp(host: String, port: UInt16)
    /// The path of a socket in the file system.
    case unix(path: String)
    /// Sockets that the service manager opened and hands over: all of them, or those of one name (sd_listen_fds(3)).
    case inherited(name: String)
    /// Plain HTTP there is answered by a redirect to https, and nothing else.
    indirect case redirect(ListenAddress)

    /// `host:port`, `[v6]:port`, `:port`, `*:port`, `unix:/path`, `systemd:` or `systemd:NAME`, and each of them after
    /// `redirect:`.
    package init(_ text: String) throws(SyntaxProblem) {
        if text.hasPrefix("redirect:") {
            let address = try ListenAddress(String(text.dropFirst(9)))
            if case .redirect = address {
                throw SyntaxProblem("redirect: stands there twice; write redirect:host:port")
            }
            self = .redirect(address)
            return
        }
        if text.hasPrefix("unix:") {
            self = .unix(path: try SocketPath.parse(text.dropFirst(5)))
            return
        }
        if text.hasPrefix("systemd:") {
            let name = String(text.dropFirst(8))
            guard name.utf8.count <= 255, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x3a }) else {
                throw SyntaxProblem("after systemd: stands nothing, or the FileDescriptorName= of the socket unit")
            }
            self = .inherited(name: name)
            return
        }
        if !text.isEmpty, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) {
            throw SyntaxProblem(
                "a port alone does not say on which address; write \"127.0.0.1:\(text)\" or \"0.0.0.0:\(text)\"")
        }
        let (host, port) = try HostAndPort.parse(text)
        guard let port else { throw SyntaxProblem("the port is missing; write host:port") }
        self = .tcp(host: host == "*" ? "" : host, port: port)
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port): HostAndPort.format(host: host, port: port)
        case .unix(let path): "unix:\(path)"
        case .redirect(let address): "redirect:\(address)"
        case .inherited(let name): "systemd:\(name)"
        }
    }
}

/// `host:port` and `[v6]:port`.
enum HostAndPort {
    /// A host is an address or a name, without brackets; empty when nothing stands before the colon.
    static func parse(_ text: String) throws(SyntaxProblem) -> (host: String, port: UInt16?) {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw SyntaxProblem("`[` without `]`; write [::1]:8080") }
            let host = String(text[..<end].dropFirst())
            guard IPv6Text.isValid(host) else { throw SyntaxProblem("no IPv6 address stands between the brackets") }
            let tail = text[end...].dropFirst()
            if tail.isEmpty { return (host, nil) }
            guard tail.first == ":" else { throw SyntaxProblem("after `]` only a port may follow; write [::1]:8080") }
            return (host, try port(tail.dropFirst()))
        }
        guard let colon = text.lastIndex(of: ":") else {
            try checkHost(text)
            return (text, nil)
        }
        let host = String(text[..<colon])
        if host.contains(":") { throw SyntaxProblem("an IPv6 address stands in brackets; write [::1]:8080") }
        if !host.isEmpty, host != "*" { try checkHost(host) }
        return (host, try port(text[colon...].dropFirst()))
    }

    static func format(host: String, port: UInt16?) -> String {
        let host = host.contains(":") ? "[\(host)]" : host
        return port.map { "\(host):\($0)" } ?? host
    }

    private static func port(_ text: Substring) throws(SyntaxProblem) -> UInt16 {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let port = UInt16(text) else {
            throw SyntaxProblem("the port must be a number from 0 to 65535")
        }
        return port
    }

    /// Letters, digits, `-`, `_` and `.`: names and IPv4 addresses.
    static func checkHost(_ host: String) throws(SyntaxProblem) {
        let isSane = host.utf8.allSatisfy {
            $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
        }
        guard isSane, !host.isEmpty, host.utf8.count <= 253, !host.hasPrefix("."), !host.contains("..") else {
            throw SyntaxProblem("this is not a host name or address")
        }
        // A name whose last label is a number, decimal or hexadecimal, is an address (WHATWG URL §3.5). Resolvers read
        // shorthands such as 127.1 and 0x7f.1 too; only four decimal numbers are compared with other addresses.
        let last = (host.split(separator: ".").last ?? "").lowercased()
        let isNumber = last.utf8.allSatisfy { $0 &- 0x30 < 10 } || last.hasPrefix("0x")
        if isNumber, !IPv4Text.isValid(host) {
            throw SyntaxProblem("this is not an IPv4 address: four numbers from 0 to 255")
        }
    }
}

enum IPv4Text {
    static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { $0 &- 0x30 < 10 } && UInt8(part) != nil && (part == "0" || part.first != "0")
            }
    }
}

enum IPv6Text {
    /// RFC 4291 §2.2, without a zone.
    static func isValid(_ text: String) -> Bool {
        guard text.utf8.count >= 2, text.utf8.count <= 45 else { return false }
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return false }
        var groups = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (position, part) in parts.enumerated() {
                if part.contains(".") {
                    // An IPv4 tail, at the very end only.
                    guard index == halves.count - 1, position == parts.count - 1, IPv4Text.isValid(String(part)) else {
                        return false
                    }
                    groups += 2
                } else {
                    guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexDigit) else { return false }
                    groups += 1
                }
            }
        }
        return halves.count == 2 ? groups <= 7 : groups == 8
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6
    }
}

enum SocketPath {
    /// sun_path holds 108 bytes with the terminating zero (unix(7)).
    static let maximumLength = 107

    static func parse(_ text: Substring) throws(SyntaxProblem) -> String {
        guard text.hasPrefix("/") else { throw SyntaxProblem("a socket's path is absolute; write unix:/run/app.sock") }
        guard text.utf8.count <= maximumLength else {
            throw SyntaxProblem("a socket's path has at most \(maximumLength) bytes; choose a shorter one")
        }
        guard !text.utf8.contains(0) else { throw SyntaxProblem("a path cannot hold a zero byte") }
        return String(text)
    }
}
