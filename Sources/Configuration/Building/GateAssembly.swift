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
        var providers: [ProviderConfiguration] = []
        var formOrigins: Set<PublicOrigin> = []
        for settings in settings.providers {
            guard let provider = provider(settings) else { continue }
            // The response to a form may redirect to either: a logout, or another account's login.
            if case .redirect(let login) = provider.login { formOrigins.insert(login.loginURL.origin) }
            if let logout = provider.logoutURL { formOrigins.insert(logout.origin) }
            providers.append(provider)
        }
        let pages = pages(formOrigins: formOrigins)
        let headers = headers()
        guard !providers.isEmpty, let pages, findings.isEmpty else { return nil }

        var gate = GateConfiguration(
            providers: providers, session: session(), upstreamAuthority: settings.upstream.address.authority,
            pages: pages)
        gate.publicURL = settings.publicURL
        gate.preserveHost = settings.upstream.preserveHost
        gate.upstreamIsSecure = settings.upstream.address.isSecure
        gate.rewritesRedirects = settings.upstream.rewritesRedirects ?? !settings.upstream.preserveHost
        gate.maximumIdentityBytes = settings.upstream.headerBytes
        gate.upgrades = settings.upstream.upgrades
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

    private mutating func provider(_ settings: ProviderSettings) -> ProviderConfiguration? {
        let (provider, token) = (settings.identityProvider, settings.token)
        let logoutURL = provider.logoutURL.flatMap {
            template($0, settings.place(of: "identityProvider.logoutURL"), provider.logoutURLOrigin, URLTemplate.logout)
        }
        guard let login = method(settings) else { return nil }
        var result = ProviderConfiguration(login: login, tokenPolicy: token.policy, keys: token.keys)
        result.name = settings.name
        result.label = settings.label
        result.hosts = settings.hosts
        result.users = settings.users.registered
        result.logoutURL = logoutURL
        result.logoutTokenMinter = token.signingKey.flatMap {
            try? TokenMinter(secret: $0.key, algorithm: $0.algorithm)
        }
        result.returnPath = provider.returnPath
        result.initiated = provider.initiated
        result.requiresState = provider.requiresState
        result.hasRemoteKeys = !token.remoteKeys.isEmpty || provider.openID != nil
        result.singleUse = token.singleUse
        result.replayByID = token.replayByID
        result.bearer = token.bearer
        result.claims = token.claims
        result.required = token.required
        result.acceptsUnverifiedEmail = token.acceptsUnverifiedEmail
        return result
    }

    private mutating func method(_ settings: ProviderSettings) -> LoginMethod? {
        let provider = settings.identityProvider
        // With OpenID Connect the provider's discovery document names the address.
        if let openID = provider.openID { return .openID(openID.login) }
        let url = template(
            provider.loginURL, settings.place(of: "identityProvider.loginURL"), provider.loginURLOrigin,
            URLTemplate.login)
        return url.map { url in
            var login = JWTRedirectConfiguration(loginURL: url)
            login.tokenParameter = provider.tokenParameter
            return .redirect(login)
        }
    }

    private mutating func template(
        _ text: TextTemplate, _ name: String, _ origin: SourceLocation,
        _ make: (String) throws(GateConfigurationError) -> URLTemplate
    ) -> URLTemplate? {
        do {
            return try make(text.source)
        } catch {
            findings.append(.error(origin, "`\(name)`: \(Quoted.plain(error.description))"))
            return nil
        }
    }

    /// Which users are let in.
    package func access() -> AccessConfiguration {
        var access = AccessConfiguration()
        access.default = settings.access.default
        access.users = settings.access.users.registered
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
        session.partitioned = settings.partitioned
        session.keepsFragment = settings.keepFragment
        session.lifetime = settings.lifetime.inSeconds
        session.idleTimeout = settings.idleTimeout.inSeconds
        session.isStored = settings.isShared
        session.appCookies = settings.appCookies
        session.logoutPaths = settings.logoutPaths
        session.keepForms = settings.keepForms
        return session
    }

    /// The preset's headers, without those that the settings name, and the settings' own.
    private mutating func headers() -> [HeaderRule] {
        let own = settings.identity.headers
        let named = Set(own.map { HeaderName.folded($0.name) })
        var rules = settings.identity.preset.rules.filter { !named.contains(HeaderName.folded($0.name)) }
        for header in own where !header.template.parts.isEmpty {
            do {
                let fields = settings.fieldNames
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
                language: settings.pages.language, brand: settings.pages.brand, templates: settings.pages.templates,
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
