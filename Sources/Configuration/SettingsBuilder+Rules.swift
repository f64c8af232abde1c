// SPDX-License-Identifier: Apache-2.0

import Gate

// `access.rules` and `upstreams`: what is decided by a request's path.

extension SettingsBuilder {
    mutating func rules(_ settings: inout AccessSettings) {
        let fields = resolution.map("token.claims").map(\.name)
        var seen = CoveredPaths()
        for (index, item) in resolution.list("access.rules").enumerated() {
            guard case .object(let parts) = item.value else { continue }
            guard let paths = rulePaths(parts["paths"]), !paths.isEmpty else {
                findings.append(
                    .error(
                        parts["paths"]?.origin ?? item.origin,
                        "`access.rules[].paths` is missing; name them, such as [\"/admin/*\"], or [\"/*\"] for the whole site"
                    ))
                continue
            }
            warnOfPatterns(parts["paths"], "access.rules[].paths")
            let methods = texts(parts["methods"])
            var rule = AccessRule(paths: paths, methods: methods, effect: .signedIn([]))
            if parts["allow"] != nil {
                rule.effect = .anyone
            } else if let require = parts["require"] {
                rule.effect = .signedIn(requirements(require, fields))
            } else if let deny = parts["deny"] {
                if deny.value == .boolean(true) {
                    rule.effect = .deny
                } else {
                    findings.append(
                        .error(deny.origin, "`access.rules[].deny`: false says nothing; write true, or remove it"))
                }
            } else if parts["unauthenticated"] == nil {
                findings.append(
                    .error(
                        item.origin,
                        "`access.rules[]` says nothing of these paths; add `allow: anyone`, `require`, `unauthenticated` or"
                            + " `deny: true`"))
            }
            if let given = parts["unauthenticated"], case .text(let text) = given.value {
                rule.unauthenticated = AccessRule.Unauthenticated(rawValue: text)
                if case .signedIn = rule.effect {
                } else {
                    findings.append(
                        .error(
                            given.origin,
                            "`access.rules[].unauthenticated` does nothing where nobody is asked to sign in; remove it")
                    )
                }
            }
            if let cover = seen.cover(of: paths) {
                findings.append(
                    .warning(
                        item.origin,
                        "`access.rules[\(index)]` never decides: `access.rules[\(cover)]`, which stands before it, has all of its"
                            + " paths; move it up, or remove it"))
            }
            if methods.isEmpty { seen.add(paths, index) }
            settings.rules.append(rule)
            settings.ruleOrigins.append(item.origin)
        }
    }

    private func rulePaths(_ part: Located?) -> [RulePath]? {
        guard part != nil else { return nil }
        return texts(part).compactMap { try? RulePath($0) }
    }

    private func texts(_ part: Located?) -> [String] {
        guard case .list(let items)? = part?.value else { return [] }
        return items.compactMap { if case .text(let text) = $0.value { text } else { nil } }
    }

    private mutating func requirements(_ require: Located, _ fields: [String]) -> [AccessRule.Requirement] {
        guard case .map(let entries) = require.value else { return [] }
        var requirements: [AccessRule.Requirement] = []
        for entry in entries {
            if !fields.contains(entry.name) {
                let fix = Suggestion.nearest(to: entry.name, among: fields).map { "did you mean `\($0)`?" }
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "`access.rules[].require`: no field is called `\(Quoted.plain(entry.name))`; "
                            + (fix ?? "name its claims in `token.claims.\(Quoted.plain(entry.name))`")))
            }
            let values = texts(Located(value: entry.value, origin: entry.nameOrigin))
            if values.isEmpty {
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "`access.rules[].require.\(Quoted.plain(entry.name))` is empty, so nobody could come in; name a value,"
                            + " or write `deny: true`"))
            }
            requirements.append(.init(field: entry.name, values: values))
        }
        return requirements
    }

    // MARK: - Several apps

    mutating func apps() -> [AppSettings] {
        let fallback = upstreamWithoutFindings()
        var apps: [AppSettings] = []
        var taken: Set<String> = []
        for item in resolution.list("upstreams") {
            guard case .object(let parts) = item.value else { continue }
            guard case .upstreamAddress(let address)? = parts["url"]?.value else {
                findings.append(
                    .error(
                        item.origin, "`upstreams[].url` is missing; say where the app is: `url: http://127.0.0.1:3001`")
                )
                continue
            }
            var app = AppSettings(
                hosts: texts(parts["hosts"]).map { $0.lowercased() }, paths: rulePaths(parts["paths"]) ?? [],
                stripPrefix: "", upstream: fallback)
            warnOfPatterns(parts["paths"], "upstreams[].paths")
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
            if let prefix = parts["stripPrefix"], case .text(let text) = prefix.value {
                app.stripPrefix = text
                for path in app.paths where !path.isBelow(text) {
                    findings.append(
                        .error(
                            prefix.origin,
                            "`upstreams[].stripPrefix`: the path \(path) does not begin with \(Quoted.plain(text)); correct one of"
                                + " the two"))
                }
            }
            app.upstream.address = address
            if case .duration(let time)? = parts["connectTimeout"]?.value { app.upstream.connectTimeout = time }
            if case .duration(let time)? = parts["responseTimeout"]?.value { app.upstream.responseTimeout = time }
            if case .duration(let time)? = parts["idleTimeout"]?.value { app.upstream.idleTimeout = time }
            if case .integer(let count)? = parts["maxConnections"]?.value { app.upstream.maxConnections = count }
            if case .boolean(let keeps)? = parts["preserveHost"]?.value { app.upstream.preserveHost = keeps }
            if let protocols = parts["upgrades"] { app.upstream.upgrades = texts(protocols) }
            if case .boolean(let offers)? = parts["http2"]?.value { app.upstream.offersHTTP2 = offers }
            var tls: [String: Located] = [:]
            if case .object(let given)? = parts["tls"]?.value { tls = given }
            app.upstream.tls = appTLS(address, tls)
            apps.append(app)
        }
        return apps
    }

    /// What `upstream` says, for what an item of `upstreams` leaves open.
    private func upstreamWithoutFindings() -> UpstreamSettings {
        var other = SettingsBuilder(self)
        return other.upstream()
    }
}

/// The paths that rules for all methods have decided about already.
private struct CoveredPaths {
    private var rules: [String: Int] = [:]

    mutating func add(_ paths: [RulePath], _ rule: Int) {
        for path in paths where rules[path.description] == nil { rules[path.description] = rule }
    }

    /// The rule that has all of `paths`, or more; nil when no single one has.
    func cover(of paths: [RulePath]) -> Int? {
        var cover: Int?
        for path in paths {
            guard let rule = rule(for: path.description), cover == nil || cover == rule else { return nil }
            cover = rule
        }
        return cover
    }

    private func rule(for path: String) -> Int? {
        if let rule = rules[path] { return rule }
        var beginning = path[...]
        if beginning.hasSuffix("/*") { beginning.removeLast(2) } else if let rule = rules[path + "/*"] { return rule }
        while let slash = beginning.lastIndex(of: "/") {
            beginning = beginning[..<slash]
            if let rule = rules[beginning + "/*"] { return rule }
        }
        return nil
    }
}
