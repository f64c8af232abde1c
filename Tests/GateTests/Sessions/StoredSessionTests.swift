// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Testing

/// A store of sessions in memory, as Redis is one.
struct Records {
    private(set) var kept: [[UInt8]: (record: [UInt8], until: Double)] = [:]
    private(set) var reads = 0
    private(set) var writes = 0
    var isAway = false

    mutating func fetch(_ session: SessionReference, now: Double) -> SessionAnswer {
        reads += 1
        guard !isAway else { return .unavailable }
        guard let found = kept[session.id], found.until > now else { return .gone }
        if found.until - now <= session.timeToLive - session.renewalInterval {
            writes += 1
            kept[session.id] = (found.record, now + session.timeToLive)
        }
        return .found(found.record)
    }

    mutating func keep(_ session: NewStoredSession, now: Double) -> Bool {
        guard !isAway else { return false }
        if let replaced = session.replaced { remove(replaced) }
        kept[session.id] = (session.record, now + session.timeToLive)
        return true
    }

    mutating func remove(_ id: [UInt8]) { kept[id] = nil }

    mutating func forgetAll() { kept = [:] }

    mutating func spoil() {
        for (id, entry) in kept { kept[id] = (entry.record.map { $0 ^ 1 }, entry.until) }
    }
}

@Suite("Sessions that are kept elsewhere")
struct StoredSessionTests {
    private func browser(gates: Int = 1, _ change: (inout GateConfiguration) -> Void = { _ in }) throws -> Browser {
        let browser = try Browser()
        browser.gates = []
        for _ in 0..<gates {
            browser.gates.append(
                Gate(
                    try configuration {
                        $0.session.isStored = true
                        change(&$0)
                    }))
        }
        return browser
    }

    @Test("the browser has a ticket of one size, whatever the session holds")
    func ticket() throws {
        let browser = try browser()
        #expect(try browser.signIn().status == 303)
        #expect(browser.records.kept.count == 1)
        let small = browser.jar.first { $0.name == "__Host-sidegate" }?.value.count
        let other = try self.browser()
        let redirect = try other.get("/")
        let groups = (0..<200).map { "a-group-with-a-long-name-\($0)" }
        try other.returned(redirect, token: token("ada", [("groups", .array(groups.map { .string($0) }))]))
        #expect(other.jar.first { $0.name == "__Host-sidegate" }?.value.count == small)
        #expect(try other.get("/").head?.contains("a-group-with-a-long-name-199") == true)
    }

    @Test("a warm loop asks once a minute, and the store is written to once a minute, whatever the loops")
    func seldom() throws {
        let browser = try browser(gates: 3)
        try browser.signIn()
        browser.records = Records(copying: browser.records)
        for second in 0..<600 {
            browser.now = noon + Double(second)
            #expect(try browser.get("/").user == "ada")
        }
        #expect(browser.records.reads <= 3 * 11)
        #expect((8...10).contains(browser.records.writes), "\(browser.records.writes)")
    }

    @Test("the idle time slides on every replica, the lifetime does not")
    func times() throws {
        let browser = try browser(gates: 2)
        try browser.signIn()
        let first = browser.gates[0]
        // For long only the other one is asked; then the first knows better than its cache.
        #expect(try browser.get("/").user == "ada")
        browser.gates.reverse()
        let second = browser.gates[0]
        browser.gates = [second]
        for _ in 0..<8 {
            browser.now += 1800
            #expect(try browser.get("/").user == "ada")
        }
        browser.gates = [first]
        #expect(try browser.get("/").user == "ada")
        browser.now += 3700
        #expect(try browser.get("/", "Accept: application/json").answer?.reason == "session_idle")
        let busy = try self.browser()
        try busy.signIn()
        for _ in 0..<23 {
            busy.now += 1800
            #expect(try busy.get("/").user == "ada")
        }
        busy.now += 1801
        #expect(try busy.get("/").answer?.reason == "session_expired")
    }

    @Test("logout removes the record, and a copied cookie is worth nothing anywhere")
    func logout() throws {
        let browser = try browser(gates: 2)
        try browser.signIn()
        _ = try (browser.get("/"), browser.get("/"))
        let jar = browser.jar
        #expect(try browser.send("POST", "/.sidegate/logout", ["Origin: https://app.example.com"]).status == 200)
        #expect(browser.records.kept.isEmpty)
        browser.jar = jar
        for _ in 0..<2 { #expect(try browser.get("/", "Accept: application/json").status == 401) }
    }

    @Test("a sign-in takes the old session's place (CVE-2026-34454)")
    func replaced() throws {
        let browser = try browser { $0.provider.initiated = .allow }
        try browser.signIn()
        let old = browser.records.kept.keys.first
        browser.now += 10
        try browser.get("/.sidegate/callback?jwt=" + token("bob", at: browser.now))
        #expect(browser.records.kept.count == 1)
        #expect(browser.records.kept.keys.first != old)
        #expect(try browser.get("/").user == "bob")
    }

    @Test("what is gone from the store, or was changed there, is no session", arguments: [true, false])
    func gone(isSpoilt: Bool) throws {
        let browser = try browser(gates: 2)
        try browser.signIn()
        if isSpoilt { browser.records.spoil() } else { browser.records.forgetAll() }
        for _ in 0..<2 { #expect(try browser.get("/").status == 302) }
    }

    @Test("one record does not open with another's ticket")
    func swapped() throws {
        let ada = try browser()
        let bob = Browser(ada.gates[0])
        try ada.signIn()
        try bob.signIn(as: "bob")
        // Each browser has a store of its own: the other's record is put in its place.
        ada.records.put(bob.records, under: ada.records)
        ada.gates = [try Gate(configuration { $0.session.isStored = true })]
        #expect(try ada.get("/").status == 302)
    }

    @Test("without the store: who is known goes on, who is not gets 503, and sign-ins follow the policy")
    func outage() throws {
        let browser = try browser(gates: 1)
        try browser.signIn()
        #expect(try browser.get("/").user == "ada")
        browser.records.isAway = true
        for _ in 0..<30 {
            browser.now += 100
            #expect(try browser.get("/").user == "ada")
        }
        let cold = Browser(Gate(try configuration { $0.session.isStored = true }))
        cold.jar = browser.jar
        cold.records.isAway = true
        #expect(try cold.get("/").status == 503)
        #expect(try cold.get("/.sidegate/session").status == 503)
        cold.jar = []
        #expect(try cold.signIn().answer?.reason == "replay_store_unavailable")

        let lenient = try self.browser { $0.replayFailure = .allow }
        lenient.records.isAway = true
        #expect(try lenient.signIn().status == 303)
        #expect(try lenient.get("/").user == "ada")
        #expect(lenient.records.kept.isEmpty)
    }

    @Test("sessions in cookies survive the change to a store")
    func migration() throws {
        let browser = try Browser()
        try browser.signIn()
        browser.gates = [Gate(try configuration { $0.session.isStored = true })]
        #expect(try browser.get("/").user == "ada")
        #expect(browser.records.reads == 0)
    }

    @Test("a ticket of an older secret is sealed again, so that the secret can be removed")
    func rotation() throws {
        let secrets = ["the first secret of sessions, 32b", "the second secret of sessions, 32"].map { Array($0.utf8) }
        let browser = try browser { $0.session.secrets = [secrets[0]] }
        try browser.signIn()
        for secrets in [[secrets[1], secrets[0]], [secrets[1]]] {
            browser.gates = [
                Gate(
                    try configuration {
                        $0.session.isStored = true
                        $0.session.secrets = secrets
                    })
            ]
            browser.now += 1
            #expect(try browser.get("/").user == "ada")
        }
        guard case .forwarded(_, _, let lines) = try browser.get("/") else { return #expect(Bool(false)) }
        #expect(lines.isEmpty)
    }

    @Test("what was not sealed by us is not asked for")
    func garbage() throws {
        let browser = try browser()
        browser.jar = [("__Host-sidegate", String(repeating: "A", count: 120))]
        #expect(try browser.get("/").status == 302)
        #expect(browser.records.reads == 0)
    }
}

extension Records {
    /// The same records; nothing was counted yet.
    init(copying other: Records) {
        kept = other.kept
    }

    mutating func put(_ other: Records, under own: Records) {
        for (id, entry) in zip(own.kept.keys, other.kept.values) { kept[id] = entry }
    }
}
