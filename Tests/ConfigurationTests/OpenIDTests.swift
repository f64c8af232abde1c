// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT
import Testing

@Suite("The configuration of OpenID Connect")
struct OpenIDTests {
    let place = Workplace()

    private func load(
        _ provider: String = "", token: String = "", more: String = "", base: String = Self.base
    ) -> LoadedConfiguration {
        place.load(
            """
            upstream: http://127.0.0.1:3000
            publicURL: https://app.example.com
            identityProvider: { \(base)\(provider) }
            token: { \(token) }
            session: { secret: "this is a session secret, long enough" }

            """ + more)
    }

    private static let base =
        "protocol: oidc, issuer: \"https://idp.example.com/realms/main\", clientID: app, clientSecret: 0123456789abcdef"

    private func provider(_ loaded: LoadedConfiguration) throws -> ProviderConfiguration {
        #expect(loaded.lines == [])
        var assembly = GateAssembly(try #require(loaded.settings), fallbackSecret: Array(repeating: 7, count: 32))
        let gate = assembly.assemble()
        return try #require(gate).provider
    }

    @Test("The least that is needed: issuer and client; audience, algorithms and keys follow")
    func least() throws {
        let loaded = load()
        let provider = try provider(loaded)
        guard case .openID(let login) = provider.login else {
            Issue.record("another protocol")
            return
        }
        #expect(login.issuer == "https://idp.example.com/realms/main" && login.clientID == "app")
        #expect(login.scopes == ["openid", "email", "profile"] && login.responseMode == .query)
        let policy = provider.tokenPolicy
        #expect(policy.issuer == login.issuer && policy.audience == ["app"] && policy.client == "app")
        #expect(policy.algorithms == [.rs256, .es256] && policy.requireExpiry && !policy.acceptAnyAudience)
        #expect(provider.hasRemoteKeys && !provider.bearer && !provider.acceptsUnverifiedEmail)
        let settings = try #require(loaded.settings?.identityProvider.openID)
        #expect(settings.clientSecret?.bytes == Array("0123456789abcdef".utf8))
        #expect(settings.clientAuthentication == .basic && !settings.asksUserInfo)
    }

    @Test("All options")
    func all() throws {
        let loaded = load(
            ", clientAuthentication: post, scopes: [openid, groups], responseMode: form_post, userInfo: true,"
                + " parameters: { prompt: select_account, acr_values: \"a b\" }",
            token: "algorithms: [PS256], bearer: true, acceptUnverifiedEmail: true")
        let provider = try provider(loaded)
        guard case .openID(let login) = provider.login else {
            Issue.record("another protocol")
            return
        }
        #expect(login.scopes == ["openid", "groups"] && login.responseMode == .formPost)
        #expect(
            login.parameters == [OpenIDParameter("prompt", "select_account"), OpenIDParameter("acr_values", "a b")])
        #expect(provider.tokenPolicy.algorithms == [.ps256] && provider.bearer && provider.acceptsUnverifiedEmail)
        let settings = try #require(loaded.settings?.identityProvider.openID)
        #expect(settings.clientAuthentication == .post && settings.asksUserInfo)
    }

    @Test(
        "Each mistake is an error that says what to write",
        arguments: [
            ("protocol: oidc, clientID: app", "", "`identityProvider.issuer` is missing"),
            ("protocol: oidc, issuer: \"https://idp\"", "", "`identityProvider.clientID` is missing"),
            ("protocol: oidc, issuer: \"http://idp\", clientID: app", "", "over http anybody on the way"),
            ("protocol: oidc, issuer: \"https://idp?a\", clientID: app", "", "neither a query nor a fragment"),
            (
                "protocol: oidc, issuer: \"https://idp/.well-known/openid-configuration\", clientID: app", "",
                "the address of the discovery document"
            ),
            (
                "protocol: oidc, issuer: \"https://login.microsoftonline.com/common/v2.0\", clientID: app", "",
                "/common/ stands for the users of every tenant"
            ),
            (
                "preset: entra, issuer: \"https://login.microsoftonline.com/Organizations/v2.0\", clientID: app", "",
                "write the ID of your tenant in its place"
            ),
            (
                "preset: entra, issuer: \"https://login.microsoftonline.us/consumers/v2.0\", clientID: app", "",
                "/consumers/ stands for"
            ),
            (base + ", scopes: [email]", "", "without `openid`"),
            (base + ", scopes: [\"openid email\"]", "", "is no scope"),
            (base + ", parameters: { state: x }", "", "is set by the protocol itself"),
            (base + ", parameters: { Request_URI: x }", "", "is set by the protocol itself"),
            (base + ", loginURL: \"https://idp/login\"", "", "for `identityProvider.protocol: jwt` only"),
            (base, "keys: [{ secret: 0123456789abcdef0123456789abcdef }]", "follows from the provider's discovery"),
            (base, "issuer: other", "follows from `identityProvider.issuer`"),
            (base, "audience: [other]", "follows from `identityProvider.clientID`"),
            (base, "acceptAnyAudience: true", "follows from `identityProvider.clientID`"),
            (base, "algorithms: [HS256]", "HS256 needs a shared secret"),
            (
                "loginURL: \"https://idp/login\", clientID: app",
                "keys: [{ secret: 0123456789abcdef0123456789abcdef }]",
                "for `identityProvider.protocol: oidc` only"
            ),
        ])
    func mistakes(provider: String, token: String, words: String) {
        let loaded = load(token: token, base: provider)
        #expect(loaded.errors.contains { $0.contains(words) }, "\(loaded.lines)")
        #expect(loaded.errors.allSatisfy { $0.hasPrefix("c.yaml:") }, "\(loaded.lines)")
    }

    @Test("form_post needs https; plain http is for this machine only")
    func plain() {
        let form = place.load(
            """
            upstream: http://127.0.0.1:3000
            publicURL: http://app.example.com
            identityProvider: { \(Self.base), responseMode: form_post }
            session: { secret: "this is a session secret, long enough" }
            """)
        #expect(form.errors.count == 1 && form.errors.first?.contains("use https, or `query`") == true, "\(form.lines)")
        for host in ["localhost:8080", "127.0.0.1:9", "[::1]:9"] {
            let local = load(base: "protocol: oidc, issuer: \"http://\(host)/x\", clientID: app")
            #expect(local.errors == [], "\(local.lines)")
        }
    }

    @Test("A public client has no secret; a way to authenticate without one is a warning")
    func publicClient() {
        let base = "protocol: oidc, issuer: \"https://idp.example.com\", clientID: app"
        #expect(load(base: base).lines == [])
        let lines = load(", clientAuthentication: post", base: base).lines
        #expect(lines.count == 1 && lines.first?.contains("there is no client secret") == true, "\(lines)")
    }

    @Test("A tenant's own issuer at Entra ID is right")
    func tenant() {
        let tenant = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"
        #expect(load(base: "preset: entra, issuer: \"\(tenant)\", clientID: app, clientSecret: s").lines == [])
    }

    @Test("What has no effect with OpenID Connect is a warning", arguments: ["initiated: allow", "requireState: true"])
    func ineffective(option: String) {
        let loaded = load(", " + option)
        #expect(loaded.errors == [] && loaded.warnings.count == 1, "\(loaded.lines)")
        #expect(loaded.warnings.first?.contains("has no effect with `identityProvider.protocol: oidc`") == true)
    }

    @Test("Without `publicURL` it is not known which redirect URI to register")
    func redirectURI() {
        func load(_ top: String) -> LoadedConfiguration {
            place.load(
                """
                upstream: http://127.0.0.1:3000
                session: { secret: "this is a session secret, long enough" }
                \(top)
                """)
        }
        let words = "`publicURL` is not set, so the redirect URI"
        let single = load("identityProvider: { \(Self.base) }")
        #expect(single.errors == [] && single.warnings.count { $0.contains(words) } == 1, "\(single.lines)")
        for (hosts, isWarned) in [("[]", true), ("[\"*.example.com\"]", true), ("[app.example.com]", false)] {
            let loaded = load("identityProviders: [{ name: a, hosts: \(hosts), identityProvider: { \(Self.base) } }]")
            #expect(loaded.errors == [], "\(loaded.lines)")
            #expect(loaded.warnings.contains { $0.contains(words) } == isWarned, "\(loaded.lines)")
        }
        let jwt = load(
            "identityProvider: { loginURL: \"https://idp.example/\" }\n"
                + "token: { keys: [{ secret: 0123456789abcdef0123456789abcdef }] }")
        #expect(!jwt.warnings.contains { $0.contains(words) })
    }

    @Test("A client secret that is a session secret too is a warning, however both are given")
    func sharedSecret() {
        let secret = "one and the same secret, long enough"
        place.write("client.secret", secret + "\n")
        place.write("session.secrets", "another secret, of 32 bytes at least\n\(secret)\n")
        let client = "protocol: oidc, issuer: \"https://idp.example.com\", clientID: app"
        let clients = ["clientSecret: \"\(secret)\"", "clientSecretFile: client.secret"]
        let sessions = [
            "secret: \"\(secret)\"", "secretFile: client.secret", "secretsFile: session.secrets",
            "secrets: [\"another secret, of 32 bytes at least\", \"\(secret)\"]",
        ]
        for given in clients {
            for session in sessions {
                for isItem in [false, true] {
                    let provider = "identityProvider: { \(client), \(given) }"
                    let loaded = place.load(
                        """
                        upstream: http://127.0.0.1:3000
                        publicURL: https://app.example.com
                        session: { \(session) }
                        \(isItem ? "identityProviders: [{ name: a, \(provider) }]" : provider)
                        """)
                    let place = isItem ? "identityProviders[0]." : ""
                    let words =
                        "is the same secret as `\(place)identityProvider.\(given.prefix { $0 != ":" })`: everyone who has"
                        + " that one could also forge sessions"
                    #expect(loaded.warnings.count { $0.contains(words) } == 1, "\(loaded.lines)")
                    #expect(loaded.errors == [] && !loaded.lines.contains { $0.contains(secret) })
                }
            }
        }
        let apart = load()
        #expect(apart.lines == [])
    }

    @Test("The client's secret is never printed")
    func secret() {
        let loaded = load()
        let text = ConfigurationPrinter(isEffective: true).text(loaded.resolution)
        #expect(!text.contains("0123456789abcdef"))
    }

    @Test(
        "Each preset of a provider needs no more than what only the administrator knows",
        arguments: [
            "oidc", "keycloak", "entra", "google", "okta", "auth0",
        ])
    func presets(name: String) throws {
        let issuer = name == "google" ? "" : ", issuer: \"https://idp.example.com/\""
        let provider = try provider(load(base: "preset: \(name)\(issuer), clientID: app, clientSecret: s"))
        #expect(provider.claims.contains { $0.field == "user" && $0.claims.contains("sub") })
        #expect(provider.required == (name == "entra" ? [] : ["email"]))
        if name == "google" { #expect(provider.tokenPolicy.issuer == "https://accounts.google.com") }
    }
}
