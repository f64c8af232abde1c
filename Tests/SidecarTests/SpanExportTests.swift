// SPDX-License-Identifier: Apache-2.0

import JWT
import Outbound
import Reactor
import Sidecar
import Telemetry
import TestSupport
import Testing

@Suite("What a collector answers")
struct ExportAnswerTests {
    /// 2026-12-01T00:00:00Z
    private static let now = 1_796_083_200.0

    private static func answer(
        _ status: UInt16, _ body: String = "", retryAfter: String? = nil
    ) -> ExportAnswer {
        let fields = retryAfter.map { [(name: "Retry-After", value: $0)] } ?? []
        return ExportAnswer(
            .success(OutboundResponse(status: status, body: Array(body.utf8), fields: fields)), now: now)
    }

    @Test(
        "spans are taken, refused for good, or tried again",
        arguments: [
            (200, .accepted(rejected: 0)), (204, .accepted(rejected: 0)), (400, .refused(cause: "status 400")),
            (401, .refused(cause: "status 401")), (404, .refused(cause: "status 404")),
            (301, .refused(cause: "status 301")), (500, .refused(cause: "status 500")),
            (429, .unavailable(cause: "status 429", pause: nil)), (502, .unavailable(cause: "status 502", pause: nil)),
            (503, .unavailable(cause: "status 503", pause: nil)), (504, .unavailable(cause: "status 504", pause: nil)),
        ] as [(UInt16, ExportAnswer)])
    func statuses(status: UInt16, expected: ExportAnswer) {
        #expect(Self.answer(status) == expected)
    }

    @Test("a call that failed is tried again")
    func failures() {
        #expect(
            ExportAnswer(.failure(.timeout), now: 0) == .unavailable(cause: "no complete answer in time", pause: nil))
    }

    @Test(
        "a partial success names the spans that were not taken",
        arguments: [
            (#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}"#, 3),
            (#"{"partialSuccess":{"rejectedSpans":3}}"#, 3), (#"{"partialSuccess":{}}"#, 0), ("{}", 0), ("", 0),
            ("not JSON", 0), (#"{"partialSuccess":{"rejectedSpans":"-3"}}"#, 0),
            (#"{"partialSuccess":{"rejectedSpans":"99999999999999999999"}}"#, 0), (#"{"partialSuccess":[]}"#, 0),
        ])
    func partialSuccess(body: String, rejected: Int) {
        #expect(Self.answer(200, body) == .accepted(rejected: rejected))
    }

    @Test(
        "Retry-After is seconds or a date",
        arguments: [
            ("7", 7), ("0", 0), ("Tue, 01 Dec 2026 00:00:30 GMT", 30), ("Mon, 30 Nov 2026 23:00:00 GMT", 0),
            ("soon", nil), ("-1", nil), ("", nil), ("1.5", nil), ("99999999999999999999", nil),
        ] as [(String, Double?)])
    func retryAfter(text: String, pause: Double?) {
        #expect(Self.answer(503, retryAfter: text) == .unavailable(cause: "status 503", pause: pause))
    }
}

@Suite("When spans are sent again")
struct ExportScheduleTests {
    @Test("pauses double up to half a minute, and five attempts are enough for the same spans")
    func pauses() {
        var schedule = ExportSchedule()
        let steps = (0..<8).map { _ in schedule.failed(pause: nil, jitter: 0.5) }
        #expect(steps.map(\.pause) == [1, 2, 4, 8, 16, 32, 32, 32].map { Nanoseconds.seconds($0) })
        #expect(steps.map(\.givesUp) == [false, false, false, false, true, false, false, false])
    }

    @Test("the collector's wish counts, within five minutes")
    func asked() {
        var schedule = ExportSchedule()
        #expect(schedule.failed(pause: 17, jitter: 0).pause == .seconds(17))
        #expect(schedule.failed(pause: 1e9, jitter: 0).pause == .seconds(300))
        #expect(schedule.failed(pause: 0, jitter: 0).pause == .seconds(0))
    }

    @Test("a success resets the schedule, a refusal only the count of attempts")
    func settled() {
        var schedule = ExportSchedule()
        for _ in 0..<4 { #expect(!schedule.failed(pause: nil, jitter: 0.5).givesUp) }
        schedule.settled(isSuccess: false)
        let later = schedule.failed(pause: nil, jitter: 0.5)
        #expect(!later.givesUp && later.pause == .seconds(16))
        schedule.settled(isSuccess: true)
        let first = schedule.failed(pause: nil, jitter: 0.5)
        #expect(!first.givesUp && first.pause == .seconds(1))
    }

    @Test("gates do not all try at the same moment", arguments: [(0.0, 0.75), (1.0, 1.25), (-5.0, 0.75), (9.0, 1.25)])
    func jitter(value: Double, seconds: Double) {
        var schedule = ExportSchedule()
        #expect(schedule.failed(pause: nil, jitter: value).pause == .seconds(seconds))
    }
}

@Suite("Spans that wait")
struct SpanQueueTests {
    @Test("they are taken in their order, a request's worth at a time")
    func order() {
        let queue = SpanQueue(dropped: { _ in }, filled: { _ in })
        for number in 0..<20 { queue.accept(batch(64, name: number)) }
        var taken: [SpanBatch] = []
        while let batch = queue.take() { taken.append(batch) }
        #expect(taken.map(\.count) == [512, 512, 256])
        let text = taken.map { String(decoding: $0.bytes, as: UTF8.self) }.joined(separator: ",")
        #expect(text.split(separator: ",\u{0}") == [Substring(text)])
        let numbers = text.split(separator: "\"").filter { $0.hasPrefix("n") && Int($0.dropFirst()) != nil }
        #expect(numbers == (0..<20).flatMap { number in (0..<64).map { _ in "n\(number)" } })
    }

    @Test("beyond the bounds they are dropped and counted, and there is room again when some were taken")
    func bounds() {
        let dropped = Count()
        let queue = SpanQueue(dropped: { for _ in 0..<$0 { dropped.increment() } }, filled: { _ in })
        for _ in 0..<(SpanQueue.maximumSpans / 64) { queue.accept(batch(64)) }
        #expect(dropped.now == 0)
        queue.accept(batch(3))
        #expect(dropped.now == 3)
        #expect(queue.take()?.count == SpanQueue.requestSpans)
        queue.accept(batch(3))
        #expect(dropped.now == 3)
        queue.close()
        queue.accept(batch(2))
        #expect(dropped.now == 5)
    }

    @Test("large spans are bounded by their bytes")
    func bytes() {
        let dropped = Count()
        let queue = SpanQueue(dropped: { for _ in 0..<$0 { dropped.increment() } }, filled: { _ in })
        let large = batch(32, path: String(repeating: "\u{1}", count: 4096))
        let fitting = SpanQueue.maximumBytes / large.bytes.count
        for _ in 0..<fitting { queue.accept(large) }
        #expect(dropped.now == 0)
        queue.accept(large)
        #expect(dropped.now == 32)
    }

    @Test("the exporter hears of the first span, and of a request's worth, once each")
    func notices() {
        let (first, full) = (Count(), Count())
        let queue = SpanQueue(dropped: { _ in }, filled: { if $0 { full.increment() } else { first.increment() } })
        for _ in 0..<10 { queue.accept(batch(64)) }
        #expect(first.now == 1 && full.now == 1)
        while queue.take() != nil {}
        queue.accept(batch(1))
        #expect(first.now == 2 && full.now == 1)
    }
}

@Suite("The exporter", .timeLimit(.minutes(5)))
struct SpanExporterTests {
    @Test("spans are posted as JSON with the configured fields, and counted")
    func exported() async throws {
        let requests = Mailbox<(head: String, body: String)>()
        let server = try ScriptedServer { connection in
            requests.send(try connection.readRequest())
            try connection.answer(200, "{}")
        }
        let bench = try Bench(server)
        bench.exporter.queue.accept(batch(2))
        let (head, body) = try await requests.next()
        #expect(head.hasPrefix("POST /v1/traces HTTP/1.1\r\n"))
        #expect(head.contains("\r\nContent-Type: application/json\r\n") && head.contains("\r\nx-key: secret\r\n"))
        let parsed = try JSONParser.parse(Array(body.utf8).span)
        let spans = parsed["resourceSpans"]?.array?.first?["scopeSpans"]?.array?.first?["spans"]?.array
        #expect(spans?.count == 2)
        await bench.finish()
        #expect(bench.counters.figures == [.exported: 2])
    }

    @Test("a collector that is not ready gets the same spans again")
    func again() async throws {
        let bodies = Mailbox<String>()
        let count = Count()
        let server = try ScriptedServer { connection in
            bodies.send(try connection.readRequest().body)
            if count.increment() == 0 {
                try connection.write("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", step: .max)
            } else {
                try connection.answer(200, "{}")
            }
        }
        let bench = try Bench(server)
        bench.exporter.queue.accept(batch(1))
        let both = try await bodies.next(2)
        #expect(both[0] == both[1])
        await bench.finish()
        #expect(bench.counters.figures == [.exported: 1])
        #expect(bench.log.text.contains("spans could not be exported"))
        #expect(bench.log.text.contains("spans are exported again"))
        #expect(!bench.log.text.contains("secret"))
    }

    @Test("spans that the collector refuses are counted and not sent again", arguments: [400, 200])
    func refused(status: Int) async throws {
        let count = Count()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            count.increment()
            try connection.answer(status, #"{"partialSuccess":{"rejectedSpans":"2"}}"#)
        }
        let bench = try Bench(server)
        bench.exporter.queue.accept(batch(2))
        try await bench.log.wait(for: "the collector rejected spans")
        await bench.finish()
        #expect(bench.counters.figures == [.rejected: 2])
        #expect(count.now == 1)
    }

    @Test("an answer of any size is no matter")
    func huge() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{", step: .max)
        }
        let bench = try Bench(server)
        bench.exporter.queue.accept(batch(2))
        await bench.finish()
        #expect(bench.counters.figures == [.exported: 2])
    }

    @Test("at the end what waits is sent at once, and a collector that does not answer is not waited for")
    func end() async throws {
        let asked = Mailbox<Void>()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            asked.send()
            // Until the gate closes the connection.
            _ = try? connection.read()
        }
        let bench = try Bench(server)
        for _ in 0..<10 { bench.exporter.queue.accept(batch(64)) }
        try await asked.next()
        await bench.finish(within: .milliseconds(50))
        #expect(bench.counters.figures == [.failed: 640])
        bench.exporter.queue.accept(batch(1))
        #expect(bench.counters.figures == [.failed: 640, .dropped: 1])
    }

    /// An exporter to a server on loopback.
    private final class Bench: Sendable {
        let exporter: SpanExporter
        let counters = SpanCounters()
        let log = TestLog()
        private let server: ScriptedServer

        init(_ server: ScriptedServer) throws {
            self.server = server
            counters.use()
            let url = try #require(OutboundURL("http://127.0.0.1:\(server.port)/v1/traces"))
            exporter = SpanExporter(
                url, fields: [("x-key", "secret")], SpanEnvelope(service: "gate", version: "1", host: "here"),
                counters: counters, loop: EventLoop(label: "export"), resolver: Resolver(), tls: nil,
                logger: log.logger)
        }

        func finish(within limit: Nanoseconds = .seconds(60)) async {
            await withCheckedContinuation { continuation in
                exporter.finish(within: limit) { continuation.resume() }
            }
        }
    }
}

private func batch(_ count: Int, name: Int = 0, path: String = "/") -> SpanBatch {
    var batch = SpanBatch()
    for _ in 0..<count {
        var line = SpanLine(
            .init(TraceWords(high: 1, low: 2), span: 3, parent: nil, isParentRemote: false), .server, name: "GET",
            start: 1, end: 2)
        line.add("url.path", path, limit: SpanLine.TextLimit.path)
        line.add("name", "n\(name)")
        batch.append(line, isError: false)
    }
    return batch
}
