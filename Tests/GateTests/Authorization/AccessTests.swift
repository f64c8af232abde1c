// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import HTTP1
import JWT
import Testing

/// A sign-in by a token with these claims, through the IdP and back.
@discardableResult
func signIn(_ browser: Browser, _ claims: (String, JSONValue)..., id: String = "1", email: String? = nil) throws
    -> Reply
{
    let redirect = try browser.get("/.sidegate/login?return_to=%2Fwanted")
    let answer = try browser.returned(redirect, token: token(email: email, at: browser.now, id: id, claims)).answer
    guard let answer else { throw NotAnswered() }
    return answer
}

struct NotAnswered: Error {}

@Suite("Who may come in")
struct AccessTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var users = RegisteredUsers()
        var site = ""
        var email = "ada@example.com"
        var claims: [(String, JSONValue)] = []
        let reason: String?
        var testDescription: String { "\(users) \(site) \(email) \(claims) → \(reason ?? "in")" }

        init(
            emails: [String] = [], file: [String]? = nil, domains: [String] = [], groups: [String] = [],
            site: String = "", email: String = "ada@example.com", claims: [(String, JSONValue)] = [],
            _ reason: String?
        ) {
            users.emails = emails
            users.hasEmailsFile = file != nil
            users.listedEmails = file ?? []
            users.emailDomains = domains
            users.groups = groups
            self.site = site
            self.email = email
            self.claims = claims
            self.reason = reason
        }
    }

    static let cases: [Case] = [
        Case(nil),
        Case(emails: ["ada@example.com"], nil),
        Case(emails: ["ADA@Example.COM"], nil), Case(emails: ["ada@example.com"], email: "Ada@EXAMPLE.com", nil),
        Case(emails: ["bob@example.com"], "user_not_registered"),
        Case(emails: ["ada@example.co"], "user_not_registered"),
        Case(emails: ["\u{e4}da@example.com"], email: "\u{c4}da@example.com", "user_not_registered"),
        Case(emails: ["ada@bücher.example"], email: "ADA@xn--bcher-kva.example", nil),
        Case(emails: ["ada@XN--bcher-kva.example"], email: "ada@BU\u{308}CHER.example", nil),
        Case(file: ["ada@bücher.example"], email: "ada@xn--bcher-kva.example", nil),
        Case(domains: ["bücher.example"], email: "ada@xn--bcher-kva.example", nil),
        Case(domains: ["xn--bcher-kva.example"], email: "ada@Bücher.example", nil),
        Case(domains: ["bücher.example"], email: "ada@bucher.example", "user_not_registered"),
        Case(domains: ["bücher.example"], email: "ada@b\u{fc}cher\u{200d}.example", "user_not_registered"),
        Case(domains: ["strasse.de"], email: "ada@straße.de", "user_not_registered"),
        Case(domains: ["example.com"], email: "ada@ｅxample.com", "user_not_registered"),
        Case(file: ["ada@example.com"], nil), Case(file: [], "user_not_registered"),
        Case(emails: ["bob@example.com"], file: ["ada@example.com"], nil),
        Case(emails: ["bob@example.com"], domains: ["example.com"], nil),
        Case(groups: ["staff"], "group_missing"), Case(groups: ["staff"], claims: [("groups", ["staff", "x"])], nil),
        Case(groups: ["staff"], claims: [("groups", "x, staff")], nil),
        Case(groups: ["staff"], claims: [("groups", "Staff")], "group_missing"),
        Case(groups: ["staff"], claims: [("groups", "staff2")], "group_missing"),
        Case(groups: ["a", "b"], claims: [("roles", ["b"])], nil),
        Case(emails: ["ada@example.com"], groups: ["staff"], "group_missing"),
        Case(emails: ["ada@example.com"], groups: ["staff"], claims: [("groups", ["staff"])], nil),
        Case(emails: ["bob@example.com"], groups: ["staff"], claims: [("groups", ["staff"])], "user_not_registered"),
        Case(site: "44567", nil), Case(site: "44567", claims: [("site_access", "")], nil),
        Case(site: "44567", claims: [("site_access", "44567,77898")], nil),
        Case(site: "77898", claims: [("site_access", "44567, 77898")], nil),
        Case(site: "44567", claims: [("site_access", [44567])], nil),
        Case(site: "4456", claims: [("site_access", "44567,77898")], "site_not_granted"),
        Case(site: "44567,77898", claims: [("site_access", "44567,77898")], "site_not_granted"),
        Case(site: "1", claims: [("site_access", "44567")], "site_not_granted"),
        Case(claims: [("guest", false)], nil),
        Case(emails: ["bob@example.com"], claims: [("guest", true)], "user_not_registered"),
    ]

    @Test("at the sign-in, with a session and with a bearer token the same rules hold", arguments: cases)
    func registration(_ example: Case) throws {
        func change(_ configuration: inout GateConfiguration) {
            configuration.access.users = example.users
            configuration.access.site = example.site
        }
        let browser = try Browser(change)
        let redirect = try browser.get("/wanted")
        let jwt = try token(email: example.email, id: "1", example.claims)
        let answer = try #require(browser.returned(redirect, token: jwt).answer)
        #expect(answer.status == (example.reason == nil ? 303 : 403))
        #expect(answer.reason == example.reason)
        #expect(browser.jar.contains { $0.name == "__Host-sidegate" } == (example.reason == nil))

        // The same session, made where there were no such rules.
        let elsewhere = try Browser()
        try elsewhere.returned(elsewhere.get("/"), token: jwt)
        let later = try Browser(change)
        later.jar = elsewhere.jar
        for _ in 0..<2 {
            let outcome = try later.get("/page")
            #expect(outcome.user == (example.reason == nil ? "ada" : nil))
            #expect(outcome.answer?.reason == example.reason)
        }

        for _ in 0..<2 {
            let outcome = try Browser(change).get("/api", "Authorization: Bearer \(jwt)")
            #expect(outcome.user == (example.reason == nil ? "ada" : nil))
            if let reason = example.reason {
                #expect(outcome.status == 403)
                #expect(
                    outcome.answer?["www-authenticate"]
                        == "Bearer error=\"insufficient_scope\", error_description=\"\(reason)\"")
            }
        }
    }

    @Test(
        "CVE-2026-40574: a domain is matched whole, after the one @",
        arguments: [
            ("ada@example.com", true), ("ada@EXAMPLE.Com", true), ("ada@sub.example.com", false),
            ("ada@example.com.evil.test", false), ("ada@notexample.com", false), ("ada@example.co", false),
            ("ada@example.comm", false), ("ada@xample.com", false), ("ada@example.com.", false),
            ("example.com@evil.test", false), ("ada%40example.com@evil.test", false),
            ("ada@evil.test@example.com", false), ("ada@example.com@evil.test", false),
            ("ada@ex\u{430}mple.com", false),
        ])
    func domains(_ email: String, _ isRegistered: Bool) throws {
        let browser = try Browser { $0.access.users.emailDomains = ["Example.com"] }
        let answer = try signIn(browser, email: email)
        #expect((answer.status == 303) == isRegistered)
        #expect(isRegistered || ["user_not_registered", "field_invalid"].contains(answer.reason))
    }

    @Test("a list that changes takes effect at the next request, on sessions and bearer tokens that were good before")
    func liveList() throws {
        let browser = try Browser { $0.access.users.hasEmailsFile = true }
        let gate = browser.gates[0]
        #expect(try signIn(browser).reason == "user_not_registered")
        gate.replaceListedEmails(["bob@example.com", "Ada@example.com"])
        #expect(try signIn(browser, id: "2").status == 303)
        let jwt = try token(id: "3")
        for _ in 0..<3 {
            #expect(try browser.get("/").user == "ada")
            #expect(try Browser(gate).get("/", "Authorization: Bearer \(jwt)").user == "ada")
        }
        gate.replaceListedEmails(["bob@example.com"])
        #expect(try browser.get("/").answer?.reason == "user_not_registered")
        #expect(try browser.get("/").answer?.reason == "user_not_registered")
        #expect(try Browser(gate).get("/", "Authorization: Bearer \(jwt)").status == 403)
        #expect(try browser.get("/.sidegate/session").status == 403)
        gate.replaceListedEmails(["ada@example.com"])
        #expect(try browser.get("/").user == "ada")
        #expect(try Browser(gate).get("/", "Authorization: Bearer \(jwt)").user == "ada")
        #expect(try browser.get("/.sidegate/session").status == 200)
    }

    @Test("the page for an unregistered user names the account, and offers another")
    func page() throws {
        let browser = try Browser { $0.access.users.emails = ["bob@example.com"] }
        let atSignIn = try signIn(browser)
        let elsewhere = try Browser()
        try elsewhere.signIn()
        browser.jar = elsewhere.jar
        let later = try #require(browser.get("/deep/page?a=1").answer)
        for (answer, target) in [(atSignIn, "%2Fwanted"), (later, "%2Fdeep%2Fpage%3Fa%3D1")] {
            #expect(answer.status == 403)
            #expect(answer["content-type"] == "text/html; charset=utf-8")
            #expect(answer["cache-control"] == "no-store")
            #expect(answer.body.contains("ada@example.com"))
            #expect(answer.body.contains("Use another account"))
            #expect(answer.body.contains("/.sidegate/logout?return_to=\(target)"))
            #expect(answer.response.user == "ada")
            #expect(answer.response.outcome == .refused)
        }
        // And it leads to another account, by way of logout.
        let logout = try #require(
            browser.get("/.sidegate/logout?return_to=%2Fdeep", "Sec-Fetch-Site: same-origin").answer)
        #expect(logout.body.contains("/.sidegate/login?return_to=%2Fdeep"))
        #expect(try browser.get("/").status == 302)
    }

    @Test(
        "JSON for clients that ask for it, and for what is no navigation",
        arguments: [
            ("GET", ["Accept: application/json"], true), ("GET", ["Accept: text/html"], false), ("GET", [], false),
            ("GET", ["Sec-Fetch-Mode: cors", "Accept: */*"], true), ("GET", ["X-Requested-With: XMLHttpRequest"], true),
            ("POST", ["Content-Length: 0"], true), ("POST", ["Content-Length: 0", "Accept: text/html,*/*"], false),
        ] as [(String, [String], Bool)])
    func json(_ method: String, _ fields: [String], _ isJSON: Bool) throws {
        let elsewhere = try Browser()
        try elsewhere.signIn()
        let browser = try Browser { $0.access.users.groups = ["staff"] }
        browser.jar = elsewhere.jar
        let answer = try #require(browser.send(method, "/page", fields).answer)
        #expect(answer.status == 403)
        #expect(answer["content-type"] == (isJSON ? "application/json" : "text/html; charset=utf-8"))
        if isJSON {
            #expect(answer.body.hasPrefix(#"{"error":"forbidden","reason":"group_missing","#))
            #expect(answer.body.contains(#""account":"ada@example.com""#))
        }
        let rpc = try #require(browser.send("POST", "/page", ["Content-Type: application/grpc"]).answer)
        #expect(rpc.status == 200 && rpc["grpc-status"] == "7" && rpc["grpc-message"] == "group_missing")
    }

    @Test("the account's name is text on the page, whatever it holds")
    func escaping() throws {
        let browser = try Browser {
            $0.provider.required = []
            $0.access.users.emails = ["bob@example.com"]
        }
        let redirect = try browser.get("/")
        let jwt = try TokenMinter(secret: VerificationKey(secret: tokenSecret)).mint(claims: [
            ("sub", "<script>alert(1)</script>"), ("iat", .number(JSONNumber(Int(noon)))),
        ])
        let answer = try #require(browser.returned(redirect, token: jwt).answer)
        #expect(answer.reason == "user_not_registered")
        #expect(!answer.body.contains("<script"))
    }

    @Test("what is still open is closed when its user may no longer come in, or the session's time is over")
    func ended() throws {
        let browser = try Browser { $0.access.users.hasEmailsFile = true }
        let gate = browser.gates[0]
        gate.replaceListedEmails(["ada@example.com"])
        try signIn(browser)
        let identity = try #require(try browser.identity("/"))
        #expect(!gate.hasEnded(identity, now: noon))
        #expect(gate.endOfSession(identity) == noon + 12 * 3600)
        #expect(!gate.hasEnded(identity, now: noon + 12 * 3600 - 1))
        #expect(gate.hasEnded(identity, now: noon + 12 * 3600))
        gate.replaceListedEmails([])
        #expect(gate.hasEnded(identity, now: noon))
        #expect(gate.hasEnded(identity, now: noon))
        gate.replaceListedEmails(["ada@example.com"])
        #expect(!gate.hasEnded(identity, now: noon))
    }
}

extension Browser {
    /// The identity with which a request is forwarded.
    func identity(_ path: String, _ fields: [String] = []) throws -> Identity? {
        var text = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n"
        if !jar.isEmpty { text += "Cookie: " + jar.map { "\($0.name)=\($0.value)" }.joined(separator: "; ") + "\r\n" }
        for field in fields { text += field + "\r\n" }
        context.now = now
        context.monotonic = monotonic ?? now
        var request = AccessRequest(try RequestHead(parsing: text + "\r\n"), context)
        var step = gates[0].decide(&request)
        if case .ask(let question) = step, case .checkToken = question {
            step = gates[0].resume(&request, question, with: .checkToken(.unused))
        }
        guard case .done(.forward(let identity, _)) = step else { return nil }
        return identity
    }
}

@Suite("Guests")
struct GuestTests {
    private func browser(_ change: (inout GateConfiguration) throws -> Void = { _ in }) throws -> Browser {
        try Browser {
            $0.access.default = .guest
            try change(&$0)
        }
    }

    @Test("everyone passes without a redirect, on every path, and the app learns nothing")
    func everyone() throws {
        let browser = try browser()
        for (method, fields) in [
            ("GET", []), ("POST", ["Content-Length: 0"]), ("GET", ["Accept: application/json"]),
            ("GET", ["Upgrade: websocket", "Connection: upgrade"]), ("GET", ["X-Forwarded-User: root"]),
            ("GET", ["Cookie: __Host-sidegate=forged"]),
        ] {
            let outcome = try browser.send(method, "/page", fields)
            #expect(outcome.head != nil && outcome.user == nil)
            #expect(outcome.head?.lowercased().contains("x-forwarded-user") == false)
            #expect(outcome.head?.contains("forged") == false)
        }
        #expect(browser.jar.isEmpty)
    }

    @Test("who signs in is known from then on; afterwards a guest again")
    func signedIn() throws {
        let browser = try browser()
        #expect(try signIn(browser).location == "/wanted")
        #expect(try browser.get("/").head?.contains("X-Forwarded-User: ada\r\n") == true)
        browser.now += 13 * 3600
        let outcome = try browser.get("/")
        #expect(outcome.head != nil && outcome.user == nil)
        #expect(try browser.get("/.sidegate/session").status == 401)
    }

    @Test(
        "a token of somebody not registered: in as a guest, unless it says that they would not be one",
        arguments: [
            (nil, true), (true, true), ("true", true), ("", true), (1, true), (nil as JSONValue, true), (false, false),
            ("false", false), ("False", false), (0, false), ("no", false),
        ] as [(JSONValue?, Bool)])
    func guestClaim(_ guest: JSONValue?, _ isIn: Bool) throws {
        let browser = try browser { $0.access.users.emails = ["bob@example.com"] }
        let answer = try guest.map { try signIn(browser, ("guest", $0)) } ?? signIn(browser)
        #expect(answer.status == (isIn ? 303 : 403))
        #expect(answer.reason == (isIn ? nil : "guest_refused"))
        #expect(!browser.jar.contains { $0.name == "__Host-sidegate" })
        if isIn {
            #expect(answer.location == "/wanted")
            #expect(answer.response.outcome == .guest)
            #expect(!browser.jar.contains { $0.name.contains("login") }, "the attempt is over")
        } else {
            #expect(answer.body.contains("ada@example.com") && answer.body.contains("Use another account"))
        }
        let outcome = try browser.get("/")
        #expect(outcome.head != nil && outcome.user == nil)
        // Who is registered is no guest, whatever the token says.
        let registered = try self.browser { $0.access.users.emails = ["ada@example.com"] }
        #expect(try (guest.map { try signIn(registered, ("guest", $0)) } ?? signIn(registered)).status == 303)
        #expect(try registered.get("/").user == "ada")
    }

    @Test("CVE-2026-34454: a guest's sign-in ends the session of the previous user, and consumes the token")
    func endsOldSession() throws {
        let browser = try browser { $0.access.users.emails = ["bob@example.com"] }
        try browser.returned(browser.get("/.sidegate/login"), token: token("bob", id: "b"))
        #expect(try browser.get("/").user == "bob")
        let url = browser.returnURL(try browser.get("/.sidegate/login"))
        let jwt = try token(id: "a")
        #expect(try browser.get(url + "&jwt=" + jwt).status == 303)
        #expect(try browser.get("/").user == nil)
        #expect(browser.jar.isEmpty)
        let again = browser.returnURL(try browser.get("/.sidegate/login"))
        #expect(try browser.get(again + "&jwt=" + jwt).answer?.reason == "replayed")
    }

    @Test("a guest that another site sends ends no session without being asked, and without one is just let in")
    func initiated() throws {
        let browser = try browser { $0.access.users.emails = ["bob@example.com"] }
        #expect(try browser.get("/.sidegate/callback?jwt=" + token(id: "1")).status == 303)
        try browser.returned(browser.get("/.sidegate/login"), token: token("bob", id: "2"))
        let page = try #require(browser.get("/.sidegate/callback?jwt=" + token(id: "3")).answer)
        #expect(page.status == 200 && page.response.outcome == .confirm)
        #expect(try browser.get("/").user == "bob")
        let form = "attempt=\(page.hidden("attempt") ?? "")&sign_in=\(page.hidden("sign_in") ?? "")"
        #expect(try browser.post("/.sidegate/confirm", form: form).status == 303)
        let outcome = try browser.get("/")
        #expect(outcome.head != nil && outcome.user == nil)
    }

    @Test("a guest who was not asked gets no session, though the list may change while the replay store is asked")
    func race() throws {
        let gate = Gate(
            try configuration {
                $0.access.default = .guest
                $0.access.users.hasEmailsFile = true
            })
        let jwt = try token(id: "1")
        let head = try RequestHead(
            parsing: "GET /.sidegate/callback?jwt=\(jwt) HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
        let context = RequestContext(peer: nil, isSecure: true, now: noon)
        var request = AccessRequest(head, context)
        guard case .ask(let question) = gate.decide(&request), case .consumeToken = question else {
            return #expect(Bool(false))
        }
        gate.replaceListedEmails(["ada@example.com"])
        var step = gate.resume(&request, question, with: .consumeToken(.fresh))
        if case .ask(let next) = step, case .endBearer = next { step = gate.resume(&request, next, with: .endBearer) }
        guard case .done(.respond(let answer)) = step else {
            return #expect(Bool(false))
        }
        #expect(answer.outcome == .guest)
    }

    @Test("a guest whom a rule refuses the target page gets the refusal, and is not redirected to sign in again")
    func closedTarget() throws {
        for (path, reason) in [
            ("/closed/x?y=1", "user_not_registered"), ("/Closed/x", "user_not_registered"),
            ("/closed/%78", "user_not_registered"), ("/admins/x", "group_missing"), ("/open/x", nil), ("/", nil),
            ("/denied/x", nil),
        ] as [(String, String?)] {
            let browser = try browser {
                $0.access.users.emails = ["bob@example.com"]
                $0.access.rules = [
                    AccessRule(paths: [try RulePath("/closed/*")], effect: .signedIn([])),
                    AccessRule(
                        paths: [try RulePath("/admins/*")],
                        effect: .signedIn([.init(field: "groups", values: ["admins"])])),
                    AccessRule(paths: [try RulePath("/denied/*")], effect: .deny),
                ]
            }
            let login = "/.sidegate/login?return_to=" + path.replacing("%", with: "%25").replacing("?", with: "%3F")
            for id in 0..<4 {
                let redirect = try browser.get(login)
                let answer = try #require(browser.returned(redirect, token: token(id: "\(path) \(id)")).answer)
                guard let reason else {
                    #expect(answer.status == 303 && answer.location == path, "\(path)")
                    continue
                }
                #expect(answer.status == 403 && answer.reason == reason, "\(path)")
                #expect(answer.response.outcome == .refused && answer.response.user == "ada")
                #expect(answer.body.contains("ada@example.com") && answer.body.contains("/.sidegate/logout?return_to="))
            }
        }
    }

    @Test("the same after the question whether to sign in, when the lists have changed meanwhile")
    func closedAfterQuestion() throws {
        let browser = try browser {
            $0.access.users.hasEmailsFile = true
            $0.access.users.listedEmails = ["ada@example.com"]
            $0.access.rules = [AccessRule(paths: [try RulePath("/*")], effect: .signedIn([]))]
        }
        let page = try #require(browser.get("/.sidegate/callback?jwt=\(token())&return_to=/x").answer)
        #expect(page.response.outcome == .confirm)
        browser.gates[0].replaceListedEmails([])
        let form = "attempt=\(try #require(page.hidden("attempt")))&sign_in=\(try #require(page.hidden("sign_in")))"
        let answer = try browser.post(
            "/.sidegate/confirm", form: form, "Origin: https://app.example.com",
            "Sec-Fetch-Site: same-origin"
        ).answer
        #expect(answer?.status == 403 && answer?.reason == "user_not_registered")
    }

    @Test("coming back as a guest again and again is no loop")
    func noLoop() throws {
        let browser = try browser { $0.access.users.emails = ["bob@example.com"] }
        for id in 0..<6 { #expect(try signIn(browser, id: "\(id)").status == 303) }
    }

    @Test("who is no longer registered goes on as a guest, with a session or a bearer token, which stays here")
    func demoted() throws {
        let browser = try browser { $0.access.users.hasEmailsFile = true }
        let gate = browser.gates[0]
        gate.replaceListedEmails(["ada@example.com"])
        try signIn(browser)
        let jwt = try token(id: "2")
        #expect(try browser.get("/").user == "ada")
        #expect(try Browser(gate).get("/", "Authorization: Bearer \(jwt)").user == "ada")
        gate.replaceListedEmails([])
        for outcome in [try browser.get("/"), try Browser(gate).get("/", "Authorization: Bearer \(jwt)")] {
            let head = try #require(outcome.head)
            #expect(!head.contains("X-Forwarded-User") && !head.contains("Authorization") && !head.contains("ada"))
        }
        #expect(try browser.get("/.sidegate/session").status == 401)
    }

    @Test("another site's account is refused all the same")
    func site() throws {
        let browser = try browser { $0.access.site = "1" }
        #expect(try signIn(browser, ("site_access", "2,3")).reason == "site_not_granted")
        #expect(try signIn(browser, ("site_access", "1,3"), id: "2").status == 303)
    }
}

@Suite("Access, explained")
struct AccessCheckTests {
    @Test("each step says what was wanted, what came and how to fix it")
    func findings() throws {
        var access = AccessConfiguration()
        let nobody = AccessCheck(access).examine([("user", ["ada"])])
        #expect(nobody.verdict == .allowed)
        #expect(nobody.findings.map(\.name) == ["site", "registered", "guest"])
        #expect(nobody.findings.allSatisfy { $0.passed == nil && $0.fix.isEmpty })

        access.site = "1"
        access.users.emails = ["bob@example.com"]
        access.users.groups = ["staff"]
        let ada = [("user", ["ada"]), ("email", ["ada@example.com"]), ("sites", ["2", "3"])]
        let refused = AccessCheck(access).examine(ada)
        #expect(refused.verdict == .refused(.siteNotGranted))
        #expect(refused.findings.map(\.passed) == [false, false, nil])
        #expect(refused.findings[0].actual == "2, 3" && !refused.findings[0].fix.isEmpty)
        #expect(refused.findings[1].expected == "one of 1 listed address; and a group of staff")
        #expect(refused.findings[1].actual == "ada@example.com; no groups")

        access.site = ""
        access.default = .guest
        #expect(AccessCheck(access).examine(ada).verdict == .visitor(.userNotRegistered))
        let unwilling = AccessCheck(access).examine(ada + [("guest", ["false"])])
        #expect(unwilling.verdict == .refused(.guestRefused))
        #expect(unwilling.findings.map(\.passed) == [nil, false, false])
        let bob = AccessCheck(access).examine([("email", ["BOB@example.com"]), ("groups", ["staff"])])
        #expect(bob.verdict == .allowed && bob.findings.map(\.passed) == [nil, true, nil])
    }
}
