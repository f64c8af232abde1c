// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Testing

@Suite("Sign-in")
struct SignInTests {
    @Test("a whole sign-in: redirect, return, the page first asked for, the app with the user's name")
    func walks() throws {
        let browser = try Browser()
        let redirect = try browser.get("/wiki/page?a=1&b=2")
        #expect(redirect.status == 302)
        let jwt = try token("ada")
        let back = try #require(browser.returned(redirect, token: jwt).answer)
        #expect(back.status == 303)
        #expect(back.location == "/wiki/page?a=1&b=2")
        #expect(back["cache-control"] == "no-store")
        // CVE-2021-29651: the token leaves by nothing that we send.
        #expect(!back.fields.contains { $0.value.contains(jwt) } && !back.body.contains(jwt))
        #expect(browser.jar.map(\.name) == ["__Host-sidegate", "__Host-sidegate-login-returns"])

        let page = try browser.get(back.location)
        #expect(page.user == "ada")
        let head = try #require(page.head)
        #expect(head.hasPrefix("GET /wiki/page?a=1&b=2 HTTP/1.1\r\nHost: app.example.com\r\n"))
        #expect(head.contains("\r\nX-Forwarded-User: ada\r\n"))
        #expect(head.contains("\r\nX-Forwarded-Email: ada@example.com\r\n"))
        #expect(!head.contains("sidegate"))
    }

    @Test("the session cookie is sealed, for this host alone, and out of reach of scripts")
    func cookieAttributes() throws {
        let browser = try Browser()
        let answer = try #require(browser.signIn().answer)
        let cookie = try #require(answer.setCookies.first { $0.hasPrefix("__Host-sidegate=") })
        #expect(cookie.hasSuffix("; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax"))
        #expect(!cookie.contains("ada"))

        browser.context.isSecure = false
        let plain = try #require(browser.signIn().answer)
        let other = try #require(plain.setCookies.first { $0.hasPrefix("sidegate=") })
        #expect(other.hasSuffix("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"))
    }

    @Test("parallel tabs each get back to their own page")
    func parallelTabs() throws {
        let browser = try Browser()
        let first = try browser.get("/first?tab=1")
        let second = try browser.get("/second?tab=2")
        let third = try browser.get("/third?tab=3")
        #expect(try browser.returned(second, token: token(id: "2")).answer?.location == "/second?tab=2")
        #expect(try browser.returned(first, token: token(id: "1")).answer?.location == "/first?tab=1")
        #expect(try browser.returned(third, token: token(id: "3")).answer?.location == "/third?tab=3")
    }

    @Test("an IdP that drops the state gets the newest attempt's page")
    func withoutState() throws {
        let browser = try Browser()
        try browser.get("/old")
        browser.now += 2
        try browser.get("/new")
        #expect(try browser.get("/.sidegate/callback?jwt=" + token()).answer?.location == "/new")
    }

    @Test("an IdP that puts a second question mark is understood")
    func doubledQuery() throws {
        let browser = try Browser()
        let redirect = try browser.get("/page")
        let answer = try browser.get(browser.returnURL(redirect) + "?jwt=" + token()).answer
        #expect(answer?.status == 303)
        #expect(answer?.location == "/page")
    }

    @Test("at most seven attempts are kept, the oldest goes first")
    func capsAttempts() throws {
        let browser = try Browser()
        for number in 0..<20 {
            browser.now += 1
            try browser.get("/\(number)")
            #expect(browser.jar.count == min(number + 1, 7))
        }
        let newest = try browser.get("/newest")
        #expect(try browser.returned(newest, token: token(at: browser.now)).answer?.location == "/newest")
    }

    @Test("a form POST signs in as a query does, and its token is in no URL")
    func formPost() throws {
        let browser = try Browser()
        let redirect = try browser.get("/deep?x=1")
        let answer = try browser.post(browser.returnURL(redirect), form: "other=1&jwt=" + token()).answer
        #expect(answer?.status == 303)
        #expect(answer?.location == "/deep?x=1")
        #expect(try browser.get("/").user == "ada")
    }

    @Test("over https the login cookie comes along with a POST from another site, the session's does not")
    func sameSite() throws {
        let browser = try Browser()
        let redirect = try #require(browser.get("/").answer)
        #expect(redirect.setCookies.allSatisfy { $0.contains("SameSite=None") && $0.contains("Secure") })
        browser.context.isSecure = false
        let plain = try #require(browser.get("/").answer)
        #expect(plain.setCookies.allSatisfy { !$0.contains("SameSite") && !$0.contains("Secure") })
    }

    @Test("a form of the wrong type or size is refused")
    func badForms() throws {
        let browser = try Browser()
        let path = "/.sidegate/callback"
        #expect(try browser.send("POST", path, ["Content-Type: application/json", "Content-Length: 2"]).status == 415)
        #expect(try browser.send("POST", path, ["Content-Length: 2"]).status == 415)
        #expect(try browser.post(path, form: "jwt=" + String(repeating: "a", count: 70_000)).status == 413)
        #expect(
            try browser.post(path, form: "jwt=" + String(repeating: "a", count: 20_000)).answer?.reason
                == "token_too_large")
        #expect(try browser.send("HEAD", path + "?jwt=x").status == 405)
        #expect(try browser.send("PUT", path + "?jwt=x", ["Content-Length: 0"]).status == 405)
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        let query: String
        let status: Int
        let reason: String
        var testDescription: String { query }
    }

    @Test(
        "what is wrong with a token is said, with its code",
        arguments: [
            Refused(query: "", status: 400, reason: "token_missing"),
            Refused(query: "?", status: 400, reason: "token_missing"),
            Refused(query: "?jwt=", status: 400, reason: "token_missing"),
            Refused(query: "?token=abc", status: 400, reason: "token_missing"),
            Refused(query: "?error=access_denied", status: 400, reason: "token_missing"),
            Refused(query: "?jwt=abc", status: 403, reason: "token_malformed"),
            // mod_auth_openidc 2026: a security parameter given twice.
            Refused(query: "?jwt=TOKEN&jwt=TOKEN", status: 400, reason: "token_malformed"),
            Refused(query: "?jwt=TOKEN&%6Awt=TOKEN", status: 400, reason: "token_malformed"),
            Refused(query: "?jwt=TOKEN&state=a&state=b", status: 400, reason: "token_malformed"),
            Refused(query: "?jwt=OTHERKEY", status: 403, reason: "signature_invalid"),
            Refused(query: "?jwt=OLD", status: 403, reason: "expired"),
            Refused(query: "?jwt=NOEMAIL", status: 403, reason: "field_missing"),
            Refused(query: "?jwt=TWOAT", status: 403, reason: "field_invalid"),
            Refused(query: "?jwt=CONTROL", status: 403, reason: "field_invalid"),
        ])
    func badTokens(_ example: Refused) throws {
        let tokens = [
            "TOKEN": try token(), "OTHERKEY": try token(secret: Array("another secret, also of 32 bytes".utf8)),
            "OLD": try token(at: noon - 1000), "NOEMAIL": try token(email: ""),
            // CVE-2026-40574: an e-mail has exactly one @.
            "TWOAT": try token(email: "ada@evil.example@example.com"),
            "CONTROL": try token("ada\r\nX-Forwarded-User: root", email: "ada@example.com"),
        ]
        var query = example.query
        for (name, value) in tokens { query = query.replacing(name, value) }
        let answer = try #require(Browser().get("/.sidegate/callback" + query).answer)
        #expect(Int(answer.status) == example.status)
        #expect(answer.reason == example.reason)
        #expect(answer.body.contains(example.reason))
        #expect(answer.body.contains("/.sidegate/login?return_to="))
        #expect(answer["content-security-policy"] != nil)
        #expect(answer["referrer-policy"] == "no-referrer")
        for value in tokens.values { #expect(!answer.body.contains(value)) }
        let json = try #require(
            Browser().get("/.sidegate/callback" + query, "Accept: application/json").answer)
        #expect(Int(json.status) == example.status)
        #expect(json["content-type"] == "application/json")
        #expect(json.body.contains("\"reason\":\"\(example.reason)\""))
    }

    @Test("each token signs in once")
    func singleUse() throws {
        let browser = try Browser()
        let jwt = try token()
        #expect(try browser.returned(browser.get("/"), token: jwt).status == 303)
        let thief = Browser(browser.gates[0], store: browser.store)
        let answer = try #require(thief.returned(thief.get("/"), token: jwt).answer)
        #expect(answer.status == 403)
        #expect(answer.reason == "replayed")
        #expect(thief.jar.allSatisfy { $0.name.contains("login") })
    }

    @Test("where jti is required, one issuer's id is used once whatever token holds it")
    func singleUseOfIDs() throws {
        let browser = try Browser { $0.provider.tokenPolicy.minimumIDLength = 4 }
        #expect(try browser.returned(browser.get("/"), token: token(id: "same")).status == 303)
        let thief = Browser(browser.gates[0], store: browser.store)
        let other = try token("eve", id: "same")
        #expect(try thief.returned(thief.get("/"), token: other).answer?.reason == "replayed")
    }

    @Test("with singleUse off a token signs in again")
    func manyUses() throws {
        let browser = try Browser { $0.provider.singleUse = false }
        let jwt = try token()
        for _ in 0..<2 {
            browser.jar = []
            #expect(try browser.returned(browser.get("/"), token: jwt).status == 303)
        }
    }

    @Test("one's own burnt token again, while signed in, is no error")
    func ownReplay() throws {
        let browser = try Browser()
        let jwt = try token()
        let redirect = try browser.get("/page")
        try browser.returned(redirect, token: jwt)
        let session = browser.jar.first { $0.name == "__Host-sidegate" }?.value
        let again = try #require(browser.returned(redirect, token: jwt).answer)
        #expect(again.status == 303)
        #expect(again.location == "/")
        #expect(browser.jar.first { $0.name == "__Host-sidegate" }?.value == session)
        // But not somebody else's.
        let eve = Browser(browser.gates[0], store: browser.store)
        try eve.signIn(as: "eve")
        #expect(try eve.returned(eve.get("/.sidegate/login"), token: jwt).answer?.reason == "replayed")
        #expect(try eve.get("/").user == "eve")
    }

    @Test("CVE-2026-34454, CVE-2021-41230: signing in replaces the whole old session, with a fresh id")
    func replacesSession() throws {
        let browser = try Browser()
        try browser.returned(browser.get("/"), token: token("ada", [("groups", ["admins"])]))
        let old = browser.jar.first { $0.name == "__Host-sidegate" }?.value
        #expect(try browser.get("/").head?.contains("X-Forwarded-Groups: admins") == true)
        try browser.returned(browser.get("/.sidegate/login"), token: token("bob"))
        let head = try #require(browser.get("/").head)
        #expect(head.contains("X-Forwarded-User: bob"))
        #expect(!head.contains("admins") && !head.contains("Groups"))
        #expect(browser.jar.first { $0.name == "__Host-sidegate" }?.value != old)
    }

    @Test("when the replay store is out of reach or full, onFailure decides, and the page says which of the two it is")
    func replayStoreFailure() throws {
        for (policy, status) in [(ReplayFailurePolicy.deny, UInt16(503)), (.allow, 303)] {
            let gate = Gate(try configuration { $0.replayFailure = policy }, random: Sequence().bytes)
            let browser = Browser(gate)
            browser.isStoreAway = true
            let answer = try #require(browser.returned(browser.get("/"), token: token()).answer)
            #expect(answer.status == status)
            #expect(answer.reason == (policy == .deny ? "replay_store_unavailable" : nil))
            let crowded = Browser(gate, store: MemoryReplayStore(capacity: 0))
            let full = try #require(crowded.returned(crowded.get("/"), token: token(id: "2")).answer)
            #expect(full.status == status)
            #expect(full.reason == (policy == .deny ? "replay_store_full" : nil))
            #expect(full.body.contains("replay.maxEntries") == (policy == .deny) && !full.body.contains("shared store"))
        }
    }

    @Test("the token parameter and the return path are the config's")
    func configured() throws {
        let browser = try Browser {
            $0.provider.tokenParameter = "token"
            $0.provider.returnPath = "/access/jwt"
        }
        let redirect = try browser.get("/x?token=leftover&y=1")
        #expect(browser.returnURL(redirect).hasPrefix("/access/jwt?state="))
        let answer = try browser.get(browser.returnURL(redirect) + "&token=" + token()).answer
        #expect(answer?.location == "/x?token=leftover&y=1")
    }

    @Test("return_to of the return path leads on when no attempt remembers, and never away")
    func returnTo() throws {
        for (target, location) in [
            ("/inbox?a=1", "/inbox?a=1"), ("https://app.example.com/x", "https://app.example.com/x"),
            ("//evil.example/", "/"), ("https://evil.example/", "/"), ("/\\evil.example", "/"), ("/%0d%0a", "/"),
        ] {
            let browser = try Browser { $0.provider.initiated = .allow }
            let query = "?jwt=" + (try token()) + "&return_to=" + encoded(target)
            let answer = try browser.get("/.sidegate/callback" + query).answer
            #expect(answer?.status == 303)
            #expect(answer?.location == location)
        }
    }

    @Test("/.sidegate/login begins an attempt for return_to, and refuses what leads away")
    func loginPath() throws {
        let browser = try Browser()
        let redirect = try browser.get("/.sidegate/login?return_to=%2Finbox%3Fa%3D1")
        #expect(redirect.status == 302)
        #expect(try browser.returned(redirect, token: token()).answer?.location == "/inbox?a=1")
        for bad in ["//evil.example", "https://evil.example/", "/%5Cevil.example", "/a%0d", "x"] {
            let answer = try #require(browser.get("/.sidegate/login?return_to=" + encoded(bad)).answer)
            #expect(answer.status == 400)
            #expect(answer.reason == "return_url_refused")
        }
        #expect(try browser.get("/.sidegate/login?return_to=%2Fa&return_to=%2Fb").status == 400)
        #expect(try browser.send("DELETE", "/.sidegate/login").status == 405)
    }
}

func encoded(_ text: String) -> String {
    var output = ""
    for byte in text.utf8 {
        let hex = String(byte, radix: 16)
        output += "%" + (hex.count == 1 ? "0" : "") + hex
    }
    return output
}
