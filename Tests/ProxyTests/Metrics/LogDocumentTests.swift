// SPDX-License-Identifier: Apache-2.0

import Decisions
import Glibc
import HTTP1
import HTTP2
import Pages
import Proxy
import Telemetry
import Testing

/// `Tests/IntegrationTests/test_log_document.py` compares the same page with the lines of a running gate.
@Suite("docs/log.md")
struct LogDocumentTests {
    @Test("The table of access lines has every field, in the order of the line")
    func accessFields() throws {
        let line = AccessLine(
            time: 0, status: 200, bytes: 1, bytesReceived: 1, duration: 1, upstream: [UInt8(ascii: "x")],
            upstreamDuration: 1, version: "HTTP/2", tls: "TLSv1.3", trace: TraceWords(high: 1, low: 1),
            outcome: .forward, would: .denied, reason: .expired, cause: .connectFailed, detail: "x",
            peer: [UInt8(ascii: "x")], provider: "x")
        var log = AccessLog(format: .json)
        var out: [UInt8] = []
        let text: [UInt8] = [UInt8(ascii: "x")]
        log.append(
            line, id: text.span, client: text.span, method: text.span, host: text.span, path: text.span,
            user: text.span, userAgent: text.span, to: &out)
        #expect(try Self.names(below: "## Access lines") == Self.members(out))
    }

    @Test("The table of audit lines has every field, in the order of the line")
    func auditFields() throws {
        let event = AuditEvent(
            .login, time: 0, id: "x", client: "x", peer: "x", host: "x", user: "x", email: "x", reason: .expired,
            detail: "x", provider: "x", by: "x")
        var out: [UInt8] = []
        event.append(to: &out, format: .json)
        #expect(try Self.names(below: "## Audit lines") == Self.members(out))
    }

    @Test("The table of audit events has every kind")
    func auditEvents() throws {
        #expect(try Self.names(below: "### Audit events") == AuditEvent.Kind.allCases.map(\.rawValue))
    }

    @Test("The table of decisions has every outcome")
    func outcomes() throws {
        let names = try Self.names(below: "## Decisions")
        #expect(names.sorted() == Outcome.allCases.map(\.name.description).sorted())
    }

    @Test("The tables of reasons have every reason, by topic")
    func reasons() throws {
        var expected: [String: [String]] = [:]
        for reason in Reason.allCases { expected[Self.heading(of: reason), default: []].append(reason.rawValue) }
        for (heading, codes) in expected {
            #expect(try Self.names(below: heading).sorted() == codes.sorted(), "\(heading)")
        }
    }

    private static func heading(of reason: Reason) -> String {
        switch reason.topic {
        case .token, .use, .user, .attempt, .provisioning, .session, .path: "### Tokens, users and sessions"
        case .forwardAuth where reason.text != nil: "### Tokens, users and sessions"
        case .forwardAuth: "### Forward-auth"
        case .transfer, .upstream: "### Limits and connections"
        case .request: "### Requests that cannot be read"
        }
    }

    @Test("The table of the causes of a logout has every cause")
    func causes() throws {
        #expect(try Self.names(below: "### Causes of a logout") == LogoutCause.allCases.map(\.rawValue))
    }

    @Test("The table of the app's failures has every cause, with its reason")
    func upstreamCauses() throws {
        #expect(try Self.names(below: "## How an app failed") == UpstreamCause.allCases.map(\.rawValue))
        for cause in UpstreamCause.allCases {
            let row = try Self.lines(of: "log.md").first { $0.hasPrefix("| `\(cause.rawValue)` | `upstream_") }
            let reason = UpstreamFailure(cause).reason.rawValue
            #expect(try #require(row, "\(cause)").contains("| `\(reason)` |"), "\(cause)")
        }
    }

    @Test("Each fault of a response has a cause of a malformed response")
    func faults() {
        for error in HTTP1Error.allCases where error != .cutShort {
            #expect(UpstreamFailure(error.cause) == .malformed, "\(error)")
        }
        for fault in MalformedHead.allCases where fault != .endedInformational && fault != .contentBeforeHead {
            #expect(UpstreamFailure(fault.cause) == .malformed, "\(fault)")
        }
    }

    @Test("The table of what is accepted of an app has every deviation")
    func tolerations() throws {
        let names = try Self.names(below: "## What is accepted of an app")
        #expect(names == Toleration.allCases.map(\.name.description))
    }

    @Test("The field `would` names each way of turning a request away", arguments: Outcome.Denial.allCases)
    func denials(_ denial: Outcome.Denial) throws {
        let row = try Self.lines(of: "log.md").first { $0.hasPrefix("| `would` |") }
        #expect(try #require(row).contains("`\(denial.rawValue)`"))
    }

    @Test("docs/monitoring.md names each failure of the app", arguments: UpstreamFailure.allCases)
    func failures(_ failure: UpstreamFailure) throws {
        let row = try Self.lines(of: "monitoring.md").first { $0.hasPrefix("| `sidegate_upstream_errors_total{") }
        #expect(try #require(row).contains("`\(failure.rawValue)`"))
    }

    @Test("A request that cannot be read has a code of that topic, and its description is free text")
    func errors() {
        for error in HTTP1Error.allCases where error.reason != .upstreamMalformed {
            #expect(error.reason.topic == .request, "\(error)")
        }
        for fault in MalformedHead.allCases where fault.reason != .upstreamMalformed {
            #expect(fault.reason.topic == .request, "\(fault)")
        }
    }

    /// What stands in backticks in the first column of the first table below a heading.
    private static func names(below heading: String) throws -> [String] {
        let section = try lines(of: "log.md").drop { $0 != heading }.dropFirst()
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

    private static func lines(of page: String) throws -> [Substring] {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let descriptor = unsafe open(root + "/docs/" + page, O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }
}
