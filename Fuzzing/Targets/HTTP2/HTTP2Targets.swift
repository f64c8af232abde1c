// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import HTTP2
import TestSupport

/// HTTP/2 sessions of both sides.
///
/// A session that only listens reports the same however the bytes are divided. A session that answers sends whole frames, and
/// keeps to its limits. A head that is passed on is one head for the parser that reads it, and no second message hides in it.
enum HTTP2Targets {
    static let server = FuzzTarget(
        "http2-server", maximumLength: 1500, dictionary: words, seeds: { HTTP2Seeds.requests },
        repair: HTTP2Seeds.framed
    ) { input throws(BrokenProperty) in
        // The preface is 24 bytes that mutations would have to keep.
        let bytes = input.starts(with: "PRI".utf8) ? input : [UInt8](HTTP2Seeds.preface) + input
        var random = SeededGenerator(of: input)
        let whole = ServerRun([bytes], answers: false)
        for pieces in [bytes.map { [$0] }, random.pieces(of: bytes)] {
            let other = ServerRun(pieces, answers: false)
            try require(
                whole.log.outcome == other.log.outcome && whole.termination == other.termination,
                "pieces \(pieces) are read otherwise: \(whole.log.outcome) \(other.log.outcome)")
        }
        if let fault = whole.log.fault { throw BrokenProperty(fault) }
        try require(whole.peak <= ServerRun.streams, "\(whole.peak) streams")
        let answering = ServerRun(random.pieces(of: bytes, longest: 200), answers: true)
        if let fault = answering.log.fault ?? HTTP2Seeds.fault(ofOutput: answering.output) {
            throw BrokenProperty(fault)
        }
        try require(answering.output.count < 64 * 1024 + 100 * bytes.count, "\(answering.output.count) bytes of output")
    }

    static let client = FuzzTarget(
        "http2-client", maximumLength: 1500, dictionary: words, seeds: { HTTP2Seeds.responses },
        repair: HTTP2Seeds.framed
    ) { input throws(BrokenProperty) in
        var random = SeededGenerator(of: input)
        let whole = ClientRun([input])
        for pieces in [input.map { [$0] }, random.pieces(of: input)] {
            let other = ClientRun(pieces)
            try require(
                whole.log.outcome == other.log.outcome && whole.termination == other.termination,
                "pieces \(pieces) are read otherwise: \(whole.log.outcome) \(other.log.outcome)")
        }
        if let fault = whole.log.fault ?? HTTP2Seeds.fault(ofOutput: Array(whole.output.dropFirst(24))) {
            throw BrokenProperty(fault)
        }
    }

    private static let words = [
        "content-length", "transfer-encoding", "chunked", "connection", "host", "cookie", "te", "trailers", ":method",
        ":path",
        ":authority", ":scheme", ":protocol", ":status", "websocket", "CONNECT", "\r\n", "\u{0}", "100", "304",
    ]
}

/// What the streams of a session reported.
final class StreamLog {
    private(set) var events: [String] = []
    private(set) var fault: String?

    /// Content of one stream is one event, however it arrives.
    private var contents: [Int32: Int] = [:]
    /// Streams that did not end as their message says.
    private var broken: Set<Int32> = []

    /// What must not depend on how the bytes are divided. Of a frame with more content than was announced, only what arrives in a
    /// piece by itself is passed on, so what came of a broken message is left out.
    var outcome: [String] {
        let partial = Set(broken.compactMap { contents[$0] })
        return events.indices.filter { !partial.contains($0) }.map { events[$0] }
    }

    func noteBroken(_ stream: Int32) { broken.insert(stream) }

    func add(_ event: String) { events.append(event) }

    func add(content: [UInt8], of stream: Int32) {
        if let index = contents[stream] {
            events[index] += content.quoted
        } else {
            contents[stream] = events.count
            events.append("\(stream) content \(content.quoted)")
        }
    }

    /// The text must be one head, with nothing behind it, and no line that another reader would take for two.
    func check(head text: [UInt8], isRequest: Bool) {
        let limits = HTTP1Limits(headBytes: 1 << 20, fields: 1000)
        if isRequest {
            var parser = RequestParser(limits: limits)
            var head = RequestHead()
            guard let progress = try? parser.parseHead(text.span, into: &head) else { return }
            guard progress.isComplete, progress.consumed == text.count else {
                return fail("not one head: \(text.quoted)")
            }
            if let what = Plainness.fault(head) { fail("\(what): \(text.quoted)") }
        } else {
            var parser = ResponseParser(limits: limits)
            var head = ResponseHead()
            guard let progress = try? parser.parseHead(text.span, into: &head, requestMethod: .get) else { return }
            guard progress.isComplete, progress.consumed == text.count else {
                return fail("not one head: \(text.quoted)")
            }
            if let what = Plainness.fault(head) { fail("\(what): \(text.quoted)") }
        }
    }

    func fail(_ text: String) { fault = fault ?? text }
}

/// One stream.
final class LoggedStream: StreamHandler {
    private let log: StreamLog
    private let isRequest: Bool
    /// The session that it belongs to, if content is acknowledged.
    private weak var session: Session?
    private(set) weak var stream: Stream?
    private(set) var hasHead = false
    private(set) var isClosed = false
    private(set) var hasAnswer = false
    private var id: Int32 = 0

    init(_ log: StreamLog, isRequest: Bool) {
        self.log = log
        self.isRequest = isRequest
    }

    func attach(_ stream: Stream?, _ session: Session?) {
        self.stream = stream
        self.session = session
        id = stream?.id ?? 0
    }

    func answered() { hasAnswer = true }

    func headReceived(_ text: inout [UInt8], _ kind: Stream.Head, isEnd: Bool) {
        guard !isClosed else { return log.fail("a head after the end") }
        hasHead = true
        log.add("\(id) \(kind) \(isEnd) \(text.quoted)")
        if kind != .oversizedRequest { log.check(head: text, isRequest: isRequest) }
    }
    func malformed(_ fault: MalformedHead) { log.add("\(id) malformed \(fault)") }
    func contentReceived(_ content: Span<UInt8>) {
        guard hasHead, !isClosed else { return log.fail("content outside of a message") }
        log.add(content: content.indices.map { content[$0] }, of: id)
        if let session, let stream { session.consume(content.count, on: stream) }
    }
    func ended(trailers: [UInt8]) {
        guard hasHead, !isClosed else { return log.fail("an end outside of a message") }
        log.add("\(id) end \(trailers.quoted)")
    }
    func streamClosed(_ end: Stream.End) {
        if isClosed { log.fail("closed twice") }
        isClosed = true
        if case .failed = end { log.noteBroken(id) }
        log.add("\(id) closed \(end)")
    }
    func contentLeft() {}
}

/// A server's session that gets a client's bytes.
final class ServerRun: ServerSessionHandler {
    static let streams = 8

    let log = StreamLog()
    private(set) var output: [UInt8] = []
    private(set) var termination: ErrorCode?
    /// The most streams at a time.
    private(set) var peak = 0
    private var session: ServerSession?
    private var requests: [LoggedStream] = []

    init(_ pieces: [[UInt8]], answers: Bool) {
        let session = ServerSession(
            SessionConfiguration(maximumStreams: Self.streams, head: HeadLimits(bytes: 2048, fields: 20, crumbs: 10)),
            memory: SessionMemory(), handler: self, now: 0)
        self.session = session
        for piece in pieces {
            session.receive(piece.span, now: 0)
            peak = max(peak, session.streamCount)
            if answers { answer(session) }
        }
        if answers {
            session.beginDrain()
            send(session)
            session.finishDrain()
        }
        send(session)
        termination = session.termination
        session.closeStreams()
        session.detachHandler()
        self.session = nil
    }

    func streamOpened(_ stream: Stream) -> (any StreamHandler, storage: [UInt8]) {
        let request = LoggedStream(log, isRequest: true)
        request.attach(stream, session)
        requests.append(request)
        return (request, [])
    }
    func tunnelKey() -> [UInt8] { [UInt8]("a2V5a2V5a2V5a2V5a2V5aw==") }
    func drainAcknowledged() { log.add("drained") }

    /// Each request in one of the ways that the proxy has.
    private func answer(_ session: ServerSession) {
        for (number, request) in requests.enumerated() {
            guard let stream = request.stream, request.hasHead, !request.hasAnswer, !request.isClosed else { continue }
            request.answered()
            var fields = FieldList()
            fields.begin(status: number % 3 == 0 ? 404 : 200)
            fields.add("server", "fuzz")
            switch number % 4 {
            case 0: session.sendHead(fields, on: stream, isEnd: true)
            case 1: session.reset(stream, .cancel)
            default:
                session.sendHead(fields, on: stream, isEnd: false)
                session.send(Self.content.span, on: stream)
                session.end(stream)
            }
        }
        send(session)
    }

    private func send(_ session: ServerSession) {
        while session.produce(upTo: 16_384) {}
        output += session.takeOutput()
    }

    private static let content = [UInt8](repeating: 0x61, count: 3000)
}

/// A client's session with three requests, which gets a server's bytes.
final class ClientRun: ClientSessionHandler {
    let log = StreamLog()
    private(set) var output: [UInt8] = []
    private(set) var termination: ErrorCode?
    private var responses: [LoggedStream] = []

    init(_ pieces: [[UInt8]]) {
        let session = ClientSession(
            maximumStreams: 8, head: HeadLimits(bytes: 2048, fields: 20, crumbs: 10), memory: SessionMemory(),
            handler: self, now: 0)
        for (method, isEnd) in [("GET", true), ("HEAD", true), ("POST", false)] {
            var fields = FieldList()
            let text = [UInt8]("\(method) /a HTTP/1.1\r\nHost: app\r\n\r\n")
            fields.begin(requestText: text.span, scheme: "http")
            let response = LoggedStream(log, isRequest: false)
            responses.append(response)
            let stream = session.request(fields, isHead: method == "HEAD", isEnd: isEnd, handler: response)
            response.attach(stream, session)
        }
        send(session)
        for piece in pieces { session.receive(piece.span, now: 0) }
        send(session)
        termination = session.termination
        session.closeStreams()
        session.detachHandler()
    }

    func settingsReceived() { log.add("settings") }
    func goAwayReceived() { log.add("going away") }

    private func send(_ session: ClientSession) {
        while session.produce(upTo: 16_384) {}
        output += session.takeOutput()
    }
}
