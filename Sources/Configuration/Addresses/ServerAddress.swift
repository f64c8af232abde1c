// SPDX-License-Identifier: Apache-2.0

/// The host and the port of one server among several.
package struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name in lower case, or an address without brackets.
    package let host: String
    package let port: UInt16

    /// `host`, `host:port`, `[v6]` or `[v6]:port`.
    package init(_ text: String, defaultPort: UInt16) throws(SyntaxProblem) {
        if text.contains("@") {
            throw SyntaxProblem("user and password have keys of their own; write host:\(defaultPort)")
        }
        if text.contains("://") || text.contains("/") {
            throw SyntaxProblem("this is a host and a port only; write host:\(defaultPort)")
        }
        let (host, port) = try HostAndPort.parse(text)
        guard !host.isEmpty, host != "*" else { throw SyntaxProblem("the host is missing; write host:\(defaultPort)") }
        if port == 0 { throw SyntaxProblem("nothing can be reached on port 0") }
        self.host = host.lowercased()
        self.port = port ?? defaultPort
    }

    package var description: String { HostAndPort.format(host: host, port: port) }

    /// It is an address of this machine alone.
    var isLoopback: Bool { LoopbackHost.isNamed(in: "redis://\(self)") }

    /// It is an address, not a name that may lead to several servers.
    var isLiteral: Bool { IPv4Text.isValid(host) || IPv6Text.isValid(host) }
}
