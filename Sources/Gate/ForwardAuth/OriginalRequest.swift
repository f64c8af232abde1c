// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The request that a proxy asks about at `/.sidegate/auth`.
///
/// Proxies pass on what the browser sent beside what they add, so where two fields describe the request they must agree,
/// and the method is only taken from where the target came from.
struct OriginalRequest: ~Copyable {
    /// The request, read.
    let access: AccessRequest
    let dialect: any ForwardAuthDialect
    /// The query names a request; otherwise it is about the session alone.
    let isNamed: Bool

    /// - Parameter needsMethod: something besides the rules depends on the method.
    init(
        _ query: borrowing AccessRequest, _ rules: AccessRules, needsMethod: Bool
    ) throws(OriginalRequestProblem) {
        let fields = try OriginalRequestFields(query.head)
        let dialect = Self.dialect(fields, query)
        let isNamed = !(dialect is SessionDialect)
        if !fields.isEmpty || dialect is EnvoyDialect, !query.context.isTrustedPeer { throw .untrusted }
        guard let line = try dialect.description(fields, query), isNamed || (rules.isEmpty && !needsMethod) else {
            throw .unnamed
        }
        if line.method == nil, needsMethod || rules.distinguishesMethods { throw .withoutMethod }

        var head = query.head
        // What the fields said of the site is in the two values now.
        head.fields.removeAll { Self.isSpent($0.known) }
        try head.put(method: line.method ?? Array("GET".utf8), line.target)
        let host = query.origin.host
        head.authority = head.add(
            line.authority ?? Array(head.bytes[host.upperBound <= query.head.bytes.count ? host.range : 0..<0]))
        var context = query.context
        context.isSecure = line.isSecure ?? query.origin.isSecure
        var access = query.about(head, context)
        access.read(by: query.site, delivery: .asSent)
        self.access = access
        self.dialect = dialect
        self.isNamed = isNamed
    }

    private static func dialect(
        _ fields: OriginalRequestFields, _ query: borrowing AccessRequest
    ) -> any ForwardAuthDialect {
        if query.head.path.count > path.utf8CodeUnitCount { return EnvoyDialect() }
        if fields.originalURL != nil { return NginxDialect() }
        if fields.forwardedURI != nil { return TraefikDialect() }
        return SessionDialect()
    }

    private static func isSpent(_ field: KnownField) -> Bool {
        switch field {
        case .xForwardedProto, .xForwardedHost, .xOriginalURL, .xOriginalMethod, .host, .contentLength,
            .transferEncoding:
            true
        default: false
        }
    }

    static let path: StaticString = "/.sidegate/auth"
}
