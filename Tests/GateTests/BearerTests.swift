// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import JWT
import Testing

@Suite("Bearer tokens")
struct BearerTests {
    @Test("a valid one forwards with identity headers, again and again, sets no cookie and stays here")
    func valid() throws {
        let browser = try Browser()
        let jwt = try token()
        for scheme in ["Bearer", "bearer", "BEARER "] {
            let outcome = try browser.get("/api", "Authorization: \(scheme) \(jwt)", "Accept: application/json")
            #expect(outcome.user == "ada")
            #expect(outcome.head?.contains("X-Forwarded-User: ada") == true)
            #expect(outcome.head?.contains(jwt) == false)
        }
        #expect(browser.jar.isEmpty)
        // It did not use the token up, nor did signing in spoil it.
        #expect(try browser.returned(browser.get("/"), token: jwt).status == 303)
        browser.jar = []
        #expect(try browser.send("POST", "/api", ["Authorization: Bearer \(jwt)", "Content-Length: 0"]).user == "ada")
    }

    @Test("an invalid one is 401 with its reason, whatever asks")
    func invalid() throws {
        let good = try token()
        for (value, reason) in [
            ("Bearer x", "token_malformed"), ("Bearer \(good)x", "signature_invalid"), ("Bearer ", nil),
            ("Basic eA==", nil),
            ("Bearer " + (try token(at: noon - 900)), "expired"), ("Bearer " + (try token(email: "")), "field_missing"),
        ] as [(String, String?)] {
            for accept in ["text/html", "application/json"] {
                let answer = try #require(Browser().get("/", "Authorization: \(value)", "Accept: \(accept)").answer)
                guard let reason else {
                    #expect(answer.status == (accept == "text/html" ? 302 : 401))
                    continue
                }
                #expect(answer.status == 401)
                #expect(answer["www-authenticate"] == "Bearer error=\"invalid_token\", error_description=\"\(reason)\"")
                #expect(answer.body.contains("\"error_description\":\"\(reason)\""))
                #expect(answer.reason == reason)
            }
        }
    }

    @Test("CVE-2020-25017: of two, none is taken")
    func twice() throws {
        let jwt = try token()
        let outcome = try Browser().get("/", "Authorization: Bearer \(jwt)", "Authorization: Bearer \(jwt)")
        #expect(outcome.answer?.reason == "token_malformed")
        #expect(try Browser().get("/", "Authorization: Basic eA==", "Authorization: Bearer \(jwt)").status == 401)
    }

    @Test("CVE-2026-33496: a kept verdict ends with the token, and is that token's alone")
    func cache() throws {
        let browser = try Browser()
        let jwt = try token()
        for (later, isGood) in [
            (0.0, true), (100, true), (359, true), (360, false), (299, true), (-61, false), (0, true),
        ] {
            browser.now = noon + later
            #expect((try browser.get("/", "Authorization: Bearer \(jwt)").user == "ada") == isGood, "\(later)")
        }
        var changed = Array(jwt.utf8)
        changed[40] ^= 1
        #expect(try browser.get("/", "Authorization: Bearer " + String(decoding: changed, as: UTF8.self)).status == 401)
    }

    @Test("a session goes before it, and then the app's own Authorization passes")
    func withSession() throws {
        let browser = try Browser()
        try browser.signIn()
        let outcome = try browser.get("/", "Authorization: Bearer the-apps-own")
        #expect(outcome.user == "ada")
        #expect(outcome.head?.contains("Authorization: Bearer the-apps-own") == true)
    }

    @Test("off, it is nothing to us")
    func off() throws {
        let browser = try Browser { $0.bearer = false }
        #expect(try browser.get("/", "Authorization: Bearer " + token()).status == 302)
    }
}

@Suite("Fields of a user")
struct FieldTests {
    private func reason(_ claims: [(String, JSONValue)], _ change: (inout GateConfiguration) throws -> Void = { _ in })
        throws -> String?
    {
        let all: [(String, JSONValue)] = [("iat", .number(JSONNumber(Int(noon))))] + claims
        let jwt = try TokenMinter(secret: VerificationKey(secret: tokenSecret)).mint(claims: all)
        let browser = try Browser(change)
        let answer = try browser.returned(browser.get("/"), token: jwt).answer
        guard answer?.status == 303 else { return answer?.reason }
        return try browser.get("/.sidegate/session").answer?.body
    }

    @Test(
        "CVE-2026-40574: an e-mail has exactly one @, and nothing that another reader takes apart",
        arguments: [
            "ada", "@", "ada@", "@example.com", "ada@evil.example@example.com", "ada@@example.com",
            "ada@example.com,eve@example.com",
            "ada@example.com;x", "<ada@example.com>", "Ada <ada@example.com>", "\"ada\"@example.com",
            "ada @example.com", " ada@example.com",
            "ada@example.com ", "ada@example.com\n", "ada\t@example.com", "ada@example.com\u{0}", "ada@exa(x)mple.com",
            "ada@example.com\u{2028}",
            "ada@" + String(repeating: "a", count: 400) + ".com",
        ])
    func badEmails(_ email: String) throws {
        #expect(try reason([("sub", "ada"), ("email", .string(email))]) == "field_invalid")
    }

    @Test(
        "values that would mislead headers, logs or pages are refused",
        arguments: [
            "a\nb", "a\r\nX: y", "\u{7f}", "a\u{85}b", "a\u{9f}", " a", "a ", "\u{a0}a", "a\u{202e}b", "\u{feff}a",
            "a\u{0}",
            String(repeating: "a", count: 1025),
        ])
    func badValues(_ value: String) throws {
        #expect(try reason([("sub", .string(value)), ("email", "a@example.com")]) == "field_invalid")
        #expect(
            try reason([("sub", "a"), ("email", "a@example.com"), ("groups", ["x", .string(value)])]) == "field_invalid"
        )
    }

    @Test("come from the first claim that is present, as texts")
    func matching() throws {
        let body =
            try reason([
                ("preferred_username", "zoë"), ("email", "zoe@example.com"), ("sub", ""), ("roles", "a, b ,,c"),
                ("site_access", [1, 22]),
                ("guest", true),
            ]) ?? ""
        #expect(
            body.hasPrefix(
                #"{"user":"zoë","fields":{"user":"zoë","email":"zoe@example.com","preferredUsername":"zoë","#
                    + #""groups":["a","b","c"],"sites":["1","22"],"guest":"true"},"#))
        let own =
            try reason([("sub", "a"), ("email", "a@example.com"), ("team", "x, y"), ("nested", "z")]) {
                $0.claims = FieldMatch.standard + [FieldMatch("team", ["squad", "team"])]
            } ?? ""
        #expect(own.contains(#""team":"x, y""#))
    }

    @Test("that are required and absent, or of no use, are named")
    func missing() throws {
        #expect(try reason([("sub", "ada")]) == "field_missing")
        #expect(try reason([("name", "ada")]) { $0.required = [] } == "field_missing")
        #expect(try reason([("sub", "ada")]) { $0.required = [] }?.hasPrefix("{\"user\":\"ada\"") == true)
        #expect(try reason([("sub", ["a": 1]), ("email", "a@example.com")]) == "field_invalid")
        #expect(try reason([("sub", [["a"]]), ("email", "a@example.com")]) == "field_invalid")
        #expect(try reason([("sub", nil), ("email", "a@example.com")])?.hasPrefix(#"{"user":"a@example.com""#) == true)
        #expect(try reason([("sub", "a"), ("email", ["a@example.com", "b@example.com"])]) == "field_invalid")
    }
}
