// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Testing

struct RefusedReturn: Sendable, CustomTestStringConvertible {
    let reason: String
    let status: Int
    let announcesIssuer: Bool
    let showsCode: Bool
    let asksProvider: Bool
    let returned: @Sendable (OpenIDStage, Outcome) throws -> Outcome
    let testDescription: String

    init(
        _ reason: String, _ status: Int = 403, _ description: String, announcesIssuer: Bool = false,
        showsCode: Bool = false, asksProvider: Bool = false,
        _ returned: @escaping @Sendable (OpenIDStage, Outcome) throws -> Outcome
    ) {
        (self.reason, self.status, testDescription, self.returned) = (reason, status, description, returned)
        (self.announcesIssuer, self.showsCode, self.asksProvider) = (announcesIssuer, showsCode, asksProvider)
    }
}

private func claim(_ name: String, _ value: JSONValue) -> @Sendable (OpenIDStage, Outcome) throws -> Outcome {
    { stage, redirect in
        stage.claims = [(name, value)]
        return try stage.returned(redirect)
    }
}

@Suite("Refused sign-ins by OpenID Connect")
struct OpenIDRefusalTests {
    static let cases: [RefusedReturn] = [
        RefusedReturn("login_state_missing", 403, "no state") { stage, _ in
            try stage.browser.get("/.sidegate/callback?code=c")
        },
        RefusedReturn("login_state_missing", 403, "another state") { stage, _ in
            try stage.browser.get("/.sidegate/callback?code=c&state=n0000000000000000000000000000")
        },
        RefusedReturn("login_state_missing", 403, "the state of another browser") { stage, redirect in
            let victim = Browser(stage.browser.gates[0])
            return try victim.get("/.sidegate/callback?code=c&state=\(stage.state(redirect))")
        },
        RefusedReturn("login_state_expired", 403, "a late return") { stage, redirect in
            stage.browser.now += 601
            return try stage.returned(redirect)
        },
        RefusedReturn("token_missing", 400, "neither code nor error") { stage, redirect in
            try stage.browser.get("/.sidegate/callback?state=\(stage.state(redirect))")
        },
        RefusedReturn("token_malformed", 400, "two codes") { stage, redirect in
            try stage.returned(redirect, more: "&code=d")
        },
        RefusedReturn("token_malformed", 400, "two states") { stage, redirect in
            try stage.returned(redirect, more: "&state=d")
        },
        RefusedReturn("token_malformed", 400, "a code that is none") { stage, redirect in
            try stage.returned(redirect, code: "a%0d%0ab")
        },
        RefusedReturn("token_malformed", 400, "a very long code") { stage, redirect in
            try stage.returned(redirect, code: String(repeating: "c", count: 8193))
        },
        RefusedReturn("issuer_mismatch", 403, "RFC 9700 §4.4: another issuer") { stage, redirect in
            try stage.returned(redirect, more: "&iss=https%3A%2F%2Fevil.example")
        },
        RefusedReturn("issuer_mismatch", 403, "the same issuer with a slash") { stage, redirect in
            try stage.returned(redirect, more: "&iss=https%3A%2F%2Fidp.example%2F")
        },
        RefusedReturn("issuer_mismatch", 403, "an announced issuer that is missing", announcesIssuer: true) {
            stage, redirect in
            try stage.returned(redirect)
        },
        RefusedReturn("issuer_mismatch", 403, "an error of another issuer") { stage, redirect in
            try stage.browser.get(
                "/.sidegate/callback?error=access_denied&iss=https://evil&state=\(stage.state(redirect))")
        },
        RefusedReturn("provider_error", 403, "an error", showsCode: true) { stage, redirect in
            try stage.browser.get(
                "/.sidegate/callback?error=access_denied&error_description=secret+words&state=\(stage.state(redirect))")
        },
        RefusedReturn("provider_error", 403, "an error with a code") { stage, redirect in
            try stage.browser.get(
                "/.sidegate/callback?code=c&error=a%20b%3Cscript%3E&state=\(stage.state(redirect))")
        },
        RefusedReturn("provider_error", 403, "an error that answers no attempt") { stage, _ in
            try stage.browser.get("/.sidegate/callback?error=access_denied&error_description=secret+words&state=x")
        },
        RefusedReturn("code_exchange_failed", 403, "the token endpoint refuses", asksProvider: true) {
            stage, redirect in
            stage.result = .refused(detail: "invalid_grant")
            return try stage.returned(redirect)
        },
        RefusedReturn("provider_unavailable", 503, "the token endpoint is away", asksProvider: true) {
            stage, redirect in
            stage.result = .unavailable(detail: "Connection refused")
            return try stage.returned(redirect)
        },
        RefusedReturn("nonce_mismatch", 403, "another nonce", asksProvider: true, claim("nonce", "other")),
        RefusedReturn("nonce_mismatch", 403, "no nonce", asksProvider: true, claim("nonce", .null)),
        RefusedReturn("nonce_mismatch", 403, "the nonce of another attempt", asksProvider: true) { stage, redirect in
            let first = try stage.browser.get("/other")
            let state = stage.state(redirect)
            _ = stage.state(first)
            return try stage.browser.get("/.sidegate/callback?code=c&state=\(state)")
        },
        RefusedReturn("audience_mismatch", 403, "another client's token", asksProvider: true, claim("aud", "other")),
        RefusedReturn("audience_mismatch", 403, "requested by another", asksProvider: true, claim("azp", "other")),
        RefusedReturn(
            "issuer_mismatch", 403, "another provider's token", asksProvider: true, claim("iss", "https://evil")),
        RefusedReturn(
            "code_exchange_failed", 403, "another access token", asksProvider: true, claim("at_hash", "AAAA")),
        RefusedReturn("claims_malformed", 403, "no sub", asksProvider: true, claim("sub", .null)),
        RefusedReturn("expired", 403, "an old token", asksProvider: true, claim("exp", 1_000_000)),
        RefusedReturn("expiry_missing", 403, "no exp", asksProvider: true, claim("exp", .null)),
        RefusedReturn(
            "field_missing", 403, "an unverified address", asksProvider: true, claim("email_verified", .bool(false))),
        RefusedReturn("field_missing", 403, "the same as text", asksProvider: true, claim("email_verified", "false")),
        RefusedReturn("code_exchange_failed", 403, "user information about another", asksProvider: true) {
            stage, redirect in
            stage.userInfo = #"{"sub":"bob","email":"bob@example.com"}"#
            return try stage.returned(redirect)
        },
        RefusedReturn("code_exchange_failed", 403, "user information about nobody", asksProvider: true) {
            stage, redirect in
            stage.userInfo = #"{"email":"bob@example.com"}"#
            return try stage.returned(redirect)
        },
        RefusedReturn("code_exchange_failed", 403, "no user information", asksProvider: true) { stage, redirect in
            stage.userInfo = "eyJ.eyJ.x"
            return try stage.returned(redirect)
        },
    ]

    @Test("each refusal has its reason, and no session", arguments: cases)
    func refusals(test: RefusedReturn) throws {
        // Whatever `initiated` says.
        let stage = try OpenIDStage(announcesIssuer: test.announcesIssuer) { _, gate in gate.provider.initiated = .allow
        }
        let redirect = try stage.browser.get("/page")
        let answer = try #require(test.returned(stage, redirect).answer)
        #expect(answer.reason == test.reason)
        #expect(Int(answer.status) == test.status)
        #expect(answer.body.contains("access_denied") == test.showsCode)
        #expect(!answer.body.contains("secret words") && !answer.body.contains("<script"))
        let detail = try #require(answer.response.detail)
        #expect(!detail.contains("secret words"))
        // What the token endpoint refuses is described where it is called.
        if stage.result == nil { #expect(detail.contains("fix: "), "\(detail)") }
        // Settings of ?jwt= providers, which have no effect here.
        for setting in [
            "identityProvider.initiated", "tokenParameter", "token.issuer", "token.audience", "token.keys", "Aliases",
            "requireExpiry", "requireState",
        ] {
            #expect(!answer.body.contains(setting) && !detail.contains(setting), "\(answer.body)")
        }
        #expect(stage.exchanges.isEmpty != test.asksProvider)
        #expect(try stage.browser.get("/").status == 302)
        for token in stage.idTokens {
            #expect(!answer.body.contains(token) && answer.response.detail?.contains(token) != true)
        }
    }
}
