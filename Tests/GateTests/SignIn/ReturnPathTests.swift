// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import JWT
import Testing

@Suite("A return at another path than the return path")
struct ReturnPathTests {
    private func browser(_ change: (inout GateConfiguration) throws -> Void = { _ in }) throws -> Browser {
        try Browser {
            $0.provider.returnPath = "/sso/login/jwt"
            try change(&$0)
        }
    }

    private static let paths = [
        "/", "/sso/jwt", "/sso/login/jwt/", "/sso/login/JWT", "//sso/login/jwt", "/sso//login/jwt", "/sso/login/jwt%2f",
        "/.sidegate/login", "/.sidegate/callback", "/.sidegate/session", "/.sidegate/nothing", "/a/<b>",
    ]

    @Test("is named, with both paths", arguments: paths)
    func isNamed(_ path: String) throws {
        let browser = try browser()
        let jwt = try token()
        for _ in 0..<3 {
            let answer = try #require(browser.get("\(path)?jwt=\(jwt)", "Accept: text/html").answer)
            #expect(answer.status == 400 && answer.reason == "return_path_mismatch")
            #expect(answer.body.contains("/sso/login/jwt.") && !answer.body.contains(jwt))
            #expect(answer.body.contains(path.replacing("<", with: "&lt;").replacing(">", with: "&gt;")))
            let detail = try #require(answer.response.detail)
            #expect(detail.contains(path) && detail.contains("/sso/login/jwt") && !detail.contains(jwt))
            #expect(answer.setCookies.isEmpty)
        }
        // Nothing was consumed.
        let redirect = try browser.get("/")
        #expect(try browser.returned(redirect, token: jwt).answer?.status == 303)
    }

    @Test("an expired token of the provider is one too, and a doubled or a second query")
    func tokens() throws {
        let browser = try browser()
        for query in [
            "?jwt=\(try token(at: noon - 9000))", "?state=x&j%77t=\(try token())", "?state=x?jwt=\(try token())",
            "?jwt=x&jwt=\(try token())",
        ] {
            #expect(try browser.get("/sso/jwt" + query).answer?.reason == "return_path_mismatch")
        }
    }

    @Test("is not one without a token that a key verifies, for anything but a navigation, and in a session")
    func isNone() throws {
        let browser = try browser()
        let stranger = try token(secret: Array("a secret of a stranger, 32 bytes".utf8))
        for query in [
            "?jwt=a.b.c" + String(repeating: "&jwt=a.b.c", count: 9), "?jwt=\(stranger)", "?jwt=abc", "?jwt=",
            "?token=\(try token())", "",
        ] {
            #expect(try browser.get("/sso/jwt" + query).answer?.status == 302)
        }
        let jwt = try token(id: "another")
        #expect(try browser.get("/sso/jwt?jwt=\(jwt)", "Accept: application/json").answer?.status == 401)
        #expect(try browser.get("/sso/jwt?jwt=\(jwt)", "Sec-Fetch-Dest: image").answer?.status == 401)
        #expect(try browser.get("/sso/jwt?jwt=\(jwt)", "Sec-Purpose: prefetch").answer?.status == 401)
        #expect(try browser.send("POST", "/sso/jwt?jwt=\(jwt)", ["Content-Length: 0"]).answer?.status == 401)
        try browser.signIn()
        #expect(try browser.get("/sso/jwt?jwt=\(jwt)").head?.hasPrefix("GET /sso/jwt HTTP") == true)
        #expect(try browser.get("/sso/login/jwt/?jwt=\(jwt)").answer?.status == 404)
    }

    @Test("a form of another site is read for it")
    func forms() throws {
        let browser = try browser()
        let jwt = try token()
        let navigation = ["Accept: text/html", "Origin: https://idp.example", "Sec-Fetch-Mode: navigate"]
        for path in ["/sso/jwt", "/sso/login/jwt/"] {
            let answer = try browser.post(path, form: "state=1&jwt=\(jwt)", navigation[0], navigation[1], navigation[2])
                .answer
            #expect(answer?.status == 400 && answer?.reason == "return_path_mismatch")
            let other = try browser.post(path, form: "jwt=abc", navigation[0], navigation[1], navigation[2]).answer
            #expect(other?.status == (path.hasSuffix("/") ? 404 : 401))
        }
        // A form of this site, and a script's.
        #expect(
            try browser.post("/sso/jwt", form: "jwt=\(jwt)", "Origin: https://app.example.com").answer?.status == 401)
        #expect(try browser.post("/sso/jwt", form: "jwt=\(jwt)", navigation[1]).answer?.status == 401)
        try browser.signIn()
        #expect(
            try browser.post("/sso/jwt", form: "jwt=\(jwt)", navigation[0], navigation[1], navigation[2]).user == "ada")
    }

    @Test("under every rule, for guests too; a refusal that is not enforced lets it pass")
    func rules() throws {
        let jwt = try token()
        for change in [
            { $0.access.rules = [AccessRule(paths: [try RulePath("/sso/*")], effect: .anyone)] },
            { $0.access.rules = [AccessRule(paths: [try RulePath("/sso/*")], effect: .deny)] },
            {
                $0.access.rules = [
                    AccessRule(paths: [try RulePath("/sso/*")], effect: .signedIn([]), unauthenticated: .unauthorized)
                ]
            },
            { $0.access.default = .guest },
        ] as [(inout GateConfiguration) throws -> Void] {
            let answer = try browser(change).get("/sso/jwt?jwt=\(jwt)").answer
            #expect(answer?.status == 400 && answer?.reason == "return_path_mismatch")
        }
        let observed = try browser { $0.access.mode = .observe }
        #expect(try observed.get("/sso/jwt?jwt=\(jwt)").head?.hasPrefix("GET /sso/jwt HTTP") == true)
        #expect(observed.observations.map(\.reason) == [.returnPathMismatch])
    }

    @Test("a long path is cut")
    func longPath() throws {
        let jwt = try token()
        let page = try #require(browser().get("/" + String(repeating: "a", count: 500) + "?jwt=\(jwt)").answer)
        #expect(page.body.contains("aaa…;") && !page.body.contains(String(repeating: "a", count: 101)))
    }
}
