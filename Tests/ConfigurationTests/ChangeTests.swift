// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite("What a reload changes")
struct ChangeTests {
    private let place = Workplace()

    private static let base = """
        upstream: http://127.0.0.1:3000
        identityProvider: { loginURL: "https://idp.example.com/" }
        token: { keys: [{ secret: "0123456789abcdef0123456789abcdef" }] }
        session: { secret: "a session secret of more than 32 bytes" }

        """

    struct Row: Sendable {
        var before: String
        var after: String
        var names: [String]
    }

    static let rows = [
        Row(before: "", after: "", names: []),
        // The same value, written in another way.
        Row(before: "limits: { drainTimeout: 60s }", after: "limits: { drainTimeout: 1m }", names: []),
        Row(before: "workers: 1", after: "workers: 2", names: ["workers"]),
        Row(
            before: "", after: "limits: { requestsPerSecond: 5, bodyBytes: 1MiB }",
            names: ["limits.requestsPerSecond", "limits.bodyBytes"]),
        Row(
            before: "access: { users: { emails: [a@example.com] } }",
            after: "access: { users: { emails: [a@example.com, b@example.com] } }", names: ["access.users.emails"]),
        Row(
            before: "identityHeaders: { X-User: \"{user}\" }", after: "identityHeaders: { X-User: \"{email}\" }",
            names: ["identityHeaders.X-User"]),
        Row(
            before: "access: { rules: [{ paths: [/a], allow: anyone }, { paths: [/b], allow: anyone }] }",
            after: "access: { rules: [{ paths: [/a], allow: anyone }, { paths: [/c], allow: anyone }] }",
            names: ["access.rules[1].paths"]),
    ]

    @Test("is reported by the names of options", arguments: rows)
    func names(_ row: Row) {
        let before = place.load(Self.base + row.before)
        let after = place.load(Self.base + row.after)
        #expect(before.lines == [] && after.lines == [])
        #expect(after.changes(since: before).sorted() == row.names.sorted())
    }

    @Test("a secret is named and never shown, and so is a file whose contents alone have changed")
    func secrets() {
        let file = place.write("jwt", "0123456789abcdef0123456789abcdef")
        func load(_ secret: String) -> LoadedConfiguration {
            place.load(
                """
                upstream: http://127.0.0.1:3000
                identityProvider: { loginURL: "https://idp.example.com/" }
                token: { keys: [{ secretFile: "\(file)" }] }
                session: { secret: "\(secret)" }
                """)
        }
        let before = load("the first session secret of 32 bytes")
        let after = load("the other session secret of 32 bytes")
        #expect(after.changes(since: before) == ["session.secret"])
        place.write("jwt", "fedcba9876543210fedcba9876543210")
        let last = load("the other session secret of 32 bytes")
        #expect(last.changes(since: after) == ["contents of \(file)"])
    }
}
