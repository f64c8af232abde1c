// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import JWT

struct SessionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "Lists who is signed in at a running gate.",
        discussion: """
            Asks the gate at `admin.listen` of the configuration for the sessions that it has seen within their idle time, at             most 100,000; with Redis for those of all replicas. Over TCP this needs `admin.tokenFile`; over a unix socket, to             be the gate's own user or root. An ID names a session for `sign-out`, and opens nothing.

            The exit status is 0; 1 when no gate answers, or the configuration does not say where it is; 2 when the gate             refuses, as with a wrong token.
            """)

    @OptionGroup var source: ConfigurationOptions
    @Option(help: "Only the sessions of this user, by the name that the list shows.")
    var user: String?
    @Option(help: "Only the sessions of users of this identity provider.")
    var provider: String?
    @Flag(help: "Writes JSON: id, user, provider, since, lastSeen, client and browser of each.")
    var json = false

    func run() throws {
        let gate = try GateAccess(source)
        var sessions: [JSONValue] = []
        var next: String?
        var (scope, isComplete) = ("process", true)
        repeat {
            let page = try gate.ask("/api/sessions" + query(after: next))
            sessions += page["sessions"]?.array ?? []
            scope = page["scope"]?.string ?? scope
            isComplete = isComplete && page["complete"]?.bool ?? true
            next = page["next"]?.string
        } while next != nil && sessions.count < Self.maximum
        if !isComplete {
            StandardError.write(
                "sidegate: Redis did not answer: sessions that only other replicas have seen are missing")
        }
        if json {
            let document = JSONValue.object(
                JSONObject([
                    ("sessions", .array(sessions)), ("scope", .string(scope)), ("complete", .bool(isComplete)),
                ]))
            return StandardOutput.write(document.serialized() + [10])
        }
        StandardOutput.write(SessionTable(sessions, now: Instant.now().seconds).text)
    }

    private func query(after: String?) -> String {
        let parameters = [("user", user), ("provider", provider), ("after", after)]
        let parts = parameters.compactMap { name, value in value.map { "\(name)=\(QueryText.encoded($0))" } }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }

    private static let maximum = 200_000
}

/// A value of a query parameter.
enum QueryText {
    static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                String(Unicode.Scalar(byte))
            default: (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
