// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT
import Testing

@Suite("Settings become the gate's configuration")
struct GateAssemblyTests {
    let place = Workplace()

    private func assemble(_ text: String) throws -> GateConfiguration {
        let settings = try #require(place.load(text).settings)
        var assembly = GateAssembly(settings, fallbackSecret: Array(repeating: 7, count: 32))
        let gate = assembly.assemble()
        return try #require(gate)
    }

    @Test("The defaults of the configuration are the defaults of the gate")
    func defaults() throws {
        let gate = try assemble(minimal)
        #expect(gate.provider.login.tokenParameter == "jwt")
        #expect(gate.provider.returnPath == "/.sidegate/callback")
        #expect(gate.provider.initiated == .confirm)
        #expect(gate.provider.claims == ClaimRule.standard)
        #expect(gate.provider.required == ["email"])
        #expect(gate.identityHeaders == HeaderPreset.forwarded.rules)
        #expect(gate.session.lifetime == 12 * 3600)
        #expect(gate.session.idleTimeout == 3600)
        #expect(gate.session.sameSite == .lax)
        #expect(gate.publicURL == nil)
        #expect(gate.upstreamAuthority == "127.0.0.1:3000")
        #expect(gate.provider.singleUse && gate.provider.bearer && gate.preserveHost)
        #expect(gate.replayFailure == .deny)
    }

    @Test("The values of the file reach the gate")
    func values() throws {
        let gate = try assemble(
            """
            publicURL: https://app.example.com
            upstream: { url: "http://[::1]", preserveHost: false }
            identityProvider:
              loginURL: https://idp.example.com/?r={returnURL}
              logoutURL: https://idp.example.com/out
              tokenParameter: token
              returnPath: /sso
              initiated: deny
            token:
              keys: [{ secret: 0123456789abcdef }]
              singleUse: false
              bearer: false
              required: []
              claims: { user: [email] }
              clockSkew: 5s
              maxAge: 1m
              issuer: idp
            session: { lifetime: 1h, idleTimeout: 0, sameSite: strict, cookieName: s }
            replay: { onFailure: allow }
            identityHeaders: { x-forwarded-user: "{email}", X-Forwarded-Groups: "" }
            headerEncoding: rfc2047
            """)
        #expect(gate.publicURL == PublicOrigin("https://app.example.com"))
        #expect(gate.upstreamAuthority == "[::1]")
        #expect(!gate.preserveHost && !gate.provider.singleUse && !gate.provider.bearer)
        #expect(gate.provider.logoutURL != nil)
        #expect(
            gate.provider.login.tokenParameter == "token" && gate.provider.returnPath == "/sso"
                && gate.provider.initiated == .deny)
        #expect(gate.provider.required == [])
        #expect(gate.provider.claims.first == ClaimRule("user", ["email"]))
        #expect(
            gate.provider.tokenPolicy.clockSkew == 5 && gate.provider.tokenPolicy.maxAge == 60
                && gate.provider.tokenPolicy.issuer == "idp")
        #expect(gate.session.secrets == [Array(repeating: 7, count: 32)])
        #expect(gate.session.lifetime == 3600 && gate.session.idleTimeout == 0 && gate.session.sameSite == .strict)
        #expect(gate.session.cookieName == "s")
        #expect(gate.replayFailure == .allow)
        #expect(gate.headerEncoding == .rfc2047)
        #expect(
            gate.identityHeaders.map(\.name)
                == ["X-Forwarded-Email", "X-Forwarded-Preferred-Username", "x-forwarded-user"])
    }

    @Test("A mistake in an operator's template is reported at `pages.directory`")
    func templates() {
        let directory = place.directory("pages")
        place.write("pages/refused.html", "<p>{{#title}}</p>")
        let loaded = place.load(minimal + "pages:\n  directory: \(directory)\n")
        #expect(loaded.errors.count == 1)
        #expect(
            loaded.errors.first?.hasPrefix("c.yaml:6:14: error: `pages.directory`: template refused, line 1: ") == true)
    }
}
