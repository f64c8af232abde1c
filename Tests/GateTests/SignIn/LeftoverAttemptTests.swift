// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import JWT
import Testing

/// Login CSRF by an attempt that is still pending: the user began two, and returned from one.
@Suite("Attempts that are left over")
struct LeftoverAttemptTests {
    private static let typed = [
        "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none", "Accept: text/html",
    ]

    private static func attempts(_ answer: Reply?) -> [String] {
        (answer?.setCookies ?? []).filter {
            $0.hasPrefix("__Host-sidegate-login-") && !$0.hasPrefix("__Host-sidegate-login-returns")
        }
    }

    /// By which way a return comes.
    enum Way: CaseIterable {
        case get, post
    }

    private func finish(_ browser: Browser, _ redirect: Outcome, _ jwt: String, _ way: Way) throws -> Reply? {
        switch way {
        case .get: try browser.returned(redirect, token: jwt).answer
        case .post:
            try browser.post(browser.returnURL(redirect), form: "jwt=" + jwt, "Sec-Fetch-Site: cross-site").answer
        }
    }

    /// The return of another site, with its own token and without a `state`.
    private func attack(_ browser: Browser, _ jwt: String, _ way: Way) throws -> Reply? {
        switch way {
        case .get: try browser.get("/.sidegate/callback?jwt=" + jwt, "Sec-Fetch-Site: cross-site").answer
        case .post:
            try browser.post("/.sidegate/callback", form: "jwt=" + jwt, "Sec-Fetch-Site: cross-site").answer
        }
    }

    @Test(
        "count only with their own state after a return that named another",
        arguments: InitiatedPolicy.allCases, Way.allCases)
    func leftover(_ policy: InitiatedPolicy, _ way: Way) throws {
        for isStored in [false, true] {
            let victim = try Browser {
                $0.provider.initiated = policy
                $0.session.isStored = isStored
            }
            let first = try victim.send("GET", "/first", Self.typed)
            victim.now += 1
            let second = try victim.send("GET", "/second", Self.typed)
            victim.now += 59
            let done = try finish(victim, first, token("ada"), way)
            #expect(done?.status == 303)
            let lines = Self.attempts(done)
            #expect(lines.count == 2)
            // The remaining time of the other one, and its other attributes.
            #expect(lines.last?.contains("; Path=/; Max-Age=541; HttpOnly; Secure; SameSite=None") == true)

            let jwt = try token("eve")
            let answer = try #require(try attack(victim, jwt, way))
            guard policy != .allow else {
                #expect(answer.status == 303)
                continue
            }
            #expect(answer.response.outcome == .confirm, "\(policy) \(way)")
            #expect(answer.body.contains("eve@example.com"))
            #expect(try victim.get("/").user == "ada")
            // The page works as for any attempt of another site.
            let form =
                "attempt=\(try #require(answer.hidden("attempt")))&sign_in=\(try #require(answer.hidden("sign_in")))"
            let agreed = try victim.post("/.sidegate/confirm", form: form, "Sec-Fetch-Site: same-origin").answer
            #expect(agreed?.status == 303)
            #expect(try victim.get("/").user == "eve")
            // The other tab returns with its own state.
            let tab = try finish(victim, second, token("ada", id: "second"), way)
            #expect(tab?.status == 303)
            #expect(tab?.location == "/second")
            #expect(try victim.get("/").user == "ada")
        }
    }

    @Test("end at their own time")
    func lifetime() throws {
        let browser = try Browser { $0.provider.initiated = .deny }
        let first = try browser.send("GET", "/first", Self.typed)
        browser.now += 1
        let second = try browser.send("GET", "/second", Self.typed)
        browser.now += 300
        #expect(try browser.returned(first, token: token("ada", at: browser.now)).status == 303)
        browser.now += 300
        let late = try browser.returned(second, token: token("eve", at: browser.now)).answer
        #expect(late?.reason == "login_state_expired")
    }

    @Test("are as before where the provider returns no state")
    func withoutState() throws {
        let browser = try Browser { $0.provider.initiated = .deny }
        try browser.send("GET", "/first", Self.typed)
        browser.now += 1
        try browser.send("GET", "/second", Self.typed)
        for (number, path) in ["/second", "/first"].enumerated() {
            let answer = try browser.get("/.sidegate/callback?jwt=" + token("ada", id: "\(number)")).answer
            #expect(answer?.status == 303)
            #expect(answer?.location == path)
            #expect(Self.attempts(answer).count == 1, "only the one that ends")
        }
    }

    @Test("are as before where no return without a state counts")
    func stateIsRequired() throws {
        let browser = try Browser { $0.provider.requiresState = true }
        let first = try browser.send("GET", "/first", Self.typed)
        try browser.send("GET", "/second", Self.typed)
        #expect(Self.attempts(try browser.returned(first, token: token("ada")).answer).count == 1)
    }

    @Test("are as before when the return signs nobody in")
    func refused() throws {
        let browser = try Browser()
        let first = try browser.send("GET", "/first", Self.typed)
        try browser.send("GET", "/second", Self.typed)
        let answer = try browser.returned(first, token: token("ada", at: noon - 900)).answer
        #expect(answer?.status == 403)
        #expect(Self.attempts(answer).isEmpty)
    }

    @Test("are kept up to a number and a size, the newest first; cookies of other hosts are left alone")
    func bound() throws {
        for (length, kept) in [(1, 7), (1000, 2)] {
            let browser = try Browser { $0.provider.initiated = .deny }
            var jar: [(name: String, value: String)] = []
            var redirects: [Outcome] = []
            // Tabs that are restored together: none of them knows of the others.
            for number in 0..<12 {
                browser.jar = []
                browser.now += 1
                let path = "/\(number)/" + String(repeating: "a", count: length)
                redirects.append(try browser.send("GET", path, Self.typed))
                jar += browser.jar
            }
            let own = try #require(jar.first)
            let junk = (name: String(own.name.dropLast()) + "~", value: own.value)
            let foreign = (name: String(own.name.dropLast(2)) + "zz", value: own.value)
            browser.jar = jar + [junk, foreign]
            let lines = Self.attempts(try browser.returned(redirects[0], token: token("ada")).answer)
            #expect(lines.count == 12)
            let set = lines.filter { !$0.contains("Max-Age=0;") }
            #expect(set.count == kept)
            for (number, line) in set.enumerated() { #expect(line.hasPrefix(jar[11 - number].name + "=")) }
            #expect(lines.allSatisfy { !$0.hasPrefix(junk.name) && !$0.hasPrefix(foreign.name) })
            #expect(try attack(browser, token("eve"), .get)?.response.outcome == .confirm)
            #expect(try browser.get("/").user == "ada")
            #expect(try browser.returned(redirects[11], token: token("ada", id: "last")).status == 303)
        }
    }
}
