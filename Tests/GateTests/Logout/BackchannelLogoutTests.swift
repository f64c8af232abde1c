// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import HTTP1
import JWT
import Testing

/// A token with exactly these claims.
private func logoutToken(
    _ claims: [(String, JSONValue)], at now: Double = noon, secret: [UInt8] = tokenSecret
) throws -> String {
    let times: [(String, JSONValue)] = [
        ("iat", .number(JSONNumber(Int(now)))), ("exp", .number(JSONNumber(Int(now) + 120))),
    ]
    return try TokenMinter(secret: VerificationKey(secret: secret)).mint(claims: times + claims)
}

private let path = "/.sidegate/backchannel-logout"

@Suite("Back-channel logout")
struct BackchannelLogoutTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let session: [(String, JSONValue)]
        let logout: [(String, JSONValue)]
        let ends: Bool
        var claims: [ClaimRule] = ClaimRule.standard
        var testDescription: String { "\(session) ended by \(logout): \(ends)" }
    }

    static let cases: [Case] = [
        Case(session: [("sub", "1"), ("email", "a@x.com")], logout: [("sub", "1")], ends: true),
        Case(session: [("sub", "1"), ("email", "a@x.com")], logout: [("email", "a@x.com")], ends: true),
        Case(session: [("sub", "1"), ("email", "a@x.com")], logout: [("email", "A@X.Com")], ends: true),
        Case(
            session: [("sub", "1"), ("email", "a@bücher.example")], logout: [("email", "A@xn--bcher-kva.example")],
            ends: true),
        Case(
            session: [("sub", "1"), ("email", "a@xn--bcher-kva.example")], logout: [("email", "a@BÜCHER.example")],
            ends: true),
        Case(
            session: [("sub", "1"), ("email", "a@bücher.example")], logout: [("email", "a@bucher.example")], ends: false
        ),
        Case(
            session: [("sub", "1"), ("name", "ada"), ("email", "a@x.com")], logout: [("sub", "1")], ends: true,
            claims: [ClaimRule("user", ["name"]), ClaimRule("login", [], paths: [["sub"]])]),
        Case(session: [("sub", "1"), ("email", "a@x.com")], logout: [("sub", "2"), ("email", "a@x.com")], ends: true),
        Case(session: [("sub", "1"), ("email", "a@x.com")], logout: [("sub", "2")], ends: false),
        Case(session: [("sub", "1"), ("email", "a@x.com")], logout: [("sub", "a@x.com")], ends: false),
        Case(session: [("sub", "1"), ("email", "a@x.com")], logout: [("email", "b@x.com")], ends: false),
        Case(session: [("sub", "a"), ("email", "a@x.com")], logout: [("sub", "A")], ends: false),
        Case(
            session: [("sub", "1"), ("preferred_username", "ada"), ("email", "a@x.com")], logout: [("sub", "1")],
            ends: true,
            claims: [ClaimRule("user", ["preferred_username"]), ClaimRule("login", ["sub"])]),
        Case(
            session: [("sub", "1"), ("email", "a@x.com")], logout: [("email", "a@x.com")], ends: true,
            claims: [ClaimRule("user", ["email"])]),
        Case(
            session: [("sub", "1"), ("user_email", "a@x.com")], logout: [("user_email", "a@x.com")], ends: true,
            claims: [ClaimRule("user", ["user_email"]), ClaimRule("email", ["user_email"])]),
    ]

    @Test("ends the sessions that its sub or its e-mail names, and no others", arguments: cases)
    func subjects(_ example: Case) throws {
        let browser = try Browser {
            $0.provider.claims = example.claims
            $0.provider.required = []
        }
        try browser.returned(browser.get("/"), token: logoutToken(example.session))
        #expect(try browser.get("/").user != nil)
        browser.now += 1
        let provider = Browser(browser.gates[0])
        provider.now = browser.now
        let answer = try #require(
            provider.post(path, form: "logout_token=" + logoutToken(example.logout + [("jti", "l")])).answer)
        #expect(answer.status == 200)
        #expect(answer["cache-control"] == "no-store")
        #expect(answer.response.outcome == .logout)
        let outcome = try browser.get("/", "Accept: application/json")
        #expect((outcome.user == nil) == example.ends)
        #expect(outcome.answer?.reason == (example.ends ? "session_revoked" : nil))
        #expect(try browser.get("/.sidegate/session").status == (example.ends ? 401 : 200))
    }

    @Test("a session that begins afterwards is another one, also of the same second")
    func later() throws {
        let browser = try Browser()
        try signIn(browser, id: "1")
        browser.now += 0.25
        #expect(try browser.post(path, form: "logout_token=" + logoutToken([("sub", "ada")])).status == 200)
        #expect(try browser.get("/").answer?.reason == "session_revoked")
        browser.now += 0.25
        #expect(try signIn(browser, id: "2").status == 303)
        #expect(try browser.get("/").user == "ada")
        #expect(try browser.get("/").user == "ada")
    }

    @Test("what is still open for the user is closed, and what others have is not")
    func open() throws {
        let browser = try Browser()
        let gate = browser.gates[0]
        let other = Browser(gate)
        try signIn(browser, id: "1")
        try other.returned(other.get("/"), token: token("bob", id: "2"))
        let ada = try #require(try browser.identity("/"))
        let bob = try #require(try other.identity("/"))
        let bearer = try #require(try Browser(gate).identity("/", ["Authorization: Bearer \(token(id: "3"))"]))
        #expect(!gate.hasEnded(ada, now: noon) && !gate.hasEnded(bob, now: noon))
        try browser.post(path, form: "logout_token=" + logoutToken([("sub", "ada")]))
        #expect(gate.hasEnded(ada, now: noon) && !gate.hasEnded(bob, now: noon))
        #expect(gate.hasEnded(ada, now: noon), "asked again")
        #expect(!gate.hasEnded(bearer, now: noon), "no session, and over within minutes")
        let next = Gate(try configuration())
        next.takeOver(from: gate)
        #expect(next.hasEnded(ada, now: noon) && !next.hasEnded(bob, now: noon))
    }

    @Test(
        "comes as a form, in either parameter, or as the bare token",
        arguments: [
            ("application/x-www-form-urlencoded", "logout_token=TOKEN", 200),
            ("application/x-www-form-urlencoded; charset=utf-8", "a=b&logout_token=TOKEN", 200),
            ("application/x-www-form-urlencoded", "jwt=TOKEN", 200),
            ("application/jwt", "TOKEN", 200), ("application/jwt", "TOKEN\n", 200), ("text/plain", " TOKEN\r\n", 200),
            ("application/logout+jwt", "TOKEN", 200), ("TEXT/PLAIN; charset=utf-8", "TOKEN", 200),
            ("application/x-www-form-urlencoded", "", 400), ("application/x-www-form-urlencoded", "token=TOKEN", 400),
            ("application/x-www-form-urlencoded", "logout_token=TOKEN&logout_token=TOKEN", 400),
            ("application/x-www-form-urlencoded", "logout_token=TOKEN&jwt=TOKEN", 400),
            ("application/jwt", "", 400), ("application/jwt", "\n", 400), ("application/jwt", "TOKEN x", 400),
            ("application/json", #"{"logout_token":"TOKEN"}"#, 415), ("multipart/form-data", "TOKEN", 415),
        ])
    func forms(_ type: String, _ body: String, _ status: Int) throws {
        let browser = try Browser()
        let body = body.replacing("TOKEN", with: try logoutToken([("sub", "ada")]))
        let answer = try #require(
            browser.send(
                "POST", path, ["Content-Type: \(type)", "Content-Length: \(body.utf8.count)"], form: body
            ).answer)
        #expect(Int(answer.status) == status)
        #expect(browser.revocations.count == (status == 200 ? 1 : 0))
        if status == 400 { #expect(answer.body.hasPrefix(#"{"error":"invalid_request","error_description":"token_"#)) }
    }

    @Test("is nothing but a POST")
    func methods() throws {
        let browser = try Browser()
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
            let answer = try #require(
                browser.send(method, path + "?logout_token=" + logoutToken([("sub", "ada")]), ["Content-Length: 0"])
                    .answer)
            #expect(answer.status == 405 && answer["allow"] == "POST")
        }
        #expect(try browser.send("POST", path + "?logout_token=x", ["Content-Length: 0"]).status == 415)
    }

    @Test("a token that would not sign in for its own faults does not sign out either")
    func refused() throws {
        let browser = try Browser()
        try signIn(browser, id: "s")
        let cases: [(String, String)] = [
            ("x", "token_malformed"),
            (try logoutToken([("sub", "ada")], secret: RemoteKeyTests.newSecret), "signature_invalid"),
            (try logoutToken([("sub", "ada")], at: noon - 900), "expired"),
            (try logoutToken([("sub", "ada")], at: noon + 900), "issued_in_future"),
            (try logoutToken([("sub", "ada"), ("aud", "another")]), "audience_mismatch"),
            (try logoutToken([("sub", "ada"), ("nonce", "n")]), "claims_malformed"),
            (try logoutToken([("sub", "ada"), ("nonce", nil)]), "claims_malformed"),
            (try logoutToken([]), "field_missing"), (try logoutToken([("sub", ""), ("name", "ada")]), "field_missing"),
            (try logoutToken([("email", "a@b@c")]), "field_invalid"),
            (try logoutToken([("email", "a@b.c"), ("sub", "a\nb")]), "field_invalid"),
            (
                try logoutToken([("email", "a@b.c"), ("sub", .string(String(repeating: "a", count: 1025)))]),
                "field_invalid"
            ),
        ]
        for (jwt, reason) in cases {
            let answer = try #require(browser.post(path, form: "logout_token=" + jwt).answer)
            #expect(answer.status == 400)
            #expect(answer.reason == reason)
            #expect(answer.body == #"{"error":"invalid_request","error_description":"\#(reason)"}"# + "\n")
        }
        #expect(try browser.get("/").user == "ada")
    }

    @Test("each token ends sessions once")
    func replayed() throws {
        let browser = try Browser()
        let jwt = try logoutToken([("sub", "ada")])
        #expect(try browser.post(path, form: "logout_token=" + jwt).status == 200)
        #expect(try browser.post(path, form: "logout_token=" + jwt).answer?.reason == "replayed")
        // And one that has signed in does not sign out.
        browser.now += 1
        let signIn = try token(at: browser.now, id: "1")
        try browser.returned(browser.get("/"), token: signIn)
        #expect(try browser.post(path, form: "logout_token=" + signIn).answer?.reason == "replayed")
        #expect(try browser.get("/").user == "ada")
    }

    @Test("without the replay store's word, the sessions end all the same")
    func storeDown() throws {
        let gate = Gate(try configuration())
        let browser = Browser(gate)
        try signIn(browser)
        let provider = Browser(gate, store: MemoryReplayStore(capacity: 0))
        #expect(try provider.post(path, form: "logout_token=" + logoutToken([("sub", "ada")])).status == 200)
        #expect(try browser.get("/").answer?.reason == "session_revoked")
    }

    @Test("a key that is not known yet is fetched for it")
    func keys() throws {
        let browser = try Browser { $0.provider.hasRemoteKeys = true }
        browser.fetchKeys = { gate in
            gate.replaceKeys(KeySet(keys: [try VerificationKey(secret: RemoteKeyTests.newSecret)]))
        }
        let jwt = try logoutToken([("sub", "ada")], secret: RemoteKeyTests.newSecret)
        #expect(try browser.post(path, form: "logout_token=" + jwt).status == 200)
    }

    @Test("a logout token signs nobody in, by the return path or as a bearer token")
    func noSignIn() throws {
        let events: JSONValue = ["http://schemas.openid.net/event/backchannel-logout": [:]]
        let jwt = try token(id: "1", [("events", events)])
        let browser = try Browser()
        #expect(try browser.returned(browser.get("/"), token: jwt).answer?.reason == "claims_malformed")
        #expect(try browser.get("/", "Authorization: Bearer \(jwt)").answer?.reason == "claims_malformed")
        #expect(try browser.post(path, form: "logout_token=" + jwt).status == 200)
        #expect(try signIn(browser, ("events", ["another": [:]]), id: "2").status == 303)
    }

    @Test("revocations are bounded, expire with the sessions they ended, and say when there is no room")
    func bounded() throws {
        let gate = Gate(try configuration())
        func revoke(_ name: String, at now: Double, lifetime: Double = 100) -> Bool {
            gate.revoke(
                Revocation(
                    subjects: [Array("s:\(name)".utf8)], revokedAt: now, expiresAt: now + lifetime, user: name),
                now: ClockReading(wall: now, monotonic: now))
        }
        for number in 0..<65_536 { #expect(revoke("user\(number)", at: noon)) }
        #expect(!revoke("one too many", at: noon + 99))
        #expect(revoke("user7", at: noon + 99), "which is there already")
        #expect(revoke("in time", at: noon + 100))
        let browser = Browser(gate)
        try browser.returned(browser.get("/"), token: token("user7", id: "1"))
        #expect(try browser.get("/").answer?.reason == "session_revoked", "kept for the later one's time")
    }

    @Test("an identity provider gets 503 when there was no room")
    func noRoom() throws {
        let gate = Gate(try configuration())
        let revocation = Revocation(subjects: [], revokedAt: 0, expiresAt: 0, user: "ada")
        let question = Question.revoke(PendingRevocation(revocation, LocalResponse(status: 200)))
        var request = AccessRequest()
        guard case .done(.respond(let answer)) = gate.resume(&request, question, with: .revoke(false)) else {
            Issue.record("no response")
            return
        }
        #expect(answer.status == 503)
        #expect(String(decoding: answer.fieldBlock, as: UTF8.self).contains("Retry-After: 60\r\n"))
    }
}

@Suite("Logout tokens")
struct LogoutTokenTests {
    private func browser(_ url: String, minter: Bool = true) throws -> Browser {
        try Browser {
            $0.provider.logoutURL = try .logout(url)
            if minter { $0.provider.logoutTokenMinter = try TokenMinter(secret: VerificationKey(secret: tokenSecret)) }
        }
    }

    @Test("iSpring: the logout URL gets a signed token with the e-mail, good for a minute, and it signs nobody in")
    func minted() throws {
        let browser = try browser("https://idp.example/logout?jwt={logoutToken}&to={returnTo}")
        try browser.signIn()
        browser.now += 100.5
        let answer = try #require(browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"]).answer)
        let location = answer.location
        #expect(location.hasPrefix("https://idp.example/logout?jwt=ey"))
        #expect(location.hasSuffix("&to=https%3A%2F%2Fapp.example.com%2F"))
        let jwt = String(location.split(separator: "jwt=")[1].prefix { $0 != "&" })
        let text = Array(jwt.utf8)
        let verifier = TokenVerifier(
            policy: TokenPolicy(requireExpiry: true, minimumIDLength: 32),
            keys: KeySet(keys: [try VerificationKey(secret: tokenSecret)]))
        let claims = try verifier.verify(text.span, now: browser.now).claims
        #expect(claims["email"] == "ada@example.com")
        #expect(claims["sub"] == "ada")
        #expect(claims["iat"] == .number(JSONNumber(Int(noon) + 100)))
        #expect(claims["exp"] == .number(JSONNumber(Int(noon) + 160)))
        #expect(try browser.returned(browser.get("/"), token: jwt).answer?.reason == "claims_malformed")
        // The provider may hand it on to sign the user out everywhere.
        #expect(try browser.post("/.sidegate/backchannel-logout", form: "logout_token=" + jwt).status == 200)

        try browser.returned(browser.get("/.sidegate/login"), token: token(at: browser.now, id: "again"))
        let second = try #require(browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"]).answer)
        #expect(second.location != location)
    }

    @Test(
        "without a session there is no token, and no parameter for it",
        arguments: [
            ("https://idp.example/out?jwt={logoutToken}", "https://idp.example/out"),
            ("https://idp.example/out?jwt={logoutToken}&a=b", "https://idp.example/out?a=b"),
            ("https://idp.example/out?a=b&jwt={logoutToken}", "https://idp.example/out?a=b"),
            ("https://idp.example/out?a=b&jwt={logoutToken}&c=d", "https://idp.example/out?a=b&c=d"),
            ("https://idp.example/out?jwt={logoutToken}#end", "https://idp.example/out#end"),
            ("https://idp.example/out?jwt={logoutToken}&m={email}", "https://idp.example/out?m="),
            ("https://idp.example/out?m={email}&jwt={logoutToken}", "https://idp.example/out?m="),
            ("https://idp.example/out/{logoutToken}", "https://idp.example/out/"),
            ("https://idp.example/out?x=a{logoutToken}", "https://idp.example/out?x=a"),
            ("https://idp.example/out?x={logoutToken}b", "https://idp.example/out?x=b"),
            ("https://idp.example/out#jwt={logoutToken}", "https://idp.example/out#jwt="),
        ])
    func noSession(_ url: String, _ location: String) throws {
        let browser = try browser(url)
        let answer = try #require(browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"]).answer)
        #expect(answer.location == location)
        let unsigned = try self.browser(url, minter: false)
        try unsigned.signIn()
        #expect(
            try unsigned.send("POST", "/.sidegate/logout", ["Content-Length: 0"]).answer?.location
                == location.replacing("m=", with: "m=ada%40example.com"))
    }

    @Test("the placeholder is for the logout URL alone")
    func placeholder() throws {
        #expect(throws: GateConfigurationError.self) { try URLTemplate.login("https://idp.example/?t={logoutToken}") }
        #expect(try URLTemplate.logout("https://idp.example/?t={logoutToken}").carriesLogoutToken)
        #expect(try !URLTemplate.logout("https://idp.example/?t={returnTo}").carriesLogoutToken)
        #expect(try URLTemplate.login("https://idp.example/?t={returnTo}").carriesReturnTo)
    }
}
