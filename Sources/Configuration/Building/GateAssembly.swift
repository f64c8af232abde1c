// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Pages

/// `Settings` → the configuration of the gate.
package struct GateAssembly {
    private let settings: Settings
    private let fallbackSecret: [UInt8]
    /// What the gate refused, with its location; empty for settings that were loaded for serving.
    package private(set) var findings: [Finding] = []

    /// - Parameter fallbackSecret: seals sessions when the settings have no secret: random, and the same for the life of
    ///   the process.
    package init(_ settings: Settings, fallbackSecret: [UInt8]) {
        self.settings = settings
        self.fallbackSecret = fallbackSecret
    }

    /// nil with findings when the settings are inconsistent.
    package mutating func assemble() -> GateConfiguration? {
        let provider = settings.identityProvider
        let login = template(
            provider.loginURL, "loginURL", provider.loginURLOrigin, URLTemplate.login)
        let logout = provider.logoutURL.flatMap {
            template($0, "logoutURL", provider.logoutURLOrigin, URLTemplate.logout)
        }
        // The response to a form may redirect to either: a logout, or another account's login.
        let pages = pages(formOrigins: Set([login, logout].compactMap { $0?.origin }))
        let headers = headers()
        guard let login, let pages, findings.isEmpty else { return nil }

        var gate = GateConfiguration(
            loginURL: login, tokenPolicy: settings.token.policy, keys: settings.token.keys, session: session(),
            upstreamAuthority: settings.upstream.address.authority, pages: pages)
        gate.publicURL = settings.publicURL
        gate.preserveHost = settings.upstream.preserveHost
        gate.upstreamIsSecure = settings.upstream.address.isSecure
        gate.rewritesRedirects = settings.upstream.rewritesRedirects ?? !settings.upstream.preserveHost
        gate.maximumIdentityBytes = settings.upstream.headerBytes
        gate.upgrades = settings.upstream.upgrades
        gate.logoutURL = logout
        gate.logoutTokenMinter = settings.token.signingKey.flatMap {
            try? TokenMinter(secret: $0.key, algorithm: $0.algorithm)
        }
        gate.tokenParameter = provider.tokenParameter
        gate.returnPath = provider.returnPath
        gate.initiated = provider.initiated
        gate.requiresState = provider.requiresState
        gate.hasRemoteKeys = !settings.token.remoteKeys.isEmpty
        gate.singleUse = settings.token.singleUse
        gate.replayByID = settings.token.replayByID
        gate.bearer = settings.token.bearer
        gate.claims = settings.token.claims.map { ClaimRule($0.field, $0.claims) }
        gate.required = settings.token.required
        gate.access = access()
        gate.apps = apps()
        gate.trustedProxies = settings.trustedProxies
        gate.nativeLogin = nativeLogin()
        gate.provisions = settings.provisioning != nil
        gate.replayFailure = settings.replay.onFailure
        gate.identityHeaders = headers
        gate.assertion = settings.assertion.map {
            AssertionConfiguration(
                header: $0.header, minter: $0.minter, issuer: $0.issuer, audience: $0.audience,
                lifetime: $0.lifetime.inSeconds, keys: $0.keys)
        }
        gate.headerEncoding = settings.identity.encoding
        return gate
    }

    private mutating func template(
        _ text: TextTemplate, _ name: String, _ origin: SourceLocation,
        _ make: (String) throws(GateConfigurationError) -> URLTemplate
    ) -> URLTemplate? {
        do {
            return try make(text.source)
        } catch {
            findings.append(.error(origin, "`identityProvider.\(name)`: \(Quoted.plain(error.description))"))
            return nil
        }
    }

    /// Which users are let in.
    package func access() -> AccessConfiguration {
        var access = AccessConfiguration()
        access.default = settings.access.default
        access.users.emails = settings.access.emails
        access.users.listedEmails = settings.access.listedEmails
        access.users.hasEmailsFile = settings.access.emailsFile != nil
        access.users.emailDomains = settings.access.emailDomains
        access.users.groups = settings.access.groups
        access.site = settings.access.site
        access.rules = settings.access.rules
        access.mode = settings.access.mode
        return access
    }

    /// More apps, in the order of the settings.
    package func apps() -> [AppRoute] {
        settings.apps.map { app in
            var route = AppRoute(authority: app.upstream.address.authority)
            route.hosts = app.hosts
            route.paths = app.paths
            route.stripPrefix = app.stripPrefix
            route.preservesHost = app.upstream.preserveHost
            route.isSecure = app.upstream.address.isSecure
            route.rewritesRedirects = app.rewritesRedirects
            route.maximumIdentityBytes = app.upstream.headerBytes
            route.allowUpgrades(app.upstream.upgrades)
            return route
        }
    }

    private func nativeLogin() -> NativeLoginConfiguration? {
        guard let settings = settings.nativeLogin else { return nil }
        var native = NativeLoginConfiguration(parameters: settings.parameters, paths: settings.paths)
        native.with = settings.with
        native.from = settings.from
        native.lifetime = settings.lifetime.inSeconds
        return native
    }

    private func session() -> SessionConfiguration {
        let settings = settings.session
        let secrets = settings.secrets.map(\.bytes)
        var session = SessionConfiguration(secrets: secrets.isEmpty ? [fallbackSecret] : secrets)
        session.cookieName = settings.cookieName
        session.domain = settings.domain
        session.sameSite = settings.sameSite
        session.lifetime = settings.lifetime.inSeconds
        session.idleTimeout = settings.idleTimeout.inSeconds
        session.isStored = settings.isShared
        session.appCookies = settings.appCookies
        session.logoutPaths = settings.logoutPaths
        return session
    }

    /// The preset's headers, without those that the settings name, and the settings' own.
    private mutating func headers() -> [HeaderRule] {
        let own = settings.identity.headers
        let named = Set(own.map { HeaderName.folded($0.name) })
        var rules = settings.identity.preset.rules.filter { !named.contains(HeaderName.folded($0.name)) }
        for header in own where !header.template.parts.isEmpty {
            do {
                let fields = settings.token.claims.map(\.field)
                rules.append(try HeaderRule(name: header.name, template: header.template.source, fields: fields))
            } catch {
                findings.append(.error(header.origin, "`identityHeaders`: \(Quoted.plain(error.description))"))
            }
        }
        return rules
    }

    private mutating func pages(formOrigins: Set<PublicOrigin>) -> PageRenderer? {
        do {
            return try PageRenderer(
                brand: settings.pages.brand, templates: settings.pages.templates,
                formOrigins: formOrigins.map { String(decoding: $0.text, as: UTF8.self) }.sorted())
        } catch {
            findings.append(
                .error(
                    settings.pages.directoryOrigin,
                    "`pages.directory`: template \(Quoted.plain(error.template)), line \(error.line):"
                        + " \(Quoted.plain(error.message))"))
            return nil
        }
    }
}

extension UpstreamAddress {
    /// The Host that the app gets when the browser's is not kept.
    package var authority: String {
        switch self {
        case .http(let host, let port), .h2c(let host, let port):
            HostAndPort.format(host: host, port: port == 80 ? nil : port)
        case .https(let host, let port): HostAndPort.format(host: host, port: port == 443 ? nil : port)
        case .unix: "localhost"
        }
    }
}
