// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Testing

@Suite("Access rules: what becomes of a request")
struct RuledGateTests {
    static func rule(
        _ paths: [String], methods: [String] = [], _ effect: AccessRule.Effect,
        unauthenticated: AccessRule.Unauthenticated? = nil
    ) throws -> AccessRule {
        AccessRule(
            paths: try paths.map { try RulePath($0) }, methods: methods, effect: effect,
            unauthenticated: unauthenticated)
    }

    static func browser(
        _ access: AccessConfiguration.Default = .signedIn, _ change: (inout GateConfiguration) -> Void = { _ in }
    ) throws -> Browser {
        try Browser {
            change(&$0)
            $0.access.default = access
            $0.access.rules = [
                try rule(["/public/*", "/favicon.ico"], methods: ["GET", "HEAD"], .anyone),
                try rule(["/admin/*"], .signedIn([.init(field: "groups", values: ["admins", "root"])])),
                try rule(
                    ["/team/*"],
                    .signedIn([
                        .init(field: "groups", values: ["staff"]), .init(field: "user", values: ["ada", "bob"]),
                    ])),
                try rule(["/api/*"], .signedIn([]), unauthenticated: .unauthorized),
                try rule(["/go/*"], .signedIn([]), unauthenticated: .redirect),
                try rule(["/internal/*"], .deny),
            ]
        }
    }

    @Test(
        "Without a session",
        arguments: [
            ("/public/a.css", 0), ("/favicon.ico", 0), ("/", 302), ("/admin/x", 302), ("/api/x", 401), ("/go/x", 302),
            ("/internal/x", 403), ("/Internal/x", 403), ("/internal", 403), ("/a/../internal/x", 400),
            ("/%69nternal/x", 403), ("/public/..%2finternal/x", 400), ("/public/%2e%2e/admin/x", 400),
            ("/public//../admin/x", 400), ("/public/..;/admin/x", 400), ("/internal%3fx", 403), ("/internal%23", 403),
            ("//internal/x", 403), ("/x%3b/internal", 302), ("/public/a%00", 400), ("/favicon.ico/", 302),
            ("/favicon.ico?/public/", 0), ("/x?/public/a", 302), ("/x;/public/a", 302), ("/publicity", 302),
        ])
    func stranger(path: String, status: Int) throws {
        #expect(try Self.browser().get(path).status == status)
    }

    @Test("What fetch asks for is redirected only where a rule says so")
    func unauthenticatedFetch() throws {
        let fetch = ["Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Accept: application/json"]
        #expect(try Self.browser().send("GET", "/x", fetch).status == 401)
        #expect(try Self.browser().send("GET", "/go/x", fetch).status == 302)
        #expect(try Self.browser().send("GET", "/api/x", fetch).status == 401)
    }

    @Test(
        "Signed in",
        arguments: [
            (["admins"], "/admin/x", 0), (["root", "x"], "/admin/x", 0), (["staff"], "/admin/x", 403),
            ([], "/admin/x", 403), (["staff"], "/team/x", 0), (["admins"], "/team/x", 403), (["staff"], "/api/x", 0),
            (["admins", "staff"], "/internal/x", 403), (["staff"], "/ADMIN/x", 403), (["staff"], "//admin/x", 403),
            (["staff"], "/public/x", 0), (["staff"], "/x", 0),
        ])
    func groups(groups: [String], path: String, status: Int) throws {
        let browser = try Self.browser()
        try signIn(browser, ("groups", .array(groups.map { .string($0) })))
        let outcome = try browser.get(path)
        #expect(outcome.status == status)
        if status == 403 {
            #expect(
                outcome.answer?.reason == (path.lowercased().contains("internal") ? "rule_denied" : "group_missing"))
            #expect(outcome.answer?.body.contains("ada@example.com") == true)
            #expect(outcome.answer?.body.contains("/.sidegate/logout") == true)
        }
    }

    @Test("Another field that does not hold is rule_denied")
    func otherField() throws {
        let browser = try Self.browser()
        let redirect = try browser.get("/")
        try browser.returned(redirect, token: token("eve", id: "e", [("groups", ["staff"])]))
        #expect(try browser.get("/team/x").answer?.reason == "rule_denied")
    }

    @Test("On open paths the app learns who it is when that is known, and identity headers are removed all the same")
    func openPaths() throws {
        let browser = try Self.browser()
        let anonymous = try browser.get("/public/a", "X-Forwarded-User: root")
        #expect(anonymous.head?.contains("X-Forwarded-User") == false)
        try signIn(browser)
        #expect(try browser.get("/public/a").user == "ada")
    }

    @Test("Where everyone comes in, a rule still asks for its own")
    func guests() throws {
        let browser = try Self.browser(.guest)
        #expect(try browser.get("/x").status == 0)
        #expect(try browser.get("/admin/x").status == 302)
        #expect(try browser.get("/internal/x").status == 403)
    }

    @Test(
        "A user whom the lists do not name passes as a guest, and no rule that needs a user",
        arguments: [
            ("/x", 0, nil), ("/public/x", 0, nil), ("/admin/x", 403, "group_missing"),
            ("/team/x", 403, "group_missing"), ("/api/x", 403, "user_not_registered"),
            ("/go/x", 403, "user_not_registered"), ("/internal/x", 403, "rule_denied"),
        ] as [(String, Int, String?)])
    func visitor(path: String, status: Int, reason: String?) throws {
        let browser = try Self.browser(.guest) { $0.access.users.emails = ["bob@example.com"] }
        let bearer = "Authorization: Bearer \(try token("ada", id: "v"))"
        let outcome = try browser.send("GET", path, ["Accept: application/json", bearer])
        #expect(outcome.status == status && outcome.answer?.reason == reason)
        if status == 0 { #expect(outcome.user?.isEmpty != false) }
    }

    @Test(
        "The app gets the very path that was judged",
        arguments: [
            ("//public/b", "/public/b"), ("/public/%61", "/public/a"), ("/public/%c3%a9", "/public/%C3%A9"),
            ("/public/a%2fb", "/public/a%2Fb"),
            ("/public/a", "/public/a"), ("/public//a", "/public//a"),
        ])
    func forwarded(sent: String, path: String) throws {
        let head = try #require(try Self.browser().get(sent + "?x=%61/../").head)
        #expect(head.hasPrefix("GET \(path)?x=%61/../ HTTP/1.1\r\n"))
    }
}
