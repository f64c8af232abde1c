// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Testing

@Suite("Logout with OpenID Connect")
struct OpenIDLogoutTests {
    private static let path = "/.sidegate/backchannel-logout"
    private static let event: (String, JSONValue) = (
        "events",
        .object(
            JSONObject([("http://schemas.openid.net/event/backchannel-logout", JSONValue.object(JSONObject()))]))
    )

    private static func logoutToken(_ claims: [(String, JSONValue)]) throws -> String {
        let usual: [(String, JSONValue)] = [
            ("iss", .string(OpenIDStage.issuer)), ("aud", "app"), ("iat", .number(JSONNumber(Int(noon)))),
            ("jti", "l"), event,
        ]
        var members = usual
        for (name, value) in claims {
            members.removeAll { $0.0 == name }
            if !value.isNull { members.append((name, value)) }
        }
        return try TokenMinter(secret: VerificationKey(secret: tokenSecret)).mint(claims: members)
    }

    @Test("leads to the provider's end of session, with the client and the one address to return to")
    func endOfSession() throws {
        let stage = try OpenIDStage()
        try stage.signIn()
        let answer = try #require(
            stage.browser.post("/.sidegate/logout?return_to=/page", form: "", "Sec-Fetch-Site: same-origin").answer)
        #expect(answer.status == 303)
        #expect(
            answer.location
                == "https://idp.example/end?a=b&client_id=app"
                + "&post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2F.sidegate%2Fsigned-out")
        #expect(try stage.browser.get("/").status == 302)
        let page = try #require(stage.browser.get("/.sidegate/signed-out").answer)
        #expect(page.status == 200 && page.body.contains("/.sidegate/login"))
        #expect(try stage.browser.post("/.sidegate/signed-out", form: "").status == 405)
    }

    @Test("signing in again leads to the page that the logout named: this browser keeps it, sealed, for a while")
    func target() throws {
        for isStored in [false, true] {
            let stage = try OpenIDStage { _, gate in gate.session.isStored = isStored }
            let browser = stage.browser
            func link() throws -> String? {
                let page = try #require(browser.get("/.sidegate/signed-out").answer)
                #expect(page.status == 200)
                return page.body.range(of: "/.sidegate/login?return_to=").map {
                    decoded(String(page.body[$0.upperBound...].prefix { $0 != "\"" }))
                }
            }
            func logOut(_ query: String) throws -> Reply {
                try stage.signIn()
                return try #require(
                    browser.post("/.sidegate/logout" + query, form: "", "Sec-Fetch-Site: same-origin").answer)
            }
            #expect(try link() == "/")
            let line = try #require(
                logOut("?return_to=/page%3Fx%3D1").setCookies.first { $0.hasPrefix("__Host-sidegate-login-target=") })
            #expect(line.hasSuffix("; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax") && !line.contains("page"))
            #expect(try link() == "/page?x=1")
            // A reload of the page shows the same.
            #expect(try link() == "/page?x=1")
            #expect(try browser.get("/.sidegate/login?return_to=/page%3Fx%3D1").status == 302)
            // What another browser knows, or this one after ten minutes.
            #expect(
                try Browser(browser.gates[0]).get("/.sidegate/signed-out").answer?.body.contains("%2Fpage") == false)
            let kept = browser.jar
            browser.now += 601
            #expect(try link() == "/")
            browser.now -= 601
            // Another logout, without a target, and one whose target is elsewhere.
            #expect(
                try logOut("").setCookies.contains { $0.hasPrefix("__Host-sidegate-login-target=; Path=/; Max-Age=0") })
            #expect(try link() == "/")
            browser.jar = kept
            for elsewhere in ["https://evil.example/", "//evil.example", "/%5Cevil.example"] {
                #expect(try logOut("?return_to=" + elsewhere).reason == "return_url_refused")
            }
        }
    }

    @Test("a cookie of that name that the gate did not seal counts for nothing, nor one of another purpose")
    func forgedTarget() throws {
        let stage = try OpenIDStage()
        let name = "__Host-sidegate-login-target"
        _ = try stage.browser.get("/page")
        let login = try #require(stage.browser.jar.first { $0.name.contains("-login-") })
        for value in ["/evil", "https://evil.example", login.value, String(repeating: "A", count: 80)] {
            stage.browser.jar = [(name, value)]
            let page = try #require(stage.browser.get("/.sidegate/signed-out").answer)
            #expect(page.body.contains("/.sidegate/login?return_to=%2F\""))
        }
    }

    @Test("so it is with a logout page of the configuration")
    func logoutURL() throws {
        let browser = try Browser { $0.provider.logoutURL = try .logout("https://idp.example/bye") }
        try browser.signIn()
        let answer = try browser.post("/.sidegate/logout?return_to=/page", form: "", "Sec-Fetch-Site: same-origin")
            .answer
        #expect(answer?.location == "https://idp.example/bye")
        #expect(try browser.get("/.sidegate/signed-out").answer?.body.contains("return_to=%2Fpage") == true)
    }

    @Test("where sessions are stored, the provider gets the ID token as a hint; cookies never hold it")
    func hint() throws {
        for isStored in [true, false] {
            let stage = try OpenIDStage { _, gate in gate.session.isStored = isStored }
            try stage.signIn()
            #expect(try stage.browser.get("/").user == "ada")
            let answer = try stage.browser.post("/.sidegate/logout", form: "", "Sec-Fetch-Site: same-origin").answer
            let token = try #require(stage.idTokens.first)
            #expect(answer?.location.hasSuffix("&id_token_hint=" + token) == isStored)
        }
    }

    @Test("without an end of session at the provider there is a page of our own")
    func unknownProvider() throws {
        let stage = try OpenIDStage(knowsProvider: false)
        let answer = try stage.browser.post("/.sidegate/logout", form: "", "Sec-Fetch-Site: same-origin").answer
        #expect(answer?.status == 200)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let session: [(String, JSONValue)]
        let logout: [(String, JSONValue)]
        let ends: Bool
        var status = 200
        var claims: [ClaimRule] = ClaimRule.standard
        var testDescription: String { "\(session) ended by \(logout): \(ends) \(status)" }
    }

    static let cases: [Case] = [
        // By the user's name, whatever the fields are filled from.
        Case(session: [], logout: [("sub", "ada")], ends: true),
        Case(session: [], logout: [("sub", "bob")], ends: false),
        Case(session: [("oid", "1")], logout: [("sub", "ada")], ends: true, claims: [ClaimRule("user", ["oid"])]),
        Case(session: [("sid", "s1")], logout: [("sub", "ada")], ends: true),
        // By the session's name: other sessions of the same user go on.
        Case(session: [("sid", "s1")], logout: [("sid", "s1")], ends: true),
        Case(session: [("sid", "s1")], logout: [("sid", "s1"), ("sub", "ada")], ends: true),
        Case(session: [("sid", "s1")], logout: [("sid", "s2"), ("sub", "ada")], ends: false),
        Case(session: [("sid", "s1")], logout: [("sid", "S1")], ends: false),
        // A session without a name is one of its user's.
        Case(session: [], logout: [("sid", "s1"), ("sub", "ada")], ends: true),
        Case(session: [], logout: [("sid", "s1")], ends: false),
        // What is no logout token (Back-Channel Logout 1.0 §2.6).
        Case(session: [], logout: [("sub", "ada"), ("events", .null)], ends: false, status: 400),
        Case(session: [], logout: [("sub", "ada"), ("events", .object(JSONObject()))], ends: false, status: 400),
        Case(
            session: [],
            logout: [
                ("sub", "ada"),
                (
                    "events",
                    .object(JSONObject([("http://schemas.openid.net/event/backchannel-logout", JSONValue.bool(true))]))
                ),
            ], ends: false, status: 400),
        Case(session: [], logout: [("sub", "ada"), ("nonce", "n")], ends: false, status: 400),
        Case(session: [], logout: [("sub", "ada"), ("iat", .null), ("exp", 1_790_000_100)], ends: false, status: 400),
        Case(session: [], logout: [("sub", "ada"), ("aud", "other")], ends: false, status: 400),
        Case(session: [], logout: [("sub", "ada"), ("aud", .null)], ends: false, status: 400),
        Case(session: [], logout: [("sub", "ada"), ("iss", "https://evil.example")], ends: false, status: 400),
        Case(session: [], logout: [], ends: false, status: 400),
        // Neither exp nor azp is required of a logout token.
        Case(session: [], logout: [("sub", "ada"), ("aud", .array(["app", "other"]))], ends: true),
    ]

    @Test("by the provider: a logout token ends the session that it names", arguments: cases)
    func backchannel(test: Case) throws {
        let stage = try OpenIDStage { _, gate in
            gate.provider.claims = test.claims
            gate.provider.required = []
        }
        stage.claims = test.session
        try stage.signIn()
        #expect(try stage.browser.get("/").user != nil)
        let provider = Browser(stage.browser.gates[0])
        let answer = try provider.post(Self.path, form: "logout_token=" + Self.logoutToken(test.logout)).answer
        #expect(answer?.status == UInt16(test.status))
        #expect((try stage.browser.get("/", "Accept: application/json").user == nil) == test.ends)
    }

    @Test("an ID token is no logout token, and a logout token no ID token")
    func confusion() throws {
        let stage = try OpenIDStage()
        try stage.signIn()
        let token = try #require(stage.idTokens.first)
        let provider = Browser(stage.browser.gates[0])
        #expect(try provider.post(Self.path, form: "logout_token=" + token).status == 400)
        #expect(try stage.browser.get("/").user == "ada")
        stage.claims = [Self.event]
        let other = try OpenIDStage()
        other.claims = [Self.event]
        #expect(try other.signIn().answer?.reason == "claims_malformed")
    }

    @Test("a session of before the update goes on, and is one of the only provider")
    func older() throws {
        // Sealed by the gate as before: there is nothing of a provider in it.
        let browser = try Browser()
        try browser.signIn()
        let openID = try OpenIDStage()
        openID.browser.jar = browser.jar
        #expect(try openID.browser.get("/").user == "ada")
        let provider = Browser(openID.browser.gates[0])
        #expect(try provider.post(Self.path, form: "logout_token=" + Self.logoutToken([("sub", "ada")])).status == 200)
        #expect(try openID.browser.get("/").user == nil)
    }
}
