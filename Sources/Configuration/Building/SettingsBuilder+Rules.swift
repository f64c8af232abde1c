// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

// `access.rules` and `upstreams`: what depends on a request's path.

extension SettingsBuilder {
    mutating func rules(_ settings: inout AccessSettings) {
        let fields = fieldNames
        var seen = CoveredRules()
        for (index, item) in resolution.items(AccessOptions.rules).enumerated() {
            let values = item.value
            let paths = values[RuleOptions.paths] ?? []
            guard !paths.isEmpty else {
                findings.append(
                    .error(
                        values.entry(RuleOptions.paths.path)?.origin ?? item.origin,
                        "`access.rules[].paths` is missing; name them, such as [\"/admin/*\"], or [\"/*\"] for the whole site"
                    ))
                continue
            }
            warnOfPatterns(values.items(RuleOptions.paths).map(\.written), "access.rules[].paths")
            let methods = values[RuleOptions.methods] ?? []
            var rule = AccessRule(paths: paths, methods: methods, effect: effect(values, fields, at: item.origin))
            rule.hosts = (values[RuleOptions.hosts] ?? []).map { $0.lowercased() }
            rule.from = networks(of: values)
            rule.providers = providers(of: values, rule.effect)
            if let response = values.given(RuleOptions.unauthenticated) {
                rule.unauthenticated = response.value
                if case .signedIn = rule.effect {
                } else {
                    findings.append(
                        .error(
                            response.origin,
                            "`access.rules[].unauthenticated` does nothing where sign-in is not needed; remove it"))
                }
            }
            if let cover = seen.cover(of: rule) {
                findings.append(
                    .warning(
                        item.origin,
                        "`access.rules[\(index)]` never decides: `access.rules[\(cover)]`, which stands before it, has all of its"
                            + " paths; move it up, or remove it"))
            }
            if methods.isEmpty { seen.add(rule, index) }
            settings.rules.append(rule)
            settings.ruleOrigins.append(item.origin)
        }
    }

    /// An address of a proxy would be the client's where the proxy does not name one.
    private mutating func networks(of values: OptionValues) -> [CIDR] {
        let path = "access.rules[].from"
        let items = values.items(RuleOptions.from)
        if values[RuleOptions.from] != nil, items.isEmpty {
            findings.append(
                .error(
                    values.entry(RuleOptions.from.path)?.origin ?? .builtIn,
                    "`\(path)` is empty; name a network, or remove it for all clients"))
        }
        for item in items {
            guard let proxy = trustedProxy(overlapping: item.value.block) else { continue }
            findings.append(
                .error(
                    item.origin,
                    "`\(path)`: \(item.value) overlaps \(proxy) of `trustedProxies`, whose addresses are never a client's;"
                        + " name the clients' network alone, and only the proxies in `trustedProxies`"))
        }
        return items.map(\.value.block)
    }

    /// The item of `trustedProxies` that has addresses of `network`.
    func trustedProxy(overlapping network: CIDR) -> Network? {
        resolution[ProxyOptions.trusted].first { $0.block.overlaps(network) }
    }

    private mutating func providers(of values: OptionValues, _ effect: AccessRule.Effect) -> [String] {
        guard let names = values[RuleOptions.providers] else { return [] }
        let known = providerBuilders.compactMap { $0.item?.name }
        let path = "access.rules[].providers"
        let origin = values.entry(RuleOptions.providers.path)?.origin ?? .builtIn
        if case .signedIn = effect {
        } else {
            findings.append(.error(origin, "`\(path)` does nothing where sign-in is not needed; remove it"))
        }
        if names.isEmpty {
            findings.append(.error(origin, "`\(path)` is empty, so no user could be let in; name one, or remove it"))
        }
        for name in names where !areProvidersUnknown && !known.contains(name) {
            let near = Suggestion.nearest(to: name, among: known).map { "did you mean `\($0)`?" }
            findings.append(
                .error(
                    origin,
                    "`\(path)`: no item of `identityProviders` is called \(Quoted.text(name)); "
                        + (near ?? "name one of them")))
        }
        return names
    }

    private mutating func effect(
        _ values: OptionValues, _ fields: [String], at origin: SourceLocation
    ) -> AccessRule.Effect {
        if values[RuleOptions.allow] != nil { return .anyone }
        if let require = values[RuleOptions.require] { return .signedIn(requirements(require, fields)) }
        if let deny = values.given(RuleOptions.deny) {
            if deny.value { return .deny }
            findings.append(
                .error(deny.origin, "`access.rules[].deny`: false says nothing; write true, or remove it"))
        } else if values[RuleOptions.unauthenticated] == nil, values[RuleOptions.providers] == nil {
            findings.append(
                .error(
                    origin,
                    "`access.rules[]` says nothing of these paths; add `allow: anyone`, `require`, `providers`, `unauthenticated`"
                        + " or `deny: true`"))
        }
        return .signedIn([])
    }

    private mutating func requirements(
        _ entries: [MapEntry<[String]>], _ fields: [String]
    ) -> [AccessRule.Requirement] {
        entries.map { entry in
            if !areProvidersUnknown, !fields.contains(entry.name) {
                let fix = Suggestion.nearest(to: entry.name, among: fields).map { "did you mean `\($0)`?" }
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "`access.rules[].require`: no field is called `\(Quoted.plain(entry.name))`; "
                            + (fix ?? "name its claims in `token.claims.\(Quoted.plain(entry.name))`")))
            }
            if entry.value.isEmpty {
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "`access.rules[].require.\(Quoted.plain(entry.name))` is empty, so no user could be let in; name a"
                            + " value, or write `deny: true`"))
            }
            return AccessRule.Requirement(field: entry.name, values: entry.value)
        }
    }

    // MARK: - Several apps

    mutating func apps() -> [AppSettings] {
        let standard = upstreamWithoutFindings()
        var apps: [AppSettings] = []
        var taken: Set<String> = []
        for item in resolution.items(AppOptions.list) {
            let values = item.value
            guard let address = values[AppOptions.url] else {
                findings.append(
                    .error(
                        item.origin, "`upstreams[].url` is missing; say where the app is: `url: http://127.0.0.1:3001`")
                )
                continue
            }
            let app = AppSettings(
                hosts: (values[AppOptions.hosts] ?? []).map { $0.lowercased() }, paths: values[AppOptions.paths] ?? [],
                stripPrefix: values[AppOptions.stripPrefix] ?? "", upstream: upstream(values, address, standard))
            warnOfPatterns(values.items(AppOptions.paths).map(\.written), "upstreams[].paths")
            if app.hosts.isEmpty, app.paths.isEmpty {
                findings.append(
                    .error(
                        item.origin,
                        "`upstreams[]` would be for every request; name `hosts` or `paths`, or make it the `upstream`"))
            }
            for host in app.hosts.isEmpty ? [""] : app.hosts {
                for path in app.paths.isEmpty ? ["/*"] : app.paths.map(\.description)
                where !taken.insert(host + path).inserted {
                    findings.append(
                        .error(
                            item.origin,
                            "`upstreams[]`: another one is for \(Quoted.plain(host + path)) already; keep one of the two"
                        ))
                }
            }
            for path in app.paths where !path.isBelow(app.stripPrefix) {
                findings.append(
                    .error(
                        values.origin(AppOptions.stripPrefix),
                        "`upstreams[].stripPrefix`: the path \(path) does not begin with \(Quoted.plain(app.stripPrefix));"
                            + " correct one of the two"))
            }
            apps.append(app)
        }
        return apps
    }

    /// An item of `upstreams`, with `standard` for what it leaves open.
    private mutating func upstream(
        _ values: OptionValues, _ address: UpstreamAddress, _ standard: UpstreamSettings
    ) -> UpstreamSettings {
        UpstreamSettings(
            address: address,
            connectTimeout: values[AppOptions.connectTimeout] ?? standard.connectTimeout,
            responseTimeout: values[AppOptions.responseTimeout] ?? standard.responseTimeout,
            idleTimeout: values[AppOptions.idleTimeout] ?? standard.idleTimeout,
            maxConnections: values[AppOptions.maxConnections] ?? standard.maxConnections,
            preserveHost: values[AppOptions.preservesHost] ?? standard.preserveHost,
            rewritesRedirects: values[AppOptions.rewritesRedirects] ?? standard.rewritesRedirects,
            collectRequests: values[AppOptions.collectRequests] ?? standard.collectRequests,
            headerBytes: values[AppOptions.headerBytes] ?? standard.headerBytes,
            upgrades: values[AppOptions.upgrades] ?? standard.upgrades,
            isTolerant: values[AppOptions.isTolerant] ?? standard.isTolerant,
            offersHTTP2: values[AppOptions.offersHTTP2] ?? standard.offersHTTP2,
            tls: upstreamTLS(
                address, values[AppOptions.tls] ?? OptionValues([:]), AppOptions.tlsOptions, prefix: "upstreams[].tls.")
        )
    }

    /// The settings of `upstream`, whose findings are reported elsewhere.
    private func upstreamWithoutFindings() -> UpstreamSettings {
        var other = SettingsBuilder(self)
        return other.upstream()
    }
}

extension Located where Value == RulePath {
    /// As it was written.
    fileprivate var written: Located<String> { Located<String>(value: value.description, origin: origin) }
}
