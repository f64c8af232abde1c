// SPDX-License-Identifier: Apache-2.0

import Decisions
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
        #expect(try browser.send("POST", "/api", ["Authorization: Bearer \(jwt)", "Content-Length: 0"]).user == "ada")
        #expect(try browser.returned(browser.get("/"), token: jwt).status == 303)
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
        let browser = try Browser { $0.provider.bearer = false }
        #expect(try browser.get("/", "Authorization: Bearer " + token()).status == 302)
    }
}

@Suite("A token that signed in, as bearer")
struct SpentBearerTests {
    private func bearer(_ browser: Browser, _ jwt: String, _ path: String = "/api", _ more: String...) throws -> Outcome
    {
        let jar = browser.jar
        defer { browser.jar = jar }
        browser.jar = []
        return try browser.send("GET", path, ["Authorization: Bearer \(jwt)"] + more)
    }

    /// Through the sign-in, by the return path.
    private func spend(_ browser: Browser, _ jwt: String) throws {
        #expect(try browser.returned(browser.get("/.sidegate/login"), token: jwt).status == 303)
    }

    @Test("is refused at once, known or not, on every loop, and after logout")
    func refused() throws {
        let random = Sequence()
        let (first, second) = (Gate(try configuration(), random: random.bytes), Gate(try configuration()))
        let browser = Browser(first)
        let jwt = try token()
        for gate in [first, second] {
            browser.gates = [gate]
            #expect(try bearer(browser, jwt).user == "ada")
        }
        browser.gates = [first, second]
        // One loop handles the sign-in, both forget.
        let url = browser.returnURL(try browser.get("/")) + "&jwt=" + jwt
        #expect(try browser.get(url).status == 303)
        for gate in [first, second] {
            browser.gates = [gate]
            let answer = try #require(bearer(browser, jwt).answer)
            #expect(answer.status == 401)
            #expect(answer["www-authenticate"] == "Bearer error=\"invalid_token\", error_description=\"replayed\"")
            #expect(answer.reason == "replayed")
        }
        browser.gates = [first]
        #expect(try browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"]).status == 200)
        #expect(try bearer(browser, jwt).answer?.reason == "replayed")
        // Never seen as bearer before.
        let other = try token("bob")
        try spend(browser, other)
        #expect(try bearer(browser, other).answer?.reason == "replayed")
    }

    @Test("is refused while a page asks whether to sign in")
    func asked() throws {
        let browser = try Browser()
        let jwt = try token()
        #expect(try browser.get("/.sidegate/callback?jwt=" + jwt).status == 200)
        #expect(try bearer(browser, jwt).answer?.reason == "replayed")
    }

    @Test("another token with its identifier is refused as well, where identifiers count")
    func byID() throws {
        let browser = try Browser {
            $0.provider.tokenPolicy = TokenPolicy(minimumIDLength: 4)
        }
        let jwt = try token(id: "the same")
        let twin = try token(email: "other@example.com", id: "the same")
        #expect(try bearer(browser, twin).user == "ada")
        try spend(browser, jwt)
        #expect(try bearer(browser, twin).answer?.reason == "replayed")
    }

    @Test("a verdict holds a minute by the monotonic clock, then the store is asked again")
    func minute() throws {
        let browser = try Browser()
        browser.monotonic = 1000
        let jwt = try token()
        for (later, jump, questions) in [
            (0.0, 0.0, 1), (59.9, 0, 1), (60, 0, 2), (61, -30, 3), (62, -30, 3), (119, 100, 3), (121, 100, 4),
        ] {
            browser.now = noon + later + jump
            browser.monotonic = 1000 + later
            #expect(try bearer(browser, jwt).user == "ada", "\(later)")
            #expect(browser.tokenQuestions == questions, "\(later)")
        }
        // Elsewhere: another process signs in with it.
        #expect(
            browser.store.consume(
                try keys(browser, jwt), for: Retention(until: noon + 600, now: noon),
                now: ClockReading(wall: noon, monotonic: 1000)) == .fresh)
        browser.now = noon + 280
        browser.monotonic = 1180
        #expect(try bearer(browser, jwt).user == "ada")
        browser.monotonic = 1181
        #expect(try bearer(browser, jwt).answer?.reason == "replayed")
    }

    /// What stands for a token in the store.
    private func keys(_ browser: Browser, _ jwt: String) throws -> [[UInt8]] {
        let request = try RequestHead(
            parsing: "GET /.sidegate/callback?jwt=\(jwt) HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
        guard case .ask(.consumeToken(let pending)) = browser.gates[0].decide(request, browser.context) else {
            return []
        }
        return pending.replayKeys.names
    }

    @Test("an outage: what was known goes on, what was not follows replay.onFailure", arguments: [true, false])
    func outage(allows: Bool) throws {
        let browser = try Browser { $0.replayFailure = allows ? .allow : .deny }
        let known = try token("ada")
        #expect(try bearer(browser, known).user == "ada")
        browser.isStoreAway = true
        let other = try token("bob")
        for later in [30.0, 90, 95, 200] {
            browser.now = noon + later
            #expect(try bearer(browser, known).user == "ada", "\(later)")
            let outcome = try bearer(browser, other)
            if allows {
                #expect(outcome.user == "bob")
                continue
            }
            let answer = try #require(outcome.answer)
            #expect(answer.status == 503)
            #expect(answer["retry-after"] == "2")
            #expect(answer.reason == "replay_store_unavailable")
            let grpc = try bearer(browser, other, "/s/M", "Content-Type: application/grpc").answer
            #expect(grpc?["grpc-status"] == "14")
        }
        // Not each request waits for the store.
        let questions = browser.tokenQuestions
        #expect(try bearer(browser, known).user == "ada")
        #expect(browser.tokenQuestions == questions)
        // Other keys: verified again, and still known.
        browser.gates[0].replaceKeys(KeySet(keys: [try VerificationKey(secret: tokenSecret)]))
        #expect(try bearer(browser, known).user == "ada")
        browser.gates[0].replaceKeys(
            KeySet(keys: [try VerificationKey(secret: Array("another secret for tokens, 32 b.".utf8))]))
        #expect(try bearer(browser, known).answer?.reason == "signature_invalid")
        guard allows else { return }
        browser.gates[0].replaceKeys(KeySet(keys: [try VerificationKey(secret: tokenSecret)]))
        try spend(browser, known)
        browser.isStoreAway = false
    }

    @Test("an answer that a sign-in has overtaken counts for its request alone")
    func overtaken() throws {
        let browser = try Browser()
        let gate = browser.gates[0]
        let jwt = try token()
        let request = try RequestHead(
            parsing: "GET / HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: Bearer \(jwt)\r\n\r\n")
        var access = AccessRequest(request, browser.context)
        guard case .ask(let question) = gate.decide(&access), case .checkToken = question else {
            Issue.record("not asked")
            return
        }
        try spend(browser, jwt)
        guard case .done(.forward) = gate.resume(&access, question, with: .checkToken(.unused)) else {
            Issue.record("the answer was for this request")
            return
        }
        #expect(try bearer(browser, jwt).answer?.reason == "replayed")
    }

    @Test("an outage: what another loop has asked about is valid here too, for as long as any other")
    func askedElsewhere() throws {
        let browser = try Browser()
        let gate = browser.gates[0]
        let jwt = try token()
        let request = try RequestHead(
            parsing: "GET / HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: Bearer \(jwt)\r\n\r\n")
        for isSpent in [false, true] {
            var access = AccessRequest(request, browser.context)
            guard case .ask(let question) = gate.decide(&access), case .checkToken(let token) = question else {
                Issue.record("not asked")
                return
            }
            // Until no gate accepts it any more, with the clock skew.
            #expect(token.expiresAt == noon + 360)
            if isSpent { try spend(browser, jwt) }
            switch gate.resume(&access, question, with: .checkToken(.lastKnownUnused)) {
            case .done(.forward): #expect(!isSpent)
            case .done(.respond(let response)): #expect(isSpent && response.reason == .replayStoreUnavailable)
            default: Issue.record("neither accepted nor refused")
            }
            // Not each request waits for the store, and yet it is soon asked again.
            browser.now += 6
            browser.context.now = browser.now
            browser.context.monotonic = browser.now
        }
    }

    @Test("with singleUse off nothing is asked")
    func notSingleUse() throws {
        let browser = try Browser { $0.provider.singleUse = false }
        let jwt = try token()
        try spend(browser, jwt)
        #expect(try bearer(browser, jwt).user == "ada")
        #expect(browser.tokenQuestions == 0)
    }

    @Test("on open paths it is nobody's, and stays here; on closed ones it names nobody")
    func rules() throws {
        let browser = try RuledGateTests.browser()
        let jwt = try token()
        #expect(try bearer(browser, jwt, "/public/a").user == "ada")
        try spend(browser, jwt)
        let open = try bearer(browser, jwt, "/public/a")
        #expect(open.head != nil && open.user == "")
        #expect(open.head?.contains(jwt) == false)
        #expect(open.head?.contains("X-Forwarded-User") == false)
        let closed = try bearer(browser, jwt, "/internal/a").answer
        #expect(closed?.status == 403)
        #expect(closed?.body.contains("ada") == false)
    }

    @Test("in forward-auth, and where rules are only observed")
    func otherModes() throws {
        let proxied = try Browser()
        proxied.context.isTrustedPeer = true
        let jwt = try token()
        let about = ["X-Original-URL: https://app.example.com/deep", "X-Original-Method: GET"]
        #expect(try bearer(proxied, jwt, "/.sidegate/auth", about[0], about[1]).status == 202)
        try spend(proxied, jwt)
        let refused = try bearer(proxied, jwt, "/.sidegate/auth", about[0], about[1]).answer
        #expect(refused?.status == 401)
        #expect(refused?.reason == "replayed")
        let observed = try Browser { $0.access.mode = .observe }
        try spend(observed, jwt)
        let passed = try bearer(observed, jwt)
        #expect(passed.user == "" && passed.head?.contains(jwt) == false)
        #expect(observed.observations.last?.reason == .replayed)
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
        // Groups with blanks at their ends are none.
        let isBlankEnded = [" a", "a ", "\u{a0}a"].contains(value)
        let answer = try reason([("sub", "a"), ("email", "a@example.com"), ("groups", ["x", .string(value)])])
        #expect(isBlankEnded ? answer?.contains(#""groups":["x"]"#) == true : answer == "field_invalid")
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
                $0.provider.claims = ClaimRule.standard + [ClaimRule("team", ["squad", "team"])]
            } ?? ""
        #expect(own.contains(#""team":"x, y""#))
    }

    @Test("that are required and absent, or of no use, are named")
    func missing() throws {
        #expect(try reason([("sub", "ada")]) == "field_missing")
        #expect(try reason([("name", "ada")]) { $0.provider.required = [] } == "field_missing")
        #expect(try reason([("sub", "ada")]) { $0.provider.required = [] }?.hasPrefix("{\"user\":\"ada\"") == true)
        #expect(try reason([("sub", ["a": 1]), ("email", "a@example.com")]) == "field_invalid")
        #expect(try reason([("sub", [["a"]]), ("email", "a@example.com")]) == "field_invalid")
        #expect(try reason([("sub", nil), ("email", "a@example.com")])?.hasPrefix(#"{"user":"a@example.com""#) == true)
        #expect(try reason([("sub", "a"), ("email", ["a@example.com", "b@example.com"])]) == "field_invalid")
    }
}
