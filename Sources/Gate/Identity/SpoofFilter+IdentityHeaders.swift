// SPDX-License-Identifier: Apache-2.0

extension SpoofFilter {
    /// - Parameter extra: names of identity headers the config sets, besides those of all presets.
    init(identityHeaders extra: [String], isTrusted: Bool) {
        var all = Set(Self.always.map { Array($0.utf8) })
        for preset in HeaderPreset.allCases where preset != .basic {
            for rule in preset.rules { all.insert(Self.folded(rule.name)) }
        }
        for name in extra where Self.folded(name) != Array("authorization".utf8) { all.insert(Self.folded(name)) }
        if !isTrusted { all.formUnion((ForwardingFields.names + Self.fromStrangers).map { Array($0.utf8) }) }
        self.init(names: all)
    }

    /// Removed from every client's requests. The X-Forwarded-… that Sidegate sets are here for their other spellings; `proxy`
    /// would become HTTP_PROXY in a CGI program's environment (CVE-2016-5385).
    private static let always = [
        "proxy", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
        "x-request-id", "x-forwarded-access-token", "x-auth-request-access-token", "x-remote-user", "x-remote-group",
        "x-remote-groups", "x-remote-email", "x-remote-name",
        "x-forwarded-username", "x-forwarded-fullname",
    ]

    /// What only a trusted proxy may tell the app beside ``ForwardingFields``: other ways to name the path, host or method.
    private static let fromStrangers = [
        "x-forwarded-prefix", "x-forwarded-path", "x-forwarded-uri", "x-forwarded-method", "x-original-url",
        "x-original-uri", "x-original-method", "x-original-path", "x-rewrite-url", "x-envoy-original-path",
    ]
}
