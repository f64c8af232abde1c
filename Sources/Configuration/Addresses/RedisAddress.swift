// SPDX-License-Identifier: Apache-2.0

/// Where Redis or Valkey is, as the schemes registered for it and its own tools write it.
package struct RedisAddress: Equatable, Sendable {
    package enum Place: Equatable, Sendable {
        /// The host is a name or an address without brackets.
        case host(String, port: UInt16, isSecure: Bool)
        case unix(path: String)
    }

    package let place: Place
    /// Empty: none is named here.
    package let user: String
    package let password: String
    package let database: Int

    /// `redis://[[user][:password]@]host[:port][/database]`, `rediss://` over TLS, and `unix:/path[?db=N]`, also as
    /// `redis+unix:///path` and `unix:///path`. User and password are percent-encoded.
    package init(_ text: String) throws(SyntaxProblem) {
        let lower = text.lowercased()
        for scheme in ["redis+unix://", "redis-socket://", "unix://", "unix:"] where lower.hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            let path = rest.prefix { $0 != "?" }
            place = .unix(path: try SocketPath.parse(path))
            (user, password) = ("", "")
            database = try Self.database(query: rest[path.endIndex...])
            return
        }
        let isSecure = lower.hasPrefix("rediss://") || lower.hasPrefix("valkeys://")
        guard isSecure || lower.hasPrefix("redis://") || lower.hasPrefix("valkey://"),
            let start = text.firstRange(of: "://")?.upperBound
        else { throw SyntaxProblem("this is not an address of the form redis://127.0.0.1:6379/0") }
        let rest = text[start...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        var authority = rest[..<end]
        if let at = authority.lastIndex(of: "@") {
            let credentials = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = try Self.decoded(credentials.first ?? "")
            password = try Self.decoded(credentials.count > 1 ? credentials[1] : "")
            if password.isEmpty {
                throw SyntaxProblem("before `@` stands a user without a password; write user:password@")
            }
            authority = authority[authority.index(after: at)...]
        } else {
            (user, password) = ("", "")
        }
        let (host, port) = try HostAndPort.parse(String(authority))
        guard !host.isEmpty, host != "*" else {
            throw SyntaxProblem("the host is missing; write redis://127.0.0.1:6379/0")
        }
        if port == 0 { throw SyntaxProblem("nothing can be reached on port 0") }
        place = .host(host.lowercased(), port: port ?? 6379, isSecure: isSecure)
        let tail = rest[end...]
        if tail.hasPrefix("?") || tail.isEmpty {
            database = try Self.database(query: tail)
        } else if tail.hasPrefix("/") {
            database = tail == "/" ? 0 : try Self.database(tail.dropFirst())
        } else {
            throw SyntaxProblem("a fragment cannot stand in this address")
        }
    }

    /// The address without its credentials.
    package struct Location: Equatable, Sendable {
        package let place: Place
        package let database: Int

        package var words: String {
            switch place {
            case .unix(let path): "unix:\(path)"
            case .host(let host, let port, let isSecure):
                (isSecure ? "rediss://" : "redis://") + HostAndPort.format(host: host, port: port)
            }
        }
    }

    package var location: Location { Location(place: place, database: database) }

    package var isSecure: Bool { if case .host(_, _, isSecure: true) = place { true } else { false } }

    /// Without user and password.
    package var words: String { location.words }

    private static func database(query: Substring) throws(SyntaxProblem) -> Int {
        if query.isEmpty { return 0 }
        guard query.hasPrefix("?db=") else {
            throw SyntaxProblem("after `?` only db= and a database's number may stand")
        }
        return try database(query.dropFirst(4))
    }

    private static func database(_ text: Substring) throws(SyntaxProblem) -> Int {
        guard text.utf8.count <= 5, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int(text) else {
            throw SyntaxProblem("the database is a number, such as /0")
        }
        return number
    }

    private static func decoded(_ text: Substring) throws(SyntaxProblem) -> String {
        var output: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                output.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw SyntaxProblem("a `%` begins an escape of two hexadecimal digits; write %25 for the sign itself")
            }
            output.append(value)
            rest = rest.dropFirst(2)
        }
        guard let text = String(validating: output, as: UTF8.self) else {
            throw SyntaxProblem("user and password are UTF-8, percent-encoded")
        }
        return text
    }
}
