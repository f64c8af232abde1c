// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Testing

@Suite("Sessions that an operator ends")
struct OperatorSignOutTests {
    private func end(_ browser: Browser, _ target: SignOutTarget, at now: Double) {
        for gate in browser.gates {
            #expect(
                gate.revoke(
                    target.revocation(at: now, lifetime: 43_200), now: ClockReading(wall: now, monotonic: now)))
        }
    }

    /// Signed in at `noon`, as Ada.
    private func signedIn(_ change: (inout GateConfiguration) throws -> Void = { _ in }) throws -> Browser {
        let browser = try Browser(change)
        try browser.signIn()
        #expect(try browser.get("/").user == "ada")
        return browser
    }

    @Test(
        "those that are meant, and no others",
        arguments: [
            (.user("ada", provider: nil), true), (.user("bob", provider: nil), false),
            (.user("Ada", provider: nil), false), (.user("ada@example.com", provider: nil), true),
            (.user("ADA@EXAMPLE.COM", provider: nil), true), (.user("ada", provider: "staff"), false),
            (.everyone, true), (.session(id: [1, 2, 3], since: noon, user: "ada"), false),
        ] as [(SignOutTarget, Bool)])
    func targets(target: SignOutTarget, ends: Bool) throws {
        let browser = try signedIn()
        end(browser, target, at: noon + 1)
        browser.now = noon + 2
        let outcome = try browser.get("/")
        #expect((outcome.user == nil) == ends)
        if ends { #expect(outcome.answer?.reason == "session_revoked") }
    }

    @Test("one session, by what the gate has reported")
    func oneSession() throws {
        let browser = try Browser()
        let gate = browser.gates[0]
        gate.observeSessions {}
        try browser.signIn()
        try browser.get("/")
        let id = try #require(gate.takeSightings().first?.id)
        end(browser, .session(id: id, since: noon, user: "ada"), at: noon + 1)
        browser.now = noon + 2
        #expect(try browser.get("/").user == nil)
        try browser.signIn()
        #expect(try browser.get("/").user == "ada")
    }

    @Test("a session that began before ends, to the millisecond; one that begins after lives")
    func sameSecond() throws {
        let browser = try Browser()
        end(browser, .everyone, at: noon + 0.005)
        browser.now = noon + 0.004
        try browser.signIn()
        #expect(try browser.get("/").user == nil)
        browser.now = noon + 0.0061
        try browser.signIn()
        #expect(try browser.get("/").user == "ada")
    }

    @Test("a sign-in under way when the sign-out came is one that began before")
    func underWay() throws {
        let browser = try Browser()
        let redirect = try browser.get("/")
        // The return arrives, and waits for what it must ask, while the sign-out comes.
        let answer = try browser.returned(redirect, token: token())
        #expect(answer.answer?.status == 303)
        end(browser, .user("ada", provider: nil), at: noon + 5)
        browser.now = noon + 6
        #expect(try browser.get("/").user == nil)
    }

    @Test("a bearer token of before is refused, one of later is accepted, another user's stays")
    func bearer() throws {
        let browser = try Browser { $0.provider.bearer = true }
        let (before, other) = (try token(id: "1"), try token("bob", id: "2"))
        for text in [before, other] { #expect(try browser.get("/", "Authorization: Bearer \(text)").user != nil) }
        browser.now = noon + 10
        end(browser, .user("ada", provider: nil), at: noon + 10)
        let refused = try browser.get("/", "Authorization: Bearer \(before)")
        #expect(refused.status == 401 && refused.answer?.reason == "session_revoked")
        #expect(try browser.get("/", "Authorization: Bearer \(other)").user == "bob")
        browser.now = noon + 12
        let later = try token(at: noon + 12, id: "3")
        #expect(try browser.get("/", "Authorization: Bearer \(later)").user == "ada")
    }

    @Test("a provider's logout does not end bearer tokens, as before")
    func backchannel() throws {
        let browser = try Browser { $0.provider.bearer = true }
        let text = try token(id: "1")
        #expect(try browser.get("/", "Authorization: Bearer \(text)").user == "ada")
        let revocation = Revocation(
            subjects: [Array("s:ada".utf8)], revokedAt: noon + 1, expiresAt: noon + 100, user: "ada")
        #expect(browser.gates[0].revoke(revocation, now: ClockReading(wall: noon + 1, monotonic: noon + 1)))
        browser.now = noon + 2
        #expect(try browser.get("/", "Authorization: Bearer \(text)").user == "ada")
    }

    @Test(
        "it reaches other replicas as all revocations do",
        arguments: [
            SignOutTarget.everyone, .user("ada", provider: "staff"), .session(id: [7], since: noon, user: "ada"),
        ])
    func coding(target: SignOutTarget) {
        let coding = RevocationCoding(secrets: [Array("a secret for sessions, 32 bytes!".utf8)])
        var revocation = target.revocation(at: noon, lifetime: 100)
        // Removed from the store by the replica that ends it.
        revocation.storedSession = nil
        #expect(coding.open(coding.seal(revocation)) == revocation)
    }
}
