// SPDX-License-Identifier: Apache-2.0

import Console
import Gate
import Sidecar
import Testing

@Suite("The console's list of sessions")
struct SessionSearchTests {
    private static func entries(_ count: Int) throws -> [SeenSessions.Entry] {
        try (0..<count).map { number in
            let digits = String(number, radix: 16)
            let name = try #require(SessionName(String(repeating: "0", count: 16 - digits.count) + digits))
            return SeenSessions.Entry(
                name: name, id: [], user: "user\(number)", provider: number % 2 == 0 ? "staff" : "", since: 0,
                lastSeen: Double(number), client: "192.0.2.\(number % 250)", browser: "Firefox 140 on Linux")
        }
    }

    private static func page(
        _ entries: [SeenSessions.Entry], _ query: String = "", offset: Int = 0, isComplete: Bool = true
    ) -> ListedSessions {
        SessionSearch.page(entries, isComplete: isComplete, SearchTerm(query), offset: offset, limit: 50)
    }

    @Test("of 100,000 sessions a page has fifty, the last seen first, and the search finds one")
    func many() throws {
        let all = try Self.entries(100_000)
        let first = Self.page(all)
        #expect(first.total == 100_000 && first.rows.count == 50 && first.offset == 0)
        #expect(first.rows.first?.user == "user99999" && first.rows.last?.user == "user99950")
        let last = Self.page(all, offset: 99_950)
        #expect(last.rows.map(\.user).last == "user0" && last.rows.count == 50)
        let found = Self.page(all, "USER77777")
        #expect(found.total == 1 && found.rows.map(\.user) == ["user77777"])
        let page = SessionsPage(Self.facts, ConsoleVisitor(formToken: "t", canSignOut: false), first, query: "")
        #expect(page.html.bytes.count < 100_000)
    }

    @Test("a page behind the end is the last one, and none is before the first")
    func pages() throws {
        let all = try Self.entries(120)
        for (offset, start, count) in [
            (0, 0, 50), (50, 50, 50), (100, 100, 20), (150, 100, 20), (5_000_000, 100, 20), (-50, 0, 50),
        ] {
            let page = Self.page(all, offset: offset)
            #expect(page.offset == start && page.rows.count == count, "\(offset)")
        }
        #expect(Self.page([], offset: 50).rows.isEmpty)
        #expect(Self.page(all, "nobody").total == 0)
    }

    @Test("the search looks at user, provider, client, browser and the session's name")
    func search() throws {
        let all = try Self.entries(40)
        #expect(Self.page(all, "STAFF").total == 20)
        #expect(Self.page(all, "192.0.2.7").total == 1)
        #expect(Self.page(all, "firefox").total == 40)
        #expect(Self.page(all, "0000000000000011").rows.map(\.user) == ["user17"])
        #expect(Self.page(all, isComplete: false).note.contains("Redis"))
    }

    private static var facts: ConsoleFacts {
        ConsoleFacts(
            status: GateStatus(now: 200_000, name: "gate", version: "1", startedAt: 0, workers: 1),
            signIns: SignInHistory(), traffic: TrafficHistory(),
            sample: TrafficSample(time: 200_000, requests: 0, errors: 0, durations: []), bounds: [], trail: TrailRing(),
            feedPosition: "")
    }
}
