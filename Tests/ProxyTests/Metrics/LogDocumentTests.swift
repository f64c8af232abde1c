// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc
import JWT
import Telemetry
import Testing

/// `Tests/IntegrationTests/test_log_document.py` compares the same page with the literals of the sources.
@Suite("docs/log.md")
struct LogDocumentTests {
    @Test("The table of access lines has every field, in the order of the line")
    func accessFields() throws {
        let line = AccessLine(
            time: 0, status: 200, bytes: 1, duration: 1, upstreamDuration: 1, decision: "forward", would: "denied",
            reason: "expired")
        var log = AccessLog(format: .json)
        var out: [UInt8] = []
        let text: [UInt8] = [UInt8(ascii: "x")]
        log.append(
            line, id: text.span, client: text.span, method: text.span, host: text.span, path: text.span,
            user: text.span, to: &out)
        #expect(try Self.names(below: "## Access lines") == Self.members(out))
    }

    @Test("The table of audit lines has every field, in the order of the line")
    func auditFields() throws {
        let event = AuditEvent(
            .login, time: 0, id: "x", client: "x", host: "x", user: "x", email: "x", reason: "x", provider: "x")
        var out: [UInt8] = []
        event.append(to: &out, format: .json)
        #expect(try Self.names(below: "## Audit lines") == Self.members(out))
    }

    @Test("The table of audit events has every kind")
    func auditEvents() throws {
        #expect(try Self.names(below: "### Audit events") == AuditEvent.Kind.allCases.map(\.rawValue))
    }

    @Test("The table of reasons has every reason code")
    func reasonCodes() throws {
        let names = try Self.names(below: "### Tokens, users and sessions")
        #expect(Set(names) == Set(ReasonCode.allCases.map(\.rawValue)))
        #expect(Set(names).count == names.count, "a code has two rows")
    }

    @Test(
        "The field `would` names each act of observe mode",
        arguments: [Observation.Act.redirect, .unauthenticated, .denied])
    func acts(_ act: Observation.Act) throws {
        let row = try Self.lines().first { $0.hasPrefix("| `would` |") }
        #expect(try #require(row).contains("`\(act.name)`"))
    }

    /// What stands in backticks in the first column of the first table below a heading.
    private static func names(below heading: String) throws -> [String] {
        let section = try lines().drop { $0 != heading }.dropFirst()
        let table = section.drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }
        return table.compactMap { row in
            guard row.hasPrefix("| `") else { return nil }
            return String(row.dropFirst(3).prefix { $0 != "`" })
        }
    }

    /// The names of a flat JSON object's members, of which no value holds a quote or a comma.
    private static func members(_ line: [UInt8]) -> [String] {
        String(decoding: line, as: UTF8.self).split(separator: ",").compactMap { member in
            member.split(separator: "\"", omittingEmptySubsequences: false).dropFirst().first.map { String($0) }
        }
    }

    private static func lines() throws -> [Substring] {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let descriptor = unsafe open(root + "/docs/log.md", O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }
}
