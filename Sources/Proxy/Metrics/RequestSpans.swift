// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor
import Telemetry

/// One worker's spans, for export: one of each request, and one of what was sent to the app for it. They are collected and
/// passed on in batches, at least every 100 ms, so that a request takes no lock for its own.
///
/// The attributes are those of OpenTelemetry's semantic conventions for HTTP (1.23 and later). Never a query, a value of
/// a cookie or a user: traces are read by more people than the audit trail is.
final class RequestSpans {
    private let sink: any SpanSink
    private var batch = SpanBatch()
    private var timer: LoopTimer?

    init(_ sink: any SpanSink) {
        self.sink = sink
    }

    /// - Parameter app: that the request was for; nil: for none.
    func record(
        _ exchange: some FinishedExchange, _ trace: TraceContext, _ client: LoggedClient, _ app: UpstreamName?,
        _ loop: EventLoop
    ) {
        if batch.isEmpty { setTimer(loop) }
        let clock = SpanClock(wall: loop.wallClock, monotonic: loop.now)
        let span = ServerSpan(exchange, client)
        batch.append(span.line(trace, clock), isError: span.isError)
        if let app, let started = exchange.record.upstreamStarted {
            let span = ClientSpan(exchange, app)
            batch.append(span.line(trace, clock, since: started), isError: span.isError)
        }
        if batch.count >= Self.batchCount || batch.bytes.count >= Self.batchSize { flush() }
    }

    func flush() {
        guard !batch.isEmpty else { return }
        sink.accept(batch)
        batch = SpanBatch()
    }

    private func setTimer(_ loop: EventLoop) {
        let timer = timer ?? loop.makeTimer { [weak self] in self?.flush() }
        self.timer = timer
        if timer.deadline == .distantFuture { timer.set(loop.now.advanced(by: .milliseconds(100))) }
    }

    private static let batchCount = 64
    private static let batchSize = 65536
}

/// Both clocks when an exchange ended.
private struct SpanClock {
    /// Seconds since 1970.
    let wall: Double
    let monotonic: MonotonicTime

    /// In nanoseconds since 1970.
    var end: UInt64 { wall > 0 ? UInt64(min(wall, 1e10) * 1e9) : 0 }

    func nanoseconds(at time: MonotonicTime) -> UInt64 {
        let before = UInt64(clamping: monotonic.since(time).count)
        return end > before ? end - before : 0
    }
}

/// The gate's own span of a request.
private struct ServerSpan<Ended: FinishedExchange> {
    private let exchange: Ended
    private let client: LoggedClient

    init(_ exchange: Ended, _ client: LoggedClient) {
        self.exchange = exchange
        self.client = client
    }

    private var record: ExchangeRecord { exchange.record }

    var isError: Bool { record.status >= 500 || record.isAborted }

    func line(_ trace: TraceContext, _ clock: SpanClock) -> SpanLine {
        let head = exchange.request
        let (bytes, path) = (head.bytes, head.path)
        let text = bytes.span
        let identity = SpanLine.Identity(
            TraceWords(trace.trace), span: trace.server, parent: trace.caller, isParentRemote: true)
        var line = SpanLine(
            identity, .server, name: head.method.spanName, start: clock.nanoseconds(at: record.started),
            end: clock.end)
        line.add("http.request.method", head.method.conventionalName)
        if head.method == .other {
            line.add("http.request.method_original", text.extracting(head.methodName.range), limit: 64)
        }
        let shown = text.extracting(path.range)
        line.add("url.path", shown.extracting(0..<LoggedPath.count(of: shown)), limit: SpanLine.TextLimit.path)
        line.add("url.scheme", exchange.isSecure ? "https" : "http")
        addServer(text.extracting(head.authority.range), to: &line)
        if record.status > 0 { line.add("http.response.status_code", UInt64(record.status)) }
        if exchange.contentCount > 0 { line.add("http.request.body.size", exchange.contentCount) }
        line.add("http.response.body.size", exchange.contentSent)
        line.add("user_agent.original", text.extracting(head.userAgent.range))
        line.add("network.protocol.name", "http")
        line.add("network.protocol.version", head.version.number)
        line.add("client.address", client.address.span)
        line.add("network.peer.address", (client.peer.isEmpty ? client.address : client.peer).span)
        line.add("sidegate.request_id", exchange.requestID.span)
        line.add("sidegate.outcome", record.outcome.name.description)
        if let reason = record.reason { line.add("sidegate.reason", reason.rawValue) }
        line.add("sidegate.provider", record.provider)
        if let subject = record.subject {
            line.add("sidegate.subject.method", subject.method.span, limit: 64)
            let path = subject.path
            line.add(
                "sidegate.subject.path", path.span.extracting(0..<LoggedPath.count(of: path.span)),
                limit: SpanLine.TextLimit.path)
        }
        if isError { line.add("error.type", errorType) }
        return line
    }

    private var errorType: String {
        record.reason?.rawValue ?? (record.isAborted ? Reason.aborted.rawValue : String(record.status))
    }

    /// `server.address` and `server.port` of what the client asked for.
    private func addServer(_ authority: Span<UInt8>, to line: inout SpanLine) {
        var end = authority.count
        while end > 0, authority[end - 1] &- UInt8(ascii: "0") < 10 { end -= 1 }
        guard end > 0, end < authority.count, authority[end - 1] == UInt8(ascii: ":") else {
            return line.add("server.address", authority)
        }
        line.add("server.address", authority.extracting(0..<(end - 1)))
        var port: UInt64 = 0
        for index in end..<min(authority.count, end + 5) { port = port * 10 + UInt64(authority[index] & 15) }
        line.add("server.port", port)
    }
}

/// The gate's span of the request that it sent to the app. Its end is that of the exchange, since the response is passed on
/// as it comes.
private struct ClientSpan<Ended: FinishedExchange> {
    private let exchange: Ended
    private let app: UpstreamName

    init(_ exchange: Ended, _ app: UpstreamName) {
        self.exchange = exchange
        self.app = app
    }

    private var record: ExchangeRecord { exchange.record }

    /// The app's.
    private var status: UInt16 { record.upstreamDuration == nil || record.cause != nil ? 0 : record.status }

    var isError: Bool { record.cause != nil || status >= 400 }

    func line(_ trace: TraceContext, _ clock: SpanClock, since started: MonotonicTime) -> SpanLine {
        let method = exchange.request.method
        let identity = SpanLine.Identity(
            TraceWords(trace.trace), span: trace.client, parent: trace.server, isParentRemote: false)
        var line = SpanLine(
            identity, .client, name: method.spanName, start: clock.nanoseconds(at: started), end: clock.end)
        line.add("http.request.method", method.conventionalName)
        switch app.endpoint {
        case .host(let host, let port):
            line.add("server.address", host)
            line.add("server.port", UInt64(port))
        case .unix(let path):
            line.add("server.address", path)
            line.add("network.transport", "unix")
        }
        if status > 0 { line.add("http.response.status_code", UInt64(status)) }
        if let cause = record.cause {
            line.add("error.type", cause.rawValue)
        } else if status >= 400 {
            line.add("error.type", String(status))
        }
        return line
    }
}

extension TraceWords {
    init(_ trace: TraceID) {
        self.init(high: trace.high, low: trace.low)
    }
}

extension RequestHead {
    /// The value of the first User-Agent; empty: there is none.
    var userAgent: ByteRange {
        for index in fields.indices where fields[index].known == .userAgent {
            let value = fields[index].value
            return value.upperBound <= bytes.count ? value : .empty
        }
        return .empty
    }
}

extension Version {
    /// As the log has it.
    var name: StaticString {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2"
        }
    }

    /// `network.protocol.version`
    fileprivate var number: String {
        switch self {
        case .http10: "1.0"
        case .http11: "1.1"
        case .http2: "2"
        }
    }
}

extension Method {
    /// The name of a span has few values: of a method that is not known it is HTTP.
    fileprivate var spanName: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .connect: "CONNECT"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        case .other: "HTTP"
        }
    }

    fileprivate var conventionalName: String { self == .other ? "_OTHER" : spanName.description }
}
