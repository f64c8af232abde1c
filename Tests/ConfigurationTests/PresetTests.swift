// SPDX-License-Identifier: Apache-2.0

import Configuration
import Decisions
import Gate
import JWT
import Testing

@Suite("Presets")
struct PresetTests {
    let place = Workplace()

    /// The least that can be served with a preset; `provider` and `token` add to the sections.
    private func load(
        _ preset: String, provider: String = "", token: String = "", more: String = "", purpose: Purpose = .serve
    )
        -> LoadedConfiguration
    {
        place.load(
            """
            upstream: http://127.0.0.1:3000
            identityProvider: { preset: \(preset)\(provider) }
            token: { keys: [{ secret: 0123456789abcdef0123456789abcdef }]\(token) }
            session: { secret: "this is a session secret, long enough" }

            """ + more, purpose: purpose)
    }

    private let login = ", loginURL: \"https://idp.example.com/login-token/\""

    private func gate(_ loaded: LoadedConfiguration) throws -> GateConfiguration {
        #expect(loaded.lines == [])
        var assembly = GateAssembly(try #require(loaded.settings), fallbackSecret: Array(repeating: 7, count: 32))
        let gate = assembly.assemble()
        return try #require(gate)
    }

    private func verdict(_ loaded: LoadedConfiguration, _ token: String, at now: Double) throws -> Reason? {
        let settings = try #require(loaded.settings, "\(loaded.lines)")
        let verifier = TokenVerifier(policy: settings.token.policy, keys: settings.token.keys)
        do {
            _ = try verifier.verify(Array(token.utf8).span, now: now)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test(
        "Each preset's defaults are keys of the table and values of their kinds", arguments: Preset.served.map(\.name))
    func defaultsAreKeys(name: String) throws {
        let preset = try #require(Preset.named(name))
        let loaded = load(name, provider: login)
        for (path, _) in preset.defaults {
            let entry = try #require(loaded.resolution.entries[path], "\(path)")
            if path != "identityProvider.loginURL" { #expect(entry.nameOrigin == .preset(name), "\(path)") }
        }
    }

    @Test(
        "requireState is refused where the provider never learns the state",
        arguments: [
            ("https://idp/in", false), ("https://idp/in?to={returnTo}", false),
            ("https://idp/in?url={returnURL}", true), ("https://idp/in?s={state}", true),
        ])
    func requireState(url: String, isGood: Bool) throws {
        for preset in ["ispring", "proprofs", "generic"] {
            let loaded = load(preset, provider: ", loginURL: \"\(url)\", requireState: true")
            if isGood {
                #expect(try gate(loaded).provider.requiresState)
            } else {
                #expect(loaded.lines.count == 1)
                #expect(loaded.lines.first?.contains("neither {state} nor {returnURL}") == true)
            }
        }
    }

    @Test(
        "No preset lets a sign-in in that the user did not start here without asking",
        arguments: Preset.served.map(\.name))
    func initiated(name: String) throws {
        let entry = try #require(load(name, provider: login).resolution.entries["identityProvider.initiated"])
        guard case .scalar("confirm") = entry.node.content else {
            Issue.record("\(entry.node.content)")
            return
        }
    }

    @Test("ispring: the token as the manual prints it, with ALG, Type, IAT, JTI and a Cyrillic exp")
    func ispringKnownToken() throws {
        let loaded = place.load(
            """
            upstream: http://127.0.0.1:3000
            identityProvider: { preset: ispring\(login) }
            token: { keys: [{ secret: secret, allowWeakSecret: true }] }
            session: { secret: "this is a session secret, long enough" }
            """)
        let token =
            "eyJUeXBlIjoiSldUIiwiQUxHIjoiSFMyNTYifQ.eyJJQVQiOjEyMzQ1Njc4OSwiSlRJIjoiZjRhczZkNWY0YXM2ZDU0ZmFzZDZkZjQiLCLQtdGF0YAiOjEyMzQ1Njg0OSwiZW1haWwiOiJ1c2VybmFtZUB5b3VyY29tcGFueS5jb20ifQ.AICcvKF9ejcNl6tK4Os8EfzFt_6Qusr_X-SDA-J-gb4"
        #expect(try verdict(loaded, token, at: 123_456_800) == nil)
        // The Cyrillic name counts: after it, and the skew, the token is over.
        #expect(try verdict(loaded, token, at: 123_456_849 + 61) == .expired)
        let generic = place.load(
            minimal.replacing("0123456789abcdef0123456789abcdef", with: "secret, allowWeakSecret: true"))
        #expect(try verdict(generic, token, at: 123_456_800) == .algorithmMissing)
    }

    @Test("ispring: the manual's paths and field matching")
    func ispring() throws {
        let gate = try gate(load("ispring", provider: login))
        #expect(gate.provider.returnPath == "/sso/login/jwt")
        #expect(gate.provider.login.tokenParameter == "jwt")
        #expect(gate.provider.required == ["email"])
        #expect(gate.provider.claims.contains(ClaimRule("user", ["email"])))
        #expect(gate.provider.claims.contains(ClaimRule("login", ["preferred_username", "sub"])))
        #expect(gate.nativeLogin == nil)
        let native = load("ispring", provider: login, more: "nativeLogin: { paths: [/login] }\n")
        #expect(native.settings?.nativeLogin?.parameters == ["no_sso", "no_jwt"])
    }

    @Test("ispring: the login URL gets nothing added, the logout URL the token as its script reads it")
    func ispringURLs() throws {
        let logout = load("ispring", provider: login + ", logoutURL: \"https://idp.example.com/logout.php\"", token: "")
            .resolution.entries["identityProvider.logoutURL"]
        #expect(try logout?.value == .template(TextTemplate("https://idp.example.com/logout.php")))
        #expect(
            load("ispring", provider: login).settings?.identityProvider.loginURL.source
                == "https://idp.example.com/login-token/")
    }

    @Test(
        "ispring: the logout token is appended where the URL does not place it itself",
        arguments: [
            ("https://idp/out", "https://idp/out?jwt={logoutToken}"),
            ("https://idp/out?a=b", "https://idp/out?a=b&jwt={logoutToken}"),
            ("https://idp/out?", "https://idp/out?jwt={logoutToken}"),
            ("https://idp/out#x", "https://idp/out?jwt={logoutToken}#x"),
            ("https://idp/out?t={logoutToken}", "https://idp/out?t={logoutToken}"),
        ])
    func logoutToken(url: String, expected: String) {
        let loaded = load("ispring", provider: login + ", logoutURL: \"\(url)\"")
        #expect(loaded.settings?.identityProvider.logoutURL?.source == expected, "\(loaded.lines)")
    }

    @Test("The logout token is signed with the first shared secret, by an algorithm that is pinned")
    func logoutTokenMinter() throws {
        let gate = try gate(load("ispring", provider: login + ", logoutURL: https://idp/out"))
        #expect(gate.provider.logoutURL?.carriesLogoutToken == true)
        #expect(gate.provider.logoutTokenMinter?.algorithm == .hs256)
        let other = load(
            "ispring", provider: login + ", logoutURL: https://idp/out", token: ", algorithms: [ES256, HS512]")
        #expect(other.settings?.token.signingKey?.algorithm == .hs512)
    }

    @Test("A logout token needs a shared secret: without one the error says so and names the fix")
    func logoutTokenWithoutSecret() {
        place.write("k.pem", VerificationKeyTests.publicKey)
        let keys = """
            upstream: http://127.0.0.1:3000
            token: { keys: [{ publicKeyFile: k.pem }], algorithms: EdDSA }
            session: { secret: "this is a session secret, long enough" }

            """
        let explicit = place.load(
            keys + "identityProvider: { loginURL: https://idp/, logoutURL: \"https://idp/?t={logoutToken}\" }")
        #expect(explicit.errors.count == 1)
        #expect(explicit.errors.first?.contains("{logoutToken} is signed with a shared secret") == true)
        #expect(explicit.errors.first?.hasSuffix("add `secretFile`, or remove {logoutToken}") == true)
        let preset = place.load(
            keys + "identityProvider: { preset: ispring, loginURL: https://idp/, logoutURL: https://idp/ }")
        #expect(
            preset.errors.first?.hasSuffix("set `identityProvider.logoutTokenParameter: \"\"`") == true,
            "\(preset.lines)")
        let fixed = place.load(
            keys
                + "identityProvider: { preset: ispring, loginURL: https://idp/, logoutURL: https://idp/, logoutTokenParameter: \"\" }"
        )
        #expect(fixed.errors == [])
    }

    @Test("proprofs: the key is md5(API key) in hexadecimal, and the raw digest is not")
    func proprofsKnownToken() throws {
        let loaded = place.load(
            """
            upstream: http://127.0.0.1:3000
            identityProvider: { preset: proprofs\(login) }
            token: { keys: [{ secret: key goes here }] }
            session: { secret: "this is a session secret, long enough" }
            """)
        let body =
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImp0aSI6IjJhMTU5ZTgyNGYwZDJkNDRkZDFjNzEzZTI2MTBhODM0IiwidXNlcl9lbWFpbCI6ImFAZXhhbXBsZS5jb20iLCJzaXRlX2FjY2VzcyI6IjQ0NTY3LDc3ODk4IiwiZ3Vlc3QiOmZhbHNlfQ."
        #expect(try verdict(loaded, body + "aaCUetXQUYu7XJju7O_nMvHdpHZoySwvRYUdaJXKEE0", at: 1_700_000_000) == nil)
        #expect(
            try verdict(loaded, body + "pXuJl0piQXkxL3sSr3V26BIvJXvDQMCocPBWredykuI", at: 1_700_000_000)
                == .signatureInvalid)
        // Three minutes from iat, and the skew of the clocks.
        #expect(try verdict(loaded, body + "aaCUetXQUYu7XJju7O_nMvHdpHZoySwvRYUdaJXKEE0", at: 1_700_000_241) == .tooOld)
    }

    @Test("proprofs: return path, parameter, fields, and a replay judged by the token alone")
    func proprofs() throws {
        let gate = try gate(load("proprofs", provider: login, more: "access: { site: \"44567\" }\n"))
        #expect(gate.provider.returnPath == "/access/jwtsso/")
        #expect(gate.provider.login.tokenParameter == "token")
        #expect(gate.provider.tokenPolicy.maxAge == 180)
        #expect(gate.provider.tokenPolicy.minimumIDLength == 32)
        #expect(!gate.provider.replayByID && gate.provider.singleUse)
        #expect(gate.provider.claims.contains(ClaimRule("email", ["user_email"])))
        #expect(gate.provider.claims.contains(ClaimRule("user", ["user_email"])))
        #expect(gate.access.site == "44567")
    }

    @Test("An encoding at a key beats the preset's")
    func encodingAtKey() throws {
        let loaded = place.load(
            """
            upstream: http://127.0.0.1:3000
            identityProvider: { preset: proprofs\(login) }
            token: { keys: [{ secret: 0123456789abcdef, secretEncoding: utf8 }] }
            session: { secret: "this is a session secret, long enough" }
            """)
        #expect(loaded.settings?.token.keys.keys.first?.summary == "secret, 128 bits")
        #expect(load("proprofs", provider: login).settings?.token.keys.keys.first?.summary == "secret, 256 bits")
    }

    private let radius = ", apiKey: \"a b&c\", jwtApp: my/app, appName: acme"

    @Test("loginradius: the login URL and the issuer are made of three names, percent-encoded")
    func loginradius() throws {
        let loaded = load("loginradius", provider: radius)
        let gate = try gate(loaded)
        #expect(
            loaded.settings?.identityProvider.loginURL.source
                == "https://cloud-api.loginradius.com/sso/jwt/redirect/token?apikey=a%20b%26c&jwtapp=my%2Fapp&return_url={returnURL}"
        )
        #expect(gate.provider.tokenPolicy.issuer == "https://acme.hub.loginradius.com/")
        #expect(gate.provider.tokenPolicy.maxAge == 600)
        #expect(
            gate.provider.tokenPolicy.algorithms.count == 9 && !gate.provider.tokenPolicy.algorithms.contains(.ps256))
        #expect(gate.provider.required == [])
    }

    @Test(
        "loginradius: what is missing is an error that says where the dashboard shows it",
        arguments: [
            ("", 3, "Configuration > API Credentials > API Key And Secret"),
            (", jwtApp: a, appName: b", 1, "Configuration > API Credentials > API Key And Secret"),
            (", apiKey: a, appName: b", 1, "Integration > JWT > App Name"),
            (", apiKey: a, jwtApp: b", 1, "or set `token.issuer`"),
        ])
    func loginradiusMissing(provider: String, count: Int, words: String) {
        let loaded = load("loginradius", provider: provider)
        #expect(loaded.errors.count == count, "\(loaded.errors)")
        #expect(loaded.errors.contains { $0.contains(words) }, "\(loaded.errors)")
        #expect(loaded.errors.allSatisfy { $0.hasPrefix("c.yaml:2:") })
    }

    @Test("loginradius: a login URL or an issuer of one's own needs no names")
    func loginradiusOwn() {
        let loaded = load(
            "loginradius", provider: ", loginURL: https://login.acme.example/, jwtApp: x", token: ", issuer: acme")
        #expect(loaded.errors == [])
        #expect(loaded.settings?.token.policy.issuer == "acme")
    }

    @Test(
        "zendesk and metabase: return path, and the page asked for as return_to",
        arguments: [("zendesk", "/access/jwt"), ("metabase", "/auth/sso")])
    func returnTo(name: String, path: String) throws {
        let loaded = load(name, provider: ", loginURL: \"https://idp/login?a=b\"")
        #expect(try gate(loaded).provider.returnPath == path)
        #expect(loaded.settings?.identityProvider.loginURL.source == "https://idp/login?a=b&return_to={returnTo}")
        let own = load(name, provider: ", loginURL: \"https://idp/login?next={returnTo}\"")
        #expect(own.settings?.identityProvider.loginURL.source == "https://idp/login?next={returnTo}")
    }

    @Test("zendesk: the user by external_id, three minutes, a jti")
    func zendesk() throws {
        let gate = try gate(load("zendesk", provider: login))
        #expect(gate.provider.claims.contains(ClaimRule("user", ["external_id", "email"])))
        #expect(gate.provider.tokenPolicy.maxAge == 180 && gate.provider.tokenPolicy.minimumIDLength == 1)
    }

    @Test("metabase: first and last name, groups, and exp is needed")
    func metabase() throws {
        let gate = try gate(load("metabase", provider: login))
        #expect(gate.provider.claims.contains(ClaimRule("givenName", ["first_name"])))
        #expect(gate.provider.claims.contains(ClaimRule("familyName", ["last_name"])))
        #expect(gate.provider.tokenPolicy.requireExpiry)
    }

    @Test("Every value of a preset can be overridden, a list or mapping whole or in part")
    func overriding() throws {
        let gate = try gate(
            load(
                "proprofs", provider: login + ", returnPath: /sso, tokenParameter: t",
                token:
                    ", maxAge: 1m, minimumIDLength: 0, replayByID: true, secretEncoding: utf8, required: [], claims: { user: [sub] }"
            ))
        #expect(
            gate.provider.returnPath == "/sso" && gate.provider.login.tokenParameter == "t" && gate.provider.replayByID)
        #expect(
            gate.provider.tokenPolicy.maxAge == 60 && gate.provider.tokenPolicy.minimumIDLength == 0
                && gate.provider.required == [])
        #expect(
            gate.provider.claims.contains(ClaimRule("user", ["sub"]))
                && gate.provider.claims.contains(ClaimRule("email", ["user_email"])))
    }
}
