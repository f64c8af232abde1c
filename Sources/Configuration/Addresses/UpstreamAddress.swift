// SPDX-License-Identifier: Apache-2.0

import Gate

/// Where the app is.
package enum UpstreamAddress: Hashable, Sendable, CustomStringConvertible {
    /// Plain HTTP/1.1 over TCP. The host is a name or an address without brackets.
    case http(host: String, port: UInt16)
    /// TLS over TCP. HTTP/1.1, unless HTTP/2 is agreed on.
    case https(host: String, port: UInt16)
    /// Plain HTTP/2 over TCP, by prior knowledge (RFC 9113 §3.3).
    case h2c(host: String, port: UInt16)
    /// Plain HTTP/1.1 over a socket in the file system.
    case unix(path: String)

    /// `http://host:port`, `https://host:port`, `h2c://host:port` or `unix:/path`.
    package init(_ text: String) throws(SyntaxProblem) {
        if text.hasPrefix("unix:") {
            let path = text.hasPrefix("unix:///") ? text.dropFirst(7) : text.dropFirst(5)
            self = .unix(path: try SocketPath.parse(path))
            return
        }
        let isHTTP2 = text.lowercased().hasPrefix("h2c://")
        let url = try HTTPOrigin(
            isHTTP2 ? "http://" + text.dropFirst(6) : text, example: "http://127.0.0.1:3000 or unix:/run/app.sock")
        guard !url.host.isEmpty else { throw SyntaxProblem("the host is missing; write http://127.0.0.1:3000") }
        if url.port == 0 { throw SyntaxProblem("nothing can be reached on port 0") }
        if isHTTP2 {
            self = .h2c(host: url.host, port: url.port ?? 80)
        } else if url.isSecure {
            self = .https(host: url.host, port: url.port ?? 443)
        } else {
            self = .http(host: url.host, port: url.port ?? 80)
        }
    }

    var isSecure: Bool { if case .https = self { true } else { false } }

    package var description: String {
        switch self {
        case .http(let host, let port): "http://" + HostAndPort.format(host: host, port: port)
        case .https(let host, let port): "https://" + HostAndPort.format(host: host, port: port)
        case .h2c(let host, let port): "h2c://" + HostAndPort.format(host: host, port: port)
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// `http://host:port` or `https://host:port`, with nothing after it: an origin (RFC 6454 §4).
package struct HTTPOrigin: Hashable, Sendable, CustomStringConvertible {
    package let isSecure: Bool
    /// In lower case, an IPv6 address without brackets.
    package let host: String
    /// nil: the scheme's own.
    package let port: UInt16?

    package init(_ text: String) throws(SyntaxProblem) {
        try self.init(text, example: "https://app.example.com")
        if host.isEmpty || host == "*" { throw SyntaxProblem("the host is missing; write https://app.example.com") }
        if port == 0 { throw SyntaxProblem("nothing can be reached on port 0") }
    }

    init(_ text: String, example: String) throws(SyntaxProblem) {
        let lower = text.lowercased()
        let rest: Substring
        if lower.hasPrefix("http://") {
            isSecure = false
            rest = text.dropFirst(7)
        } else if lower.hasPrefix("https://") {
            isSecure = true
            rest = text.dropFirst(8)
        } else {
            throw SyntaxProblem("this is not an address of the form \(example)")
        }
        if rest.contains("@") { throw SyntaxProblem("a user name or password cannot stand in this address; remove it") }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let tail = rest[authority.endIndex...]
        guard tail.isEmpty || tail == "/" else {
            throw SyntaxProblem("a path, query or fragment cannot stand in this address; write \(example)")
        }
        let (host, port) = try HostAndPort.parse(String(authority))
        self.host = host.lowercased()
        self.port = port == (isSecure ? 443 : 80) ? nil : port
    }

    /// As the gate needs it: a host that can stand in a URL as it is.
    func asPublic() throws(SyntaxProblem) -> PublicOrigin {
        guard let origin = PublicOrigin(description) else {
            throw SyntaxProblem("this host cannot stand in a URL; write https://app.example.com")
        }
        return origin
    }

    /// Without a trailing slash and without the scheme's own port.
    package var description: String {
        (isSecure ? "https://" : "http://") + HostAndPort.format(host: host, port: port)
    }
}
