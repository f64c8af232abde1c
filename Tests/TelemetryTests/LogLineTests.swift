// SPDX-License-Identifier: Apache-2.0

import Decisions
import Logging
import Synchronization
import Telemetry
import Testing

@Suite("Audit events and log messages")
struct LogLineTests {
    @Test("An audit event states what happened, to which user, from which address")
    func audit() {
        let event = AuditEvent(
            .denied, time: 1_795_253_400, id: "r1", client: "192.0.2.7", host: "app.example.com",
            user: "ada", email: "ada@example.com", reason: .expired, provider: "generic")
        #expect(
            text(event, .json)
                == #"{"time":"2026-11-21T09:30:00.000Z","kind":"audit","event":"denied","id":"r1","client":"192.0.2.7","#
                + #""host":"app.example.com","user":"ada","email":"ada@example.com","reason":"expired","#
                + #""provider":"generic"}"# + "\n")
        #expect(
            text(event, .text)
                == #"2026-11-21T09:30:00.000Z kind="audit" event="denied" id="r1" client="192.0.2.7" "#
                + #"host="app.example.com" user="ada" email="ada@example.com" reason="expired" provider="generic""#
                + "\n")
    }

    @Test("Every kind of event has its own name")
    func kinds() {
        #expect(
            AuditEvent.Kind.allCases.map(\.rawValue) == [
                "login", "logout", "denied", "replayed", "provisioned", "native_login",
            ])
    }

    @Test("CVE-2024-45808: an audit event stays one line", arguments: LogFormat.allCases)
    func auditForging(format: LogFormat) {
        let evil = "x\"\r\n\u{2028}{\"kind\":\"audit\",\"event\":\"login\"}\u{1b}[2J"
        let event = AuditEvent(
            .login, time: 0, id: evil, client: evil, host: evil, user: evil, email: evil, provider: evil)
        #expect(isOneLine(Array(text(event, format).utf8)))
        #expect(!text(event, format).contains("\"event\":\"login\",\"event\""))
        #expect(text(event, .json).contains(#""user":"x\"\u000d\u000a\u2028{\"kind\":"#))
    }

    @Test("A log message is one line, with its metadata sorted and reserved names kept apart")
    func message() {
        let sink = Collector()
        var logger = Logger(label: "sidegate") { label in
            SidegateLogHandler(label: label, level: .info, format: .json, sink: sink, now: { 1_795_253_400 })
        }
        logger[metadataKey: "worker"] = "1"
        logger.info("reloaded", metadata: ["file": "a\nb", "kind": "access", "count": "\(3)"])
        logger.debug("not shown")
        #expect(
            sink.text
                == #"{"time":"2026-11-21T09:30:00.000Z","level":"info","logger":"sidegate","message":"reloaded","#
                + #""count":"3","file":"a\u000ab","_kind":"access","worker":"1"}"# + "\n")
    }

    @Test("A log message as text; names that would need quotes are written without them")
    func textMessage() {
        let sink = Collector()
        let logger = Logger(label: "sidegate") { label in
            SidegateLogHandler(label: label, level: .trace, format: .text, sink: sink, now: { 1_795_253_400 })
        }
        logger.warning("it \"broke\"", metadata: ["a\" b=\nc": "d"])
        #expect(
            sink.text
                == #"2026-11-21T09:30:00.000Z warning sidegate message="it \"broke\"" a__b__c="d""# + "\n")
    }

    @Test("CVE-2026-26309: names and messages cannot break a log line", arguments: LogFormat.allCases)
    func messageForging(format: LogFormat) {
        let sink = Collector()
        let logger = Logger(label: "x\ny") { label in
            SidegateLogHandler(label: label, level: .trace, format: format, sink: sink, now: { 0 })
        }
        logger.error(
            "a\r\nb\u{85}\u{0}", metadata: ["n\r\n\"": "v\u{2029}\"", "list": ["\n", "\""], "map": ["\n": "\r"]])
        #expect(isOneLine(Array(sink.text.utf8)))
    }

    private func text(_ event: AuditEvent, _ format: LogFormat) -> String {
        var out: [UInt8] = []
        event.append(to: &out, format: format)
        return String(decoding: out, as: UTF8.self)
    }
}

private final class Collector: LogSink {
    private let bytes = Mutex<[UInt8]>([])

    func write(_ bytes: [UInt8]) {
        self.bytes.withLock { $0 += bytes }
    }

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
}
