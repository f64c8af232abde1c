// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT

// Identity headers, and options that must be consistent.

extension SettingsBuilder {
    mutating func identity() -> IdentitySettings {
        let fields = fieldNames
        var headers: [IdentitySettings.Header] = []
        for entry in resolution[IdentityOptions.headers] {
            let template = entry.value
            let folded = HeaderName.folded(entry.name)
            if let twin = headers.first(where: { HeaderName.folded($0.name) == folded }) {
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "`identityHeaders`: app servers read \(entry.name) and \(twin.name) as one header; keep one"))
            }
            for name in template.placeholders where !areProvidersUnknown && !fields.contains(name) {
                let fix = Suggestion.nearest(to: name, among: fields).map { "did you mean {\($0)}?" }
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "`identityHeaders`: no field is called {\(name)}; " + (fix ?? "add it to `token.claims`")))
            }
            headers.append(.init(name: entry.name, template: template, origin: entry.nameOrigin))
        }
        return IdentitySettings(
            headers: headers, preset: resolution[IdentityOptions.preset], encoding: resolution[IdentityOptions.encoding]
        )
    }

    mutating func checkTogether(_ settings: Settings) {
        checkCookies(settings)
        checkRedirects(settings)
        checkProviders(settings)
        checkUpstreamVersion(settings.upstream)
        checkLoops(settings)
        checkRuleHosts(settings)
        checkSuspicions(settings)
    }

    /// With neither placeholder the provider never learns the `state` that it is to send back.
    mutating func checkState(_ provider: IdentityProviderSettings) {
        let placeholders = provider.loginURL.placeholders
        guard provider.requiresState, purpose == .serve, !provider.loginURL.parts.isEmpty,
            !placeholders.contains("state"), !placeholders.contains("returnURL")
        else { return }
        findings.append(
            .error(
                resolution.origin(IdentityProviderOptions.requiresState),
                "`identityProvider.requireState`: `loginURL` has neither {state} nor {returnURL}, so no return can bring a"
                    + " state and every sign-in would be refused; add one of them if the provider sends it back, or remove"
                    + " this key"))
    }

    private mutating func checkUpstreamVersion(_ upstream: UpstreamSettings) {
        guard upstream.offersHTTP2 else { return }
        let fix: String
        switch upstream.address {
        case .https, .h2c: return
        case .http(let host, let port): fix = "write `url: \(UpstreamAddress.h2c(host: host, port: port))`"
        case .unix: fix = "over a socket in the file system it is HTTP/1.1; remove this key"
        }
        findings.append(
            .error(
                resolution.origin(UpstreamOptions.offersHTTP2),
                "`upstream.http2`: without TLS there is nothing to agree on HTTP/2 with; \(fix)"))
    }

    private mutating func checkCookies(_ settings: Settings) {
        let session = settings.session
        let name = session.cookieName.lowercased()
        let origin = resolution.origin(SessionOptions.cookieName)
        if name.hasPrefix("__host-"), !session.domain.isEmpty {
            findings.append(
                .error(
                    origin,
                    "`session.cookieName`: browsers refuse a __Host- cookie with a domain; use __Secure- or no prefix"))
        }
        let isPlain = settings.publicURL?.isSecure == false
        if name.hasPrefix("__host-") || name.hasPrefix("__secure-"), isPlain || isAlwaysPlain(settings) {
            findings.append(
                .error(
                    origin,
                    isPlain
                        ? "`session.cookieName`: over http browsers refuse a cookie with this prefix; use another name"
                        : "`session.cookieName`: nothing says that browsers come over https, and over http they refuse a"
                            + " cookie with this prefix; set `publicURL` or `trustedProxies`, or use another name"))
        }
        if isPlain, session.sameSite == .none {
            findings.append(
                .error(
                    resolution.origin(SessionOptions.sameSite),
                    "`session.sameSite`: over http browsers refuse a cookie with SameSite=None; use lax"))
        }
        if session.partitioned {
            let partitioned = resolution.origin(SessionOptions.partitioned)
            if session.sameSite != .none {
                findings.append(
                    .error(
                        partitioned,
                        "`session.partitioned`: in frames of other sites browsers keep only cookies with SameSite=None;"
                            + " set `session.sameSite: none`"))
            }
            if isPlain || isAlwaysPlain(settings) {
                findings.append(
                    .error(
                        partitioned,
                        "`session.partitioned`: over http browsers refuse partitioned cookies; "
                            + (isPlain
                                ? "use https in `publicURL`"
                                : "nothing says that browsers come over https: set `publicURL`, `trustedProxies` or `tls`")
                    ))
            }
        }
        if name.hasPrefix("sidegate-login-") {
            findings.append(
                .error(origin, "`session.cookieName`: names with sidegate-login- are used for logins; use another"))
        }
        for app in resolution.items(SessionOptions.appCookies) {
            let text = app.value
            if text.isEmpty {
                findings.append(.error(app.origin, "`session.appCookies`: a name is empty; remove it"))
            } else if SessionConfiguration.isOwnCookie(text, cookieName: session.cookieName) {
                findings.append(
                    .error(
                        app.origin,
                        "`session.appCookies`: \(Quoted.plain(text)) is a name of Sidegate's own cookies; name the app's"
                    ))
            }
        }
        if let host = settings.publicURL?.hostText, !session.domain.isEmpty, host != session.domain,
            !host.hasSuffix("." + session.domain)
        {
            findings.append(
                .error(
                    resolution.origin(SessionOptions.domain),
                    "`session.domain`: the host of `publicURL` (\(host)) is not in \(session.domain), so browsers refuse"
                        + " the cookie; name a parent of that host"))
        }
    }

    /// No request can be known to come over https: there is no `publicURL`, no trusted proxy and no TLS.
    func isAlwaysPlain(_ settings: Settings) -> Bool {
        guard settings.publicURL == nil, settings.trustedProxies.isEmpty else { return false }
        return resolution[TLSOptions.certificates].isEmpty
    }

    /// {logoutToken} is signed with a key that the provider has too.
    mutating func checkLogoutToken(_ provider: ProviderSettings) {
        guard purpose == .serve, let template = provider.identityProvider.logoutURL,
            template.placeholders.contains("logoutToken"), provider.token.signingKey == nil,
            !resolution.refused(TokenOptions.keys, TokenOptions.algorithms)
        else { return }
        // A secret that could not be read has a finding of its own.
        let namesSecret = resolution[TokenOptions.keys].contains {
            $0[KeyOptions.secret.inline] != nil || $0[KeyOptions.secret.file] != nil
        }
        if namesSecret, provider.token.keys.keys.allSatisfy({ !$0.isSymmetric }) { return }
        findings.append(
            .error(
                resolution.origin(IdentityProviderOptions.logoutURL),
                "`identityProvider.logoutURL`: {logoutToken} is signed with a shared secret, and `token.keys` has none that"
                    + " serves `token.algorithms`; add `secretFile`, or "
                    + (resolution[IdentityProviderOptions.logoutTokenParameter] == nil
                        ? "remove {logoutToken}" : "set `identityProvider.logoutTokenParameter: \"\"`")
            ))
    }

    mutating func checkReturnPath(_ path: String) {
        guard !resolution.refused(IdentityProviderOptions.returnPath), !ReservedPath.permitsReturnPath(path) else {
            return
        }
        findings.append(
            .error(
                resolution.origin(IdentityProviderOptions.returnPath),
                "`identityProvider.returnPath`: "
                    + (ReservedPath.isOwn(path, returnPaths: [])
                        ? "Sidegate uses this path for something else; choose another, such as /.sidegate/callback"
                        : "a segment that ends with a dot has other spellings; choose another path")))
    }
}
