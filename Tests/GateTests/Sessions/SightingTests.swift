// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Testing

@Suite("What a gate reports of sessions in use")
struct SightingTests {
    private final class Calls {
        var count = 0
    }

    private func watched(
        _ change: (inout GateConfiguration) throws -> Void = { _ in }
    ) throws -> (Browser, Gate, Calls) {
        let browser = try Browser(change)
        let (gate, calls) = (browser.gates[0], Calls())
        gate.observeSessions { calls.count += 1 }
        return (browser, gate, calls)
    }

    @Test("a session at its first request, and then once a minute", arguments: [3600.0, 0])
    func interval(idleTimeout: Double) throws {
        let (browser, gate, calls) = try watched { $0.session.idleTimeout = idleTimeout }
        browser.userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
        try browser.signIn()
        #expect(gate.takeSightings().isEmpty)
        try browser.get("/")
        try browser.get("/more")
        let seen = gate.takeSightings()
        #expect(calls.count == 1)
        let first = try #require(seen.first)
        #expect(seen.count == 1 && first.user == "ada" && first.client == "192.0.2.1")
        #expect(first.browser == "Firefox 128 on Linux")
        #expect(first.signedInAt == noon && first.seenAt == noon)
        browser.now = noon + 59
        try browser.get("/")
        #expect(gate.takeSightings().isEmpty)
        browser.now = noon + 60
        try browser.get("/")
        // With an idle time the cookie was sealed again: the next request comes with another text.
        try browser.get("/")
        let again = gate.takeSightings()
        #expect(!again.isEmpty && again.allSatisfy { $0.name == first.name && $0.seenAt == noon + 60 })
    }

    @Test("nobody wants to know: nothing is collected")
    func unobserved() throws {
        let browser = try Browser()
        try browser.signIn()
        try browser.get("/")
        #expect(browser.gates[0].takeSightings().isEmpty)
    }

    @Test("names are the same on each replica, and say nothing of the identifier")
    func names() throws {
        let browser = Browser(Gate(try configuration()), Gate(try configuration()))
        for gate in browser.gates { gate.observeSessions {} }
        try browser.signIn()
        for _ in 0..<4 { try browser.get("/") }
        let names = browser.gates.compactMap { $0.takeSightings().first }
        #expect(names.count == 2 && Set(names.map(\.name)).count == 1)
        let text = names[0].name.description
        #expect(text.utf8.count == 16 && SessionName(text) == names[0].name)
        #expect(SessionName(text.uppercased() + "0") == nil && SessionName("") == nil)
    }

    @Test("bearer tokens are no sessions")
    func bearer() throws {
        let (browser, gate, _) = try watched { $0.provider.bearer = true }
        #expect(try browser.get("/", "Authorization: Bearer \(token())").user == "ada")
        #expect(gate.takeSightings().isEmpty)
    }

    @Test(
        "a browser in a few words",
        arguments: [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox 128 on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                "Edge 126 on Windows"
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari 17 on iPhone"
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
                "Chrome 126 on Android"
            ),
            ("curl/8.5.0", "curl 8.5.0"), ("", ""), ("Mozilla/5.0", ""), ("Mozilla/5.0 (Macintosh)", "macOS"),
            ("\u{1b}[31m/1 x", "?[31m 1"), ("<script>alert(1)</script>", "<script>alert"),
        ] as [(String, String)])
    func browserNames(agent: String, name: String) {
        #expect(BrowserName(userAgent: Array(agent.utf8)).description == name)
    }

    @Test("a browser's name is bounded")
    func longNames() {
        for agent in [String(repeating: "a", count: 70_000), "Firefox/" + String(repeating: "9", count: 999)] {
            #expect(BrowserName(userAgent: Array(agent.utf8)).description.utf8.count <= 48)
        }
    }
}
