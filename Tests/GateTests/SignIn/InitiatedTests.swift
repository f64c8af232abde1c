// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import JWT
import Testing

@Suite("A return that did not begin here")
struct InitiatedTests {
    private func browser(_ policy: InitiatedPolicy) throws -> Browser {
        try Browser { $0.provider.initiated = policy }
    }

    @Test("is let in, asked about or refused, as the config says")
    func policies() throws {
        let allowed = try #require(browser(.allow).get("/.sidegate/callback?jwt=" + token()).answer)
        #expect(allowed.status == 303)
        #expect(allowed.location == "/")
        let asked = try #require(browser(.confirm).get("/.sidegate/callback?jwt=" + token()).answer)
        #expect(asked.status == 200)
        #expect(asked.body.contains("ada@example.com"))
        #expect(!asked.setCookies.contains { $0.hasPrefix("__Host-sidegate=") })
        let refused = try #require(browser(.deny).get("/.sidegate/callback?jwt=" + token()).answer)
        #expect(refused.status == 403)
        #expect(refused.reason == "login_state_missing")
    }

    @Test("confirmed: signs in, to return_to, and burns the token once")
    func confirms() throws {
        let browser = try browser(.confirm)
        let jwt = try token()
        let page = try #require(browser.get("/.sidegate/callback?jwt=\(jwt)&return_to=%2Finbox").answer)
        #expect(!page.body.contains(jwt))
        #expect(page["referrer-policy"] == "strict-origin")
        let form = "attempt=\(try #require(page.hidden("attempt")))&sign_in=\(try #require(page.hidden("sign_in")))"
        let jar = browser.jar
        let answer = try #require(
            browser.post("/.sidegate/confirm", form: form, "Origin: https://app.example.com").answer)
        #expect(answer.status == 303)
        #expect(answer.location == "/inbox")
        #expect(try browser.get("/").user == "ada")
        // Neither the form nor the token again.
        browser.jar = jar
        #expect(try browser.post("/.sidegate/confirm", form: form).answer?.reason == "replayed")
        #expect(try browser.returned(browser.get("/"), token: jwt).answer?.reason == "replayed")
    }

    @Test("login CSRF: to have been asked about one account lets no other in")
    func askedAgain() throws {
        let browser = try browser(.confirm)
        let first = try #require(browser.get("/.sidegate/callback?jwt=" + token("eve")).answer)
        let second = try #require(browser.get("/.sidegate/callback?jwt=" + token("mallory")).answer)
        #expect(second.status == 200 && second.body.contains("mallory@example.com"))
        let state = try #require(first.hidden("attempt"))
        // Not so soon that it looks like a loop.
        browser.now += 31
        let third = try browser.get("/.sidegate/callback?state=\(state)&jwt=" + token("trudy", at: browser.now))
        #expect(third.status == 200)
        #expect(try browser.get("/").user == nil)
    }

    @Test("asked about: the token is burnt at once, and a reload asks again")
    func burnsBeforeAsking() throws {
        let browser = try browser(.confirm)
        let jwt = try token()
        #expect(try browser.get("/.sidegate/callback?jwt=" + jwt).status == 200)
        let other = Browser(browser.gates[0], store: browser.store)
        #expect(try other.get("/.sidegate/callback?jwt=" + jwt).answer?.reason == "replayed")
        let page = try #require(browser.get("/.sidegate/callback?jwt=" + jwt).answer)
        #expect(page.status == 200)
        let form = "attempt=\(try #require(page.hidden("attempt")))&sign_in=\(try #require(page.hidden("sign_in")))"
        #expect(try browser.post("/.sidegate/confirm", form: form).status == 303)
        let down = Browser(browser.gates[0], store: MemoryReplayStore(capacity: 0))
        #expect(try down.get("/.sidegate/callback?jwt=" + jwt).answer?.reason == "replay_store_full")
    }

    @Test("the page is good for ten minutes, and the token stays burnt as long, though it expires before")
    func expires() throws {
        let browser = try browser(.confirm)
        browser.now = noon + 290
        let page = try #require(browser.get("/.sidegate/callback?jwt=" + token()).answer)
        let form = "attempt=\(try #require(page.hidden("attempt")))&sign_in=\(try #require(page.hidden("sign_in")))"
        let jar = browser.jar
        browser.now += 500
        #expect(try browser.post("/.sidegate/confirm", form: form).status == 303)
        browser.jar = jar
        browser.now += 90
        #expect(try browser.post("/.sidegate/confirm", form: form).answer?.reason == "replayed")
        browser.jar = jar
        browser.now += 20
        #expect(try browser.post("/.sidegate/confirm", form: form).answer?.reason == "login_state_expired")
    }

    @Test("nobody else can confirm it: not another site, not another browser, not a form made up")
    func forgery() throws {
        let browser = try browser(.confirm)
        let page = try #require(browser.get("/.sidegate/callback?jwt=" + token("eve")).answer)
        let attempt = try #require(page.hidden("attempt"))
        let field = try #require(page.hidden("sign_in"))
        let form = "attempt=\(attempt)&sign_in=\(field)"
        for foreign in [
            "Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
        ] {
            #expect(try browser.post("/.sidegate/confirm", form: form, foreign).answer?.reason == "login_state_missing")
        }
        // The victim's browser has attempts of its own, but not that one.
        let victim = Browser(browser.gates[0], store: browser.store)
        let redirect = try victim.get("/")
        #expect(try victim.post("/.sidegate/confirm", form: form).answer?.reason == "login_state_missing")
        let own = victim.returnURL(redirect).split(separator: "=").last.map(String.init) ?? ""
        #expect(
            try victim.post("/.sidegate/confirm", form: "attempt=\(own)&sign_in=\(field)").answer?.reason
                == "login_state_missing")
        for bad in [
            "", "attempt=\(attempt)", "sign_in=\(field)", "attempt=\(attempt)&sign_in=x", "attempt=x&sign_in=\(field)",
        ] {
            #expect(try browser.post("/.sidegate/confirm", form: bad).answer?.reason == "login_state_missing")
        }
        #expect(try browser.get("/.sidegate/confirm").status == 405)
        #expect(try browser.post("/.sidegate/confirm", form: form, "Sec-Fetch-Site: same-origin").status == 303)
    }

    @Test("login CSRF: a state that is not this browser's does not count, nor one that is too old")
    func states() throws {
        let attacker = try browser(.deny)
        let theirs = try attacker.get("/")
        let victim = Browser(attacker.gates[0], store: attacker.store)
        try victim.get("/")
        #expect(try victim.returned(theirs, token: token("eve")).answer?.reason == "login_state_missing")
        let mine = try victim.get("/")
        victim.now += 601
        let late = try token(at: victim.now)
        #expect(try victim.returned(mine, token: late).answer?.reason == "login_state_expired")
        // And one with a name that is none.
        for state in ["", "x", "..%2F..", String(repeating: "a", count: 5000)] {
            #expect(
                try victim.get("/.sidegate/callback?jwt=\(late)&state=\(state)").answer?.reason == "login_state_missing"
            )
        }
    }

    @Test("login CSRF: with {state} in the login URL a return must bring one")
    func requiresState() throws {
        let gate = Gate(
            try configuration(loginURL: "https://idp.example/?r={returnURL}&state={state}") {
                $0.provider.initiated = .deny
            },
            random: Sequence().bytes)
        let browser = Browser(gate)
        let location = try #require(browser.get("/deep").answer).location
        let state = location.split(separator: "=").last.map(String.init) ?? ""
        #expect(try browser.get("/.sidegate/callback?jwt=" + token()).answer?.reason == "login_state_missing")
        #expect(try browser.get("/.sidegate/callback?state=\(state)&jwt=" + token()).answer?.location == "/deep")
    }

    @Test("of the user who is signed in already is nothing to ask about")
    func sameUser() throws {
        for policy in InitiatedPolicy.allCases {
            let browser = try browser(policy)
            try browser.signIn()
            #expect(try browser.get("/.sidegate/callback?jwt=" + token("ada", id: "other")).status == 303)
            let other = try browser.get("/.sidegate/callback?jwt=" + token("bob")).status
            #expect(other == [.allow: 303, .confirm: 200, .deny: 403][policy])
        }
    }
}

@Suite("A browser that keeps coming back")
struct LoopTests {
    private func walk(_ browser: Browser) throws -> [Int] {
        try (0..<4).map { turn in
            browser.now += 2
            let redirect = try browser.get("/page")
            #expect(redirect.status == 302)
            return try browser.returned(redirect, token: token(at: browser.now, id: "\(turn)")).status
        }
    }

    @Test("gets a page that names the causes the third time, and then may try again")
    func dropsTheSession() throws {
        let browser = try Browser()
        browser.blocks = { $0 == "__Host-sidegate" }
        #expect(try walk(browser) == [303, 303, 403, 303])
    }

    @Test("gets it though no cookie is kept at all")
    func dropsAll() throws {
        for policy in [InitiatedPolicy.allow, .confirm] {
            let browser = try Browser { $0.provider.initiated = policy }
            browser.blocks = { _ in true }
            let usual = policy == .allow ? 303 : 200
            #expect(try walk(browser) == [usual, usual, 403, usual])
        }
        // Secure cookies over http are dropped by browsers.
        let insecure = try Browser {
            $0.provider.initiated = .allow
            $0.publicURL = PublicOrigin("https://app.example.com")
        }
        insecure.context.isSecure = false
        insecure.blocks = { $0.hasPrefix("__Host-") }
        #expect(try walk(insecure) == [303, 303, 403, 303])
        #expect(insecure.jar.isEmpty)
    }

    @Test("gets it when replicas have different secrets")
    func differentSecrets() throws {
        let gates = try ["one of the secrets, of 32 bytes!", "another of the secrets, 32 bytes"].map { secret in
            Gate(
                try configuration {
                    $0.session.secrets = [Array(secret.utf8)]
                    $0.provider.initiated = .allow
                }, random: Sequence().bytes)
        }
        // Redirected by one, back at the other, and the page asked of the first again.
        let browser = Browser(gates[0], gates[1])
        #expect(try walk(browser) == [303, 303, 403, 303])
    }

    @Test("the page names what to check, and the log distinguishes it")
    func page() throws {
        let browser = try Browser()
        browser.blocks = { $0 == "__Host-sidegate" }
        for turn in 0..<2 { try browser.returned(browser.get("/"), token: token(id: "\(turn)")) }
        let answer = try #require(browser.returned(browser.get("/x"), token: token()).answer)
        #expect(answer.response.outcome == .loginLoop)
        #expect(answer.body.contains("cookie"))
        #expect(answer.body.contains("/.sidegate/login?return_to=%2Fx"))
    }

    @Test("is none when half a minute lies between, or when the session was there")
    func slowOrSignedIn() throws {
        let slow = try Browser()
        slow.blocks = { $0 == "__Host-sidegate" }
        for turn in 0..<6 {
            slow.now += 16
            #expect(try slow.returned(slow.get("/"), token: token(at: slow.now, id: "\(turn)")).status == 303)
        }
        let fine = try Browser()
        for turn in 0..<6 {
            #expect(try fine.returned(fine.get("/.sidegate/login"), token: token(id: "\(turn)")).status == 303)
        }
        let brief = try Browser { $0.session.idleTimeout = 2 }
        for _ in 0..<6 {
            #expect(try brief.signIn().status == 303)
            brief.now += 3
        }
    }
}
