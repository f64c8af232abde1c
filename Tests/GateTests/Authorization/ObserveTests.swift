// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import JWT
import Testing

@Suite("Access rules that are only observed")
struct ObserveTests {
    static func browser(_ change: (inout GateConfiguration) throws -> Void = { _ in }) throws -> Browser {
        try Browser {
            $0.access.mode = .observe
            $0.access.rules = [
                try RuledGateTests.rule(["/public/*"], .anyone),
                try RuledGateTests.rule(["/admin/*"], .signedIn([.init(field: "groups", values: ["admins"])])),
                try RuledGateTests.rule(["/internal/*"], methods: ["POST"], .deny),
            ]
            try change(&$0)
        }
    }

    @Test(
        "Everyone comes through, and what enforce would do is said",
        arguments: [
            ("GET", "/public/a", nil), ("GET", "/x", .redirect), ("POST", "/x", .unauthenticated),
            ("POST", "/internal/x", .denied), ("GET", "/a%00", .denied), ("GET", "/admin/x", .redirect),
        ] as [(String, String, Decisions.Outcome.Denial?)])
    func strangers(method: String, path: String, would: Decisions.Outcome.Denial?) throws {
        let browser = try Self.browser()
        let outcome = try browser.send(method, path, ["X-Forwarded-User: root"])
        #expect(outcome.status == 0 && outcome.user == nil)
        #expect(outcome.head?.contains("root") == false)
        #expect(browser.observations.map(\.would) == [would].compactMap { $0 })
    }

    @Test("Who is signed in is known to the app, and the reason is said")
    func signedIn() throws {
        let browser = try Self.browser()
        // Nobody is sent there; who wants to be known goes.
        #expect(try browser.returned(browser.get("/.sidegate/login"), token: token(id: "x")).status == 303)
        let outcome = try browser.get("/admin/x")
        #expect(outcome.user == "ada")
        #expect(browser.observations.map(\.would) == [.denied] && browser.observations.map(\.reason) == [.groupMissing])
    }

    @Test("Who is not registered signs in, and is marked")
    func unregistered() throws {
        let browser = try Self.browser { $0.access.users.emails = ["bob@example.com"] }
        #expect(try browser.returned(browser.get("/.sidegate/login"), token: token(id: "x")).status == 303)
        #expect(try browser.get("/x").user == "ada")
        #expect(browser.observations.map(\.would) == [.denied])
        #expect(browser.observations.map(\.reason) == [.userNotRegistered])
    }

    @Test("A path passes as it came, since nothing is to change")
    func paths() throws {
        #expect(try Self.browser().get("/a/%2e%2e/b").head?.hasPrefix("GET /a/%2e%2e/b ") == true)
    }

    @Test("A bearer token that is not good, or not ours, is the app's affair")
    func bearer() throws {
        let browser = try Self.browser()
        let outcome = try browser.get("/x", "Authorization: Bearer of-the-app")
        #expect(outcome.head?.contains("Authorization: Bearer of-the-app") == true)
        #expect(browser.observations.map(\.would) == [.unauthenticated])
    }

    @Test("Our own paths answer as ever")
    func own() throws {
        #expect(try Self.browser().get("/.sidegate/session").status == 401)
    }
}

extension Observation {
    static func denied(_ reason: Reason) -> Observation { Observation(would: .denied, reason: reason) }
}
