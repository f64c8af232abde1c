// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate
import HTTP
import Testing

@Suite("The sessions that were seen")
struct SeenSessionsTests {
    private let limits = SeenSessions.Limits(lifetime: 43_200, idleTimeout: 3600)

    private func sighting(
        _ number: Int, user: String = "ada", at seenAt: Double = noon, since: Double = noon,
        client: String? = "192.0.2.1"
    ) throws -> SessionSighting {
        let digits = String(number, radix: 16)
        let name = try #require(SessionName(String(repeating: "0", count: 16 - digits.count) + digits))
        return SessionSighting(
            name: name, id: Array("session \(number)".utf8), user: user, provider: "", signedInAt: since,
            seenAt: seenAt, client: client, browser: client.map { _ in "Firefox 128 on Linux" },
            subjects: [Array("i:session \(number)".utf8), Array("ou:\(user)".utf8), Array("oa:".utf8)])
    }

    private func users(_ sessions: inout SeenSessions, at wall: Double) -> [String] {
        _ = sessions.sweep(wall: wall, monotonic: 0)
        return sessions.entries.map(\.user).sorted()
    }

    @Test("when there is no room, the one that was not seen for longest goes")
    func bounds() throws {
        var sessions = SeenSessions(limits, sharesEntries: false, capacity: 3)
        for number in 1...3 { sessions.note(try sighting(number, user: "user\(number)")) }
        // The first is seen again, so the second is the oldest.
        sessions.note(try sighting(1, user: "user1", at: noon + 1))
        sessions.note(try sighting(4, user: "user4", at: noon + 2))
        #expect(users(&sessions, at: noon + 2) == ["user1", "user3", "user4"])
        sessions.note(try sighting(5, user: "user5", at: noon + 3))
        #expect(users(&sessions, at: noon + 3) == ["user1", "user4", "user5"])
    }

    @Test("100,000 at once, however many there were, and each once")
    func many() throws {
        var sessions = SeenSessions(limits, sharesEntries: true)
        for number in 0..<250_000 {
            sessions.note(try sighting(number, user: "user\(number)", at: noon + Double(number) / 1000))
        }
        #expect(sessions.count == 100_000)
        for number in 200_000..<250_000 { sessions.note(try sighting(number, at: noon + 300)) }
        #expect(sessions.count == 100_000)
        var taken = 0
        while sessions.hasUnshared {
            let batch = sessions.takeUnshared(limit: 200, now: 0)
            #expect(batch.count <= 200)
            taken += batch.count
        }
        #expect(taken == 100_000)
    }

    @Test("gone when idle for too long, and when the lifetime is over")
    func expiry() throws {
        var sessions = SeenSessions(limits, sharesEntries: false)
        sessions.note(try sighting(1, user: "idle"))
        sessions.note(try sighting(2, user: "old", at: noon + 3000, since: noon - 43_200 + 3500))
        sessions.note(try sighting(3, user: "new", at: noon + 3000))
        #expect(users(&sessions, at: noon + 3499) == ["idle", "new", "old"])
        #expect(users(&sessions, at: noon + 3500) == ["idle", "new"])
        #expect(users(&sessions, at: noon + 3600) == ["new"])
        sessions.limits.idleTimeout = 0
        #expect(users(&sessions, at: noon + 43_199) == ["new"])
        #expect(users(&sessions, at: noon + 43_200) == [])
    }

    @Test("what was ended goes, and does not come back with a report that was on its way")
    func ended() throws {
        var sessions = SeenSessions(limits, sharesEntries: false)
        for number in 1...2 { sessions.note(try sighting(number)) }
        sessions.note(try sighting(3, user: "bob"))
        sessions.note(try sighting(4, at: noon + 10, since: noon + 10))
        let revocation = SignOutTarget.user("ada", provider: nil).revocation(at: noon + 5, lifetime: 43_200)
        sessions.end(revocation, now: 0)
        #expect(sessions.sweep(wall: noon + 10, monotonic: 0).count == 2)
        sessions.note(try sighting(1, at: noon + 5))
        // The later session of the same user stays.
        #expect(users(&sessions, at: noon + 10) == ["ada", "bob"])
        _ = sessions.sweep(wall: noon + 10, monotonic: 60)
        #expect(!sessions.hasEnded)
        sessions.end(SignOutTarget.everyone.revocation(at: noon + 20, lifetime: 43_200), now: 60)
        #expect(users(&sessions, at: noon + 20) == [])
    }

    @Test("other replicas learn of each at most once a minute, and of all that could not be told before")
    func sharing() throws {
        var sessions = SeenSessions(limits, sharesEntries: true)
        sessions.note(try sighting(1))
        #expect(sessions.takeUnshared(limit: 10, now: 100).count == 1)
        sessions.note(try sighting(1, at: noon + 30))
        #expect(sessions.hasUnshared)
        #expect(sessions.takeUnshared(limit: 10, now: 159).isEmpty)
        let second = sessions.takeUnshared(limit: 10, now: 160)
        #expect(second.map(\.lastSeen) == [noon + 30])
        #expect(!sessions.hasUnshared)
        sessions.putBack(second)
        #expect(sessions.takeUnshared(limit: 10, now: 161) == second)
    }

    @Test("something open says nothing of client and browser, which stay")
    func open() throws {
        var sessions = SeenSessions(limits, sharesEntries: false)
        sessions.note(try sighting(1))
        sessions.note(try sighting(1, at: noon + 60, client: nil))
        let entry = try #require(sessions.entries.first)
        #expect(entry.client == "192.0.2.1" && entry.browser == "Firefox 128 on Linux" && entry.lastSeen == noon + 60)
    }

    @Test("sealed for other replicas, they come back as they were, under a rotated secret too, and name nobody")
    func coding() throws {
        var sessions = SeenSessions(limits, sharesEntries: false)
        sessions.note(try sighting(1))
        let secrets = [Array("a secret for sessions, 32 bytes!".utf8), Array("another secret for sessions, 32b".utf8)]
        let old = SeenSessionCoding(secrets: [secrets[0]])
        let sealed = old.seal(sessions.entries).map(\.record)
        #expect(old.open(sealed) == sessions.entries)
        #expect(SeenSessionCoding(secrets: [secrets[1], secrets[0]]).open(sealed) == sessions.entries)
        #expect(SeenSessionCoding(secrets: [secrets[1]]).open(sealed).isEmpty)
        #expect(!String(decoding: sealed[0], as: UTF8.self).contains("ada"))
        var changed = sealed[0]
        changed[20] ^= 1
        #expect(old.open([changed, Array(sealed[0].dropLast()), []]).isEmpty)
    }
}
