// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Testing

@Suite("Forward-auth: responses to other proxies")
struct ForwardAuthTests {
    static func browser(
        trusted: Bool = true, _ change: (inout GateConfiguration) throws -> Void = { _ in }
    ) throws -> Browser {
        let browser = try Browser {
            $0.access.rules = [
                try RuledGateTests.rule(["/public/*"], methods: ["GET"], .anyone),
                try RuledGateTests.rule(["/admin/*"], .signedIn([.init(field: "groups", values: ["admins"])])),
                try RuledGateTests.rule(["/internal/*"], .deny),
            ]
            try change(&$0)
        }
        browser.context.isTrustedPeer = trusted
        return browser
    }

    static let auth = "/.sidegate/auth"

    static func asked(_ browser: Browser, _ uri: String, method: String = "GET", _ more: String...) throws -> Reply {
        let fields = ["X-Forwarded-Method: \(method)", "X-Forwarded-Uri: \(uri)", "X-Forwarded-Proto: https"]
        return try #require(try browser.send("GET", auth, fields + more).answer)
    }

    @Test(
        "Without a session",
        arguments: [
            ("GET", "/public/a", 202), ("POST", "/public/a", 401), ("GET", "/x", 401), ("GET", "/internal/x", 403),
            ("GET", "/public/../internal/x", 403), ("GET", "/public/..%2Finternal/x", 403), ("GET", "/a%00", 403),
            ("GET", "/public/a?b=/internal", 202), ("GET", "/.sidegate/login", 403), ("GET", "/%2esidegate/x", 403),
            ("TRACE", "/public/a", 403), ("GET", "public", 400), ("GET", "/public/a#b", 400),
            ("G T", "/public/a", 400), ("GET", "/public/.%93./internal/x", 403), ("GET", "/intern%93al/x", 403),
            ("GET", "/public/%c9../x", 403), ("GET", "/public/.%C2%AD./x", 403), ("GET", "/inter%E2%80%8Bnal/x", 403),
            ("GET", "/public/caf%E9", 202), ("GET", "/.side%93gate/x", 403),
        ])
    func stranger(method: String, uri: String, status: UInt16) throws {
        #expect(try Self.asked(Self.browser(), uri, method: method).status == status)
    }

    @Test("Signed in, both sets of headers hold the identity, and unknown fields are empty")
    func signedIn() throws {
        let browser = try Self.browser()
        try signIn(browser, ("groups", ["staff"]))
        let answer = try Self.asked(browser, "/x")
        #expect(answer.status == 202)
        #expect(answer["x-auth-request-user"] == "ada" && answer["x-auth-request-email"] == "ada@example.com")
        #expect(answer["x-forwarded-user"] == "ada" && answer["x-auth-request-groups"] == "staff")
        #expect(answer["x-forwarded-preferred-username"] == "")
        #expect(answer.response.user == "ada")
        let refused = try Self.asked(browser, "/admin/x")
        #expect(refused.status == 403 && refused.reason == "group_missing")
        // Nobody, and yet the headers, so that a browser's own are overwritten.
        let open = try Self.asked(Self.browser(), "/public/x")
        #expect(open["x-auth-request-user"] == "" && open["x-forwarded-user"] == "")
    }

    @Test("With redirect=1 a navigation gets the redirect to sign in, with its cookie, and comes back to the page")
    func redirect() throws {
        let browser = try Self.browser()
        let fields = ["X-Forwarded-Method: GET", "X-Forwarded-Uri: /x/y?z=1", "X-Forwarded-Host: app.example.com"]
        let outcome = try browser.send("GET", Self.auth + "?redirect=1", fields)
        #expect(outcome.status == 302)
        #expect(outcome.answer?.setCookies.count == 1)
        let back = try browser.returned(outcome, token: token(id: "y"))
        #expect(back.answer?.location.hasSuffix("/x/y?z=1") == true)
        let fetch = try browser.send(
            "GET", Self.auth + "?redirect=1", fields + ["Accept: application/json", "Cookie: x=y"])
        #expect(fetch.status == 202)
        let stranger = try Self.browser().send("GET", Self.auth + "?redirect=1", fields + ["Sec-Fetch-Mode: cors"])
        #expect(stranger.status == 401)
    }

    @Test("Without it, the 401 names where to sign in, and the page to come back to")
    func loginURL() throws {
        let answer = try Self.asked(Self.browser(), "/x?y=1", "X-Forwarded-Host: app.example.com")
        #expect(answer.status == 401 && answer["www-authenticate"] == "Bearer")
        #expect(
            answer.body.contains("https://app.example.com/.sidegate/login?return_to=%2Fx%3Fy%3D1")
                || answer.body.contains("/.sidegate/login?return_to=/x%3Fy%3D1"), "\(answer.body)")
    }

    @Test("nginx: X-Original-URL, whole or as a path, with X-Original-Method")
    func nginx() throws {
        let browser = try Self.browser()
        for url in ["https://app.example.com/public/a?b", "/public/a", "https://app.example.com:8443/public/a"] {
            let fields = ["X-Original-URL: \(url)", "X-Original-Method: GET"]
            #expect(try browser.send("GET", Self.auth, fields).status == 202, "\(url)")
        }
        let bare = try browser.send("GET", Self.auth, ["X-Original-URI: /public/a", "X-Original-Method: POST"])
        #expect(bare.status == 401)
        // Rules tell methods apart, so it must be said.
        #expect(try browser.send("GET", Self.auth, ["X-Original-URL: /public/a"]).status == 400)
    }

    @Test("Envoy: the path behind ours, and the method itself")
    func envoy() throws {
        let browser = try Self.browser()
        // It takes 200 alone for a yes.
        #expect(try browser.get(Self.auth + "/public/a?b").status == 200)
        #expect(try browser.send("POST", Self.auth + "/public/a").status == 401)
        #expect(try browser.get(Self.auth + "/internal/x").status == 403)
        #expect(try browser.get(Self.auth + "/public/../internal/x").status == 403)
        #expect(try browser.get(Self.auth + "/x").status == 302)
        #expect(try Self.browser(trusted: false).get(Self.auth + "/public/a").status == 403)
    }

    @Test(
        "CVE-2026-40575: what the browser sent under such a name does not decide beside what the proxy says",
        arguments: [
            ["X-Original-URL: /internal/x", "X-Original-Method: GET", "X-Forwarded-Uri: /public/a"],
            ["X-Original-URL: /internal/x", "X-Original-Method: GET", "X-Original-URL: /public/a"],
            ["X-Forwarded-Uri: /x", "X-Forwarded-Method: GET", "X-Original-URL: /public/a"],
            ["X-Forwarded-Uri: /public/a", "X-Forwarded-Method: POST", "X-Original-Method: GET"],
            ["X-Original-URL: /public/a", "X-Original-Method: POST", "X-Forwarded-Method: GET"],
            ["X-Original-URL: /public/a", "X-Forwarded-Method: GET"],
            ["X-Forwarded-Uri: /public/a, /x", "X-Forwarded-Method: GET, GET"],
        ])
    func contradictions(fields: [String]) throws {
        #expect(try Self.browser().send("GET", Self.auth, fields).status == 400)
    }

    @Test("CVE-2026-40575: only a trusted proxy gets a verdict on a request that it names")
    func untrusted() throws {
        let answer = try Self.asked(Self.browser(trusted: false), "/public/a")
        #expect(answer.status == 403 && answer.reason == "proxy_not_trusted")
    }

    @Test("With rules the path must be named; without, the session alone decides")
    func unnamed() throws {
        #expect(try Self.browser().get(Self.auth).status == 400)
        let browser = try Self.browser(trusted: false) { $0.access.rules = [] }
        #expect(try browser.get(Self.auth).status == 401)
        try browser.signIn()
        #expect(try browser.get(Self.auth).status == 202)
    }

    @Test(
        "The app gets the path as it was sent: what readers differ about is refused",
        arguments: [
            "/closed/../public/a.txt", "/public/../x", "//x/admin/", "/public/..%2fx/../a", "/%2fx", "/public/%2e%2e/x",
            "/public/..;/x", "/\\x", "/public/a%00", "/public/%zz", "/x/../.sidegate/session",
        ])
    func unreadable(path: String) throws {
        for auth in [Self.auth, Self.auth + "?redirect=1"] {
            let fields = ["X-Forwarded-Method: GET", "X-Forwarded-Uri: \(path)"]
            let browser = try Self.browser()
            let answer = try #require(browser.send("GET", auth, fields).answer)
            #expect(answer.status == 403 && answer.reason == "path_unreadable", "\(path)")
            try browser.signIn()
            #expect(try browser.send("GET", auth, fields).status == 403, "\(path)")
        }
        guard !path.contains("%00") else { return }
        #expect(try Self.browser().get(Self.auth + path).status == 403, "\(path)")
    }

    @Test("The path as it was sent is one more reading")
    func asSent() throws {
        // An app that does not decode has nothing of that name.
        #expect(try Self.asked(Self.browser(), "/%70ublic/a").status == 401)
        #expect(try Self.asked(Self.browser(), "/public/a%20b").status == 202)
        #expect(try Self.asked(Self.browser(), "/%69nternal/a").status == 403)
    }

    @Test("A bearer token of ours is not for the app; any other credentials are")
    func authorization() throws {
        let browser = try Self.browser()
        func told(_ uri: String, _ credentials: String) throws -> String? {
            let fields = ["X-Forwarded-Method: GET", "X-Forwarded-Uri: \(uri)", "Authorization: \(credentials)"]
            let answer = try #require(browser.send("GET", Self.auth, fields).answer)
            #expect(answer.status == 202)
            return answer["authorization"]
        }
        let used = try token(id: "used")
        #expect(try told("/public/a", "Bearer " + used) == "")
        #expect(try told("/x", "Bearer " + used) == "")
        let attempt = try browser.get("/page")
        #expect(try browser.returned(attempt, token: used).status == 303)
        browser.jar = []
        #expect(try told("/public/a", "Bearer " + used) == "")
        for other in ["Bearer of-the-apps-own", "Basic YTpi"] { #expect(try told("/public/a", other) == nil) }
    }

    @Test("A gRPC refusal, which is a 200 elsewhere, lets nobody in")
    func grpc() throws {
        let browser = try Self.browser()
        for path in [Self.auth, Self.auth + "?redirect=1"] {
            let fields = ["X-Forwarded-Method: POST", "Content-Type: application/grpc"]
            #expect(try browser.send("POST", path, fields + ["X-Forwarded-Uri: /x"]).status == 401)
            #expect(try browser.send("POST", path, fields + ["X-Forwarded-Uri: /internal/x"]).status == 403)
        }
    }

    @Test("A session that is used is renewed through the proxy")
    func renewal() throws {
        let browser = try Self.browser()
        try browser.signIn()
        browser.now += 1800
        #expect(try Self.asked(browser, "/x").setCookies.count == 1)
    }

    @Test("Observed, nobody is refused")
    func observed() throws {
        let browser = try Self.browser { $0.access.mode = .observe }
        let answer = try Self.asked(browser, "/internal/x")
        #expect(answer.status == 202 && answer.reason == "rule_denied")
    }
}
