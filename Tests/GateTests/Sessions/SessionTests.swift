// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import JWT
import Testing

@Suite("Sessions")
struct SessionTests {
    @Test("the idle time slides, the lifetime does not")
    func times() throws {
        let browser = try Browser()
        try browser.signIn()
        for _ in 0..<23 {
            browser.now += 30 * 60
            #expect(try browser.get("/").user == "ada")
        }
        // Eleven and a half hours after the sign-in; at twelve it ends, however busy.
        browser.now += 31 * 60
        let answer = try #require(browser.get("/").answer)
        #expect(answer.status == 302)
        #expect(answer.reason == "session_expired")
    }

    @Test("an idle session ends, to the second")
    func idle() throws {
        let browser = try Browser()
        try browser.signIn()
        browser.now += 3599
        let jar = browser.jar
        #expect(try browser.get("/").user == "ada")
        browser.jar = jar
        browser.now += 1
        #expect(try browser.get("/", "Accept: application/json").answer?.reason == "session_idle")
    }

    @Test("renewal is rare: at most once a minute, or a tenth of the idle time")
    func renewal() throws {
        for (idle, quiet, due) in [(3600.0, 59.0, 61.0), (100, 9, 11), (20, 1, 3)] {
            let browser = try Browser { $0.session.idleTimeout = idle }
            try browser.signIn()
            let jar = browser.jar
            browser.now += quiet
            guard case .forwarded(_, _, let early) = try browser.get("/") else { return #expect(Bool(false)) }
            #expect(early.isEmpty)
            browser.now += due - quiet
            guard case .forwarded(_, _, let lines) = try browser.get("/") else { return #expect(Bool(false)) }
            #expect(lines.count == 1)
            #expect(lines.first?.contains("Max-Age=\(43200 - Int(due));") == true)
            // The other requests of the page still have the old cookie.
            browser.jar = jar
            guard case .forwarded(_, _, let again) = try browser.get("/") else { return #expect(Bool(false)) }
            #expect(again.isEmpty)
        }
        let endless = try Browser { $0.session.idleTimeout = 0 }
        try endless.signIn()
        endless.now += 11 * 3600
        guard case .forwarded(_, _, let lines) = try endless.get("/") else { return #expect(Bool(false)) }
        #expect(lines.isEmpty)
    }

    @Test("cached sessions have their times compared on each request")
    func cacheAndTimes() throws {
        let browser = try Browser()
        try browser.signIn()
        let jar = browser.jar
        #expect(try browser.get("/").user == "ada")
        browser.now += 3600
        browser.jar = jar
        #expect(try browser.get("/").answer?.reason == "session_idle")
    }

    @Test("CVE-2026-47775, CVE-2023-35941: whatever is wrong with a session cookie, it looks the same")
    func tampering() throws {
        let browser = try Browser()
        try browser.signIn()
        let good = try #require(browser.jar.first { $0.name == "__Host-sidegate" }?.value)
        var bad = ["x", "=", "2.", "9.abc", "2.\(good)", "\(good)=", "\(good)A", String(good.dropLast()), "%41" + good]
        for position in stride(from: 0, to: good.utf8.count, by: 7) {
            var bytes = Array(good.utf8)
            bytes[position] = bytes[position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            bad.append(String(decoding: bytes, as: UTF8.self))
        }
        var answers: Set<String> = []
        for value in bad {
            browser.jar = [("__Host-sidegate", value)]
            let answer = try #require(browser.get("/", "Accept: application/json", "X-Request-ID: same").answer)
            #expect(answer.reason == "session_invalid")
            answers.insert("\(answer.status) \(answer.fields) \(answer.body)")
        }
        #expect(answers.count == 1)
        browser.jar = [("__Host-sidegate", good)]
        #expect(try browser.get("/").user == "ada")
    }

    @Test("CVE-2026-47775: a cookie is good for its own host, name, scheme and purpose only")
    func binding() throws {
        let browser = try Browser()
        let redirect = try #require(browser.get("/").answer)
        let login = try #require(redirect.setCookies.first?.split(separator: ";").first?.split(separator: "=").last)
        try browser.signIn()
        let good = try #require(browser.jar.first { $0.name == "__Host-sidegate" }?.value)

        browser.host = "other.example.com"
        browser.jar = [("__Host-sidegate", good)]
        #expect(try browser.get("/").answer?.reason == "session_invalid")
        // Twice, and the second time past the first one's cached verdict.
        browser.host = "APP.example.com"
        #expect(try browser.get("/").user == "ada")
        browser.host = "other.example.com"
        #expect(try browser.get("/").answer?.reason == "session_invalid")

        browser.host = "app.example.com"
        browser.jar = [("__Host-sidegate", String(login))]
        #expect(try browser.get("/").answer?.reason == "session_invalid")
        browser.context.isSecure = false
        browser.jar = [("sidegate", good)]
        #expect(try browser.get("/").answer?.reason == "session_invalid")
        browser.jar = [("__Host-sidegate", good)]
        #expect(try browser.get("/").answer?.reason == nil)
    }

    @Test("secrets rotate without logout: the first seals, all open")
    func rotation() throws {
        let old = Array("the old secret of this session..".utf8)
        let new = Array("the new secret of this session..".utf8)
        let browser = try Browser { $0.session.secrets = [old] }
        try browser.signIn()
        let both = Gate(try configuration { $0.session.secrets = [new, old] }, random: Sequence().bytes)
        let newest = Gate(try configuration { $0.session.secrets = [new] }, random: Sequence().bytes)
        browser.gates = [both]
        #expect(try browser.get("/").user == "ada")
        browser.now += 120
        #expect(try browser.get("/").user == "ada")
        browser.gates = [newest]
        #expect(try browser.get("/").user == "ada")
        browser.gates = [Gate(try configuration { $0.session.secrets = [old] }, random: Sequence().bytes)]
        #expect(try browser.get("/").answer?.reason == "session_invalid")
    }

    @Test("CVE-2024-24814: a large session is split over a few cookies, bounded, and old chunks end")
    func chunks() throws {
        let browser = try Browser()
        let groups = (0..<150).map { JSONValue.string("a-group-with-a-rather-long-name-\($0)") }
        try browser.returned(browser.get("/"), token: token("ada", [("groups", .array(groups))]))
        let names = browser.jar.map(\.name).filter { !$0.contains("login") }
        #expect(names == ["__Host-sidegate", "__Host-sidegate-1"])
        #expect(browser.jar.allSatisfy { $0.name.utf8.count + $0.value.utf8.count <= 4096 })
        let head = try #require(browser.get("/").head)
        #expect(head.contains("a-group-with-a-rather-long-name-149"))
        #expect(!head.contains("sidegate"))
        // From the cache, and after a renewal.
        #expect(try browser.get("/").user == "ada")
        browser.now += 100
        #expect(try browser.get("/").user == "ada")
        #expect(try browser.get("/").user == "ada")

        // A chunk missing, or one of another session.
        let whole = browser.jar
        browser.jar.removeAll { $0.name == "__Host-sidegate-1" }
        #expect(try browser.get("/", "Accept: a/b").answer?.reason == "session_invalid")
        browser.jar = whole.map { ($0.name, $0.name.hasSuffix("-1") ? String($0.value.reversed()) : $0.value) }
        #expect(try browser.get("/", "Accept: a/b").answer?.reason == "session_invalid")

        // A smaller session takes its place.
        browser.jar = whole
        try browser.returned(browser.get("/.sidegate/login"), token: token("bob", at: browser.now))
        #expect(browser.jar.map(\.name).filter { !$0.contains("login") } == ["__Host-sidegate"])
        #expect(try browser.get("/").user == "bob")

        // And one that would need too many is refused, not cut.
        let more = (0..<300).map { JSONValue.string("a-group-with-a-rather-long-name-\($0)") }
        let answer = try browser.returned(
            browser.get("/.sidegate/login"), token: token("ada", at: browser.now, [("groups", .array(more))])
        ).answer
        #expect(answer?.reason == "field_invalid")
    }

    @Test(
        "CVE-2023-28625: malformed Cookie fields crash nothing",
        arguments: [
            "", ";", "=", ";;;=;=", "a", "a=", "=b", "__Host-sidegate", "__Host-sidegate=", "__Host-sidegate=;",
            "__Host-sidegate==", "__Host-sidegate-", "__Host-sidegate-=x", "__Host-sidegate-9=x",
            "__Host-sidegate-login-",
            "__Host-sidegate-login-=x", "__Host-sidegate-login-returns=99999999999999999999.x..",
            "__Host-sidegate=2.x; __Host-sidegate-1=", "  ;  a=b  ; ; c", "\"__Host-sidegate\"=x", "a=\"b;c\"",
            "\u{80}=\u{ff}",
        ])
    func malformedCookies(_ text: String) throws {
        let browser = try Browser()
        let head = try RequestHead(
            parsing: "GET /.sidegate/callback?jwt=\(try token()) HTTP/1.1\r\nHost: a.example\r\nCookie: \(text)\r\n\r\n"
        )
        #expect(try browser.ask(head).status == 200)
        let page = try RequestHead(parsing: "GET / HTTP/1.1\r\nHost: a.example\r\nCookie: \(text)\r\n\r\n")
        #expect(try browser.ask(page).status == 302)
    }

    @Test("one login for many subdomains: a __Secure- cookie for the domain, and the way back to the right host")
    func domain() throws {
        let browser = try Browser {
            $0.publicURL = PublicOrigin("https://login.example.com")
            $0.session.domain = "example.com"
        }
        browser.host = "wiki.example.com"
        let redirect = try browser.get("/page")
        #expect(redirect.answer?.location.contains("https%3A%2F%2Flogin.example.com%2F.sidegate%2Fcallback") == true)
        #expect(
            redirect.answer?.setCookies.allSatisfy { $0.hasPrefix("__Secure-") && $0.contains("; Domain=example.com;") }
                == true)
        browser.host = "login.example.com"
        let back = try browser.returned(redirect, token: token())
        #expect(back.answer?.location == "https://wiki.example.com/page")
        browser.host = "wiki.example.com"
        #expect(try browser.get("/page").user == "ada")
        browser.host = "other.example.com"
        #expect(try browser.get("/page").user == "ada")
    }

    @Test("the cookie's name is the config's when it gives one")
    func ownName() throws {
        let browser = try Browser { $0.session.cookieName = "sso" }
        try browser.signIn()
        #expect(browser.jar.contains { $0.name == "sso" })
        let head = try #require(browser.get("/").head)
        #expect(!head.contains("sso="))
    }

    @Test("CVE-2024-39315: /.sidegate/session shows fields and times, never the token, and is no activity")
    func document() throws {
        let browser = try Browser()
        #expect(try browser.get("/.sidegate/session").status == 401)
        try browser.returned(
            browser.get("/"), token: token("ada", [("groups", ["a", "b"]), ("given_name", "Ada \"L\"")]))
        let answer = try #require(browser.get("/.sidegate/session").answer)
        #expect(answer.status == 200)
        #expect(answer["cache-control"] == "no-store")
        #expect(
            answer.body
                == #"{"user":"ada","fields":{"user":"ada","email":"ada@example.com","givenName":"Ada \"L\"","#
                + #""groups":["a","b"]},"signed_in_at":1790000000,"expires_at":1790043200,"idle_expires_at":1790003600}"#
                + "\n")
        browser.now += 600
        #expect(try browser.get("/.sidegate/session").answer?.setCookies.isEmpty == true)
        #expect(try browser.send("POST", "/.sidegate/session", ["Content-Length: 0"]).status == 405)
    }

    @Test("a store of used tokens is bounded, forgets what expired, and claims all or nothing")
    func replayStore() {
        let store = MemoryReplayStore(capacity: 3)
        func claim(_ keys: [[UInt8]], until expiry: Double, now: Double) -> ReplayVerdict {
            store.consume(keys, for: Retention(until: expiry, now: now), now: ClockReading(wall: now, monotonic: now))
        }
        #expect(claim([[1], [2]], until: 10, now: 0) == .fresh)
        #expect(claim([[3], [2]], until: 10, now: 1) == .replayed)
        #expect(claim([[3]], until: 20, now: 1) == .fresh)
        #expect(claim([[4]], until: 20, now: 9.9) == .full)
        #expect(store.isUsed([[9], [3]]) && !store.isUsed([[4]]))
        #expect(claim([[4]], until: 30, now: 10) == .fresh)
        #expect(store.count == 2)
        #expect(claim([[1]], until: 30, now: 10) == .fresh)
        #expect(claim([[3]], until: 30, now: 19) == .replayed)
        let big = MemoryReplayStore()
        for number in 0..<1000 {
            let retention = Retention(until: Double((number * 7919) % 1000), now: -1)
            #expect(
                big.consume(
                    [[UInt8(number & 255), UInt8(number >> 8)]], for: retention,
                    now: ClockReading(wall: -1, monotonic: -1)) == .fresh)
        }
        for now in 0..<1000 {
            let clock = ClockReading(wall: Double(now), monotonic: Double(now))
            _ = big.consume([], for: Retention(until: 0, now: 0), now: clock)
            #expect(big.count == 999 - now)
        }
    }
}
