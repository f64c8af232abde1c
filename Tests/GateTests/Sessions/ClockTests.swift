// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import JWT
import Testing

/// What must be remembered is, however the wall clock moves.
@Suite("A wall clock that jumps")
struct ClockTests {
    /// A moment, in seconds from the start: on the monotonic clock, and by how much the wall clock is off.
    struct Step: Sendable {
        let later: Double
        let off: Double
    }

    private func set(_ browser: Browser, _ step: Step) {
        browser.monotonic = 5000 + step.later
        browser.now = noon + step.later + step.off
    }

    /// What happens between the use of a token and the second.
    static let walks: [[Step]] = [
        [],
        [Step(later: 1, off: 900)],
        [Step(later: 1, off: 900), Step(later: 2, off: 86_400), Step(later: 3, off: 900)],
        [Step(later: 1, off: -900)],
        [Step(later: 1, off: -86_400), Step(later: 2, off: 86_400)],
        (1...20).map { Step(later: Double($0), off: Double($0 % 2) * 900) },
    ]

    @Test("a used token does not come back", arguments: walks)
    func token(walk: [Step]) throws {
        let browser = try Browser { $0.provider.initiated = .allow }
        set(browser, Step(later: 0, off: 0))
        let jwt = try GateTests.token()
        #expect(try browser.get("/.sidegate/callback?jwt=" + jwt).status == 303)
        for step in walk {
            // Another sign-in, at which the store forgets what it may.
            set(browser, step)
            browser.jar = []
            let other = try GateTests.token("bob", at: browser.now, id: "\(step)")
            #expect(try browser.get("/.sidegate/callback?jwt=" + other).status == 303)
        }
        set(browser, Step(later: 30, off: 0))
        browser.jar = []
        #expect(try browser.get("/.sidegate/callback?jwt=" + jwt).answer?.reason == "replayed")
        #expect(try browser.get("/", "Authorization: Bearer " + jwt).answer?.reason == "replayed")
    }

    @Test("an ended session does not come back, nor a user who was signed out everywhere", arguments: walks)
    func session(walk: [Step]) throws {
        let browser = try Browser { $0.provider.initiated = .allow }
        set(browser, Step(later: 0, off: 0))
        try browser.signIn()
        let copy = browser.jar
        let other = try Browser { $0.provider.initiated = .allow }
        set(other, Step(later: 0, off: 0))
        try other.signIn(as: "eve")
        #expect(try browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"]).status == 200)
        let everywhere = try GateTests.token("eve", id: "out")
        #expect(try other.post("/.sidegate/backchannel-logout", form: "logout_token=" + everywhere).status == 200)
        for step in walk {
            // Beyond the lifetime of sessions.
            let far = Step(later: step.later, off: step.off * 60)
            for (browser, user) in [(browser, "bob"), (other, "carol")] {
                set(browser, far)
                let jar = browser.jar
                browser.jar = []
                try browser.signIn(as: user)
                try browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"])
                let out = try GateTests.token(user, at: browser.now, id: "out\(far)")
                try browser.post("/.sidegate/backchannel-logout", form: "logout_token=" + out)
                browser.jar = jar
            }
        }
        set(browser, Step(later: 30, off: 0))
        set(other, Step(later: 30, off: 0))
        browser.jar = copy
        #expect(try browser.get("/").answer?.reason == "session_revoked")
        #expect(try other.get("/").answer?.reason == "session_revoked")
    }

    @Test("a store forgets when both clocks are past, and keeps no room for what is")
    func forgets() {
        let store = MemoryReplayStore(capacity: 2)
        func claim(_ key: UInt8, until: Double, wall: Double, monotonic: Double) -> ReplayVerdict {
            store.consume(
                [[key]], for: Retention(until: until, now: wall), now: ClockReading(wall: wall, monotonic: monotonic))
        }
        #expect(claim(1, until: 100, wall: 0, monotonic: 0) == .fresh)
        // Ahead: the wall clock alone is past.
        #expect(claim(1, until: 1000, wall: 900, monotonic: 1) == .replayed)
        #expect(claim(2, until: 50, wall: 0, monotonic: 2) == .fresh)
        #expect(claim(3, until: 200, wall: 0, monotonic: 3) == .full)
        // Set back: the monotonic clock alone is past.
        #expect(claim(1, until: 100, wall: -500, monotonic: 150) == .replayed)
        #expect(claim(3, until: 100, wall: -500, monotonic: 151) == .full)
        // Set right: there is room within the time after which it is looked for again.
        #expect(claim(4, until: 1300, wall: 1000, monotonic: 800) == .fresh)
        #expect(store.count == 1)
    }

    @Test("a token is remembered for the time it was made for, whatever the clock says of its end")
    func span() throws {
        let gate = Gate(try configuration { $0.provider.tokenPolicy = TokenPolicy(maxAge: 7200) })
        let jwt = try TokenMinter(secret: VerificationKey(secret: tokenSecret)).mint(claims: [
            ("sub", "ada"), ("email", "ada@example.com"), ("iat", .number(JSONNumber(Int(noon)))),
            ("exp", .number(JSONNumber(Int(noon) + 3600))),
        ])
        let request = try RequestHead(
            parsing: "GET /.sidegate/callback?jwt=\(jwt) HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
        for ahead in [0.0, 900, 3500] {
            let context = RequestContext(peer: nil, isSecure: true, now: noon + ahead)
            guard case .ask(.consumeToken(let pending)) = gate.decide(request, context) else {
                Issue.record("refused at \(ahead)")
                continue
            }
            // As long as it could be used, and no longer: with the clock skew of a minute.
            #expect(pending.retention.span == 3660)
            #expect(pending.retention.until == noon + 3660)
        }
    }
}
