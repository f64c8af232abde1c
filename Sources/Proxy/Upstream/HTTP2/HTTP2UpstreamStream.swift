// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import HTTP2
import Reactor

/// One request to the app on an HTTP/2 connection, and its response.
///
/// The session tells what happened; `serve()` acts upon it later. Content that the browser is not ready for waits here,
/// and is acknowledged when it has gone on: never more than the stream's window, 64 KiB, is held.
final class HTTP2UpstreamStream: UpstreamStream, StreamHandler {
    private let connection: HTTP2Upstream
    private var stream: Stream?
    private var exchange: Exchange?
    /// In the connection's list of those to be served.
    var isReady = false
    private var informational: [[UInt8]] = []
    private var head: [UInt8] = []
    private var hasHead = false
    private var isHeadGiven = false
    private var inbound: [UInt8] = []
    /// Given on but not acknowledged, since the browser does not keep up.
    private var unacknowledged = 0
    private var isEnded = false
    private var trailers: [UInt8] = []
    private var isMalformed = false
    private var closed: Stream.End?
    private var isPaused = false
    private var receivedAny = false
    private let timer: LoopTimer

    init(_ connection: HTTP2Upstream) {
        self.connection = connection
        let box = Unowned<HTTP2UpstreamStream>()
        timer = connection.worker.loop.makeTimer { box.object?.timedOut() }
        box.object = self
    }

    private var session: ClientSession { connection.session }

    var pool: UpstreamPool { connection.pool.owner }

    // MARK: The request

    var isBlocked: Bool {
        guard let stream, stream.pendingContent >= Self.highWater else { return false }
        stream.awaitsRoom = true
        return true
    }

    /// Content is framed before it goes into the socket, and shares it.
    var sink: Transport? { nil }

    var mayRefuse: Bool { true }

    func start(_ exchange: Exchange, expectsContent: Bool, contentFollows: Bool) {
        self.exchange = exchange
        let shared = connection.shared
        shared.text.removeAll(keepingCapacity: true)
        exchange.writeUpstreamHead(into: &shared.text)
        let text = shared.text
        shared.memory.fields.begin(requestText: text.span, scheme: connection.isSecure ? "https" : "http")
        // A hop-by-hop field, which gRPC servers insist on.
        if exchange.request.takesTrailers { shared.memory.fields.add("te", "trailers") }
        stream = session.request(
            shared.memory.fields, isHead: exchange.request.method == .head, isEnd: !expectsContent, handler: self)
        touch()
        if exchange.request.authenticatesConnection { connection.bind() }
        guard stream != nil else {
            // Between the choice and now the connection's room has gone.
            closed = .refused
            return connection.wake(self)
        }
        connection.scheduleFlush()
    }

    func send(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool, isChunked: Bool) {
        guard let stream else { return }
        touch()
        session.send(content, on: stream)
        if isEnd {
            var list: FieldList?
            if !trailers.isEmpty {
                list = FieldList()
                list?.add(lines: trailers.span)
            }
            session.end(stream, trailers: list)
        }
        connection.contentGiven(to: stream)
    }

    // MARK: What the session tells

    func headReceived(_ text: inout [UInt8], _ kind: Stream.Head, isEnd: Bool) {
        receivedAny = true
        if kind == .informational {
            informational.append(text)
        } else {
            hasHead = true
            swap(&head, &text)
            isEnded = isEnd
        }
        connection.markReady(self)
    }

    func malformed(_ fault: MalformedHead) {
        isMalformed = true
        connection.markReady(self)
    }

    func contentReceived(_ content: Span<UInt8>) {
        inbound.append(span: content)
        connection.markReady(self)
    }

    func ended(trailers: [UInt8]) {
        isEnded = true
        self.trailers = trailers
        connection.markReady(self)
    }

    func streamClosed(_ end: Stream.End) {
        closed = end
        connection.markReady(self)
    }

    func contentLeft() {
        touch()
        exchange?.upstreamWritable()
    }

    // MARK: What follows

    func serve() {
        isReady = false
        if isMalformed {
            lost(.malformed)
        } else {
            forwardContent()
        }
        guard let closed, exchange == nil || !hasRest else { return }
        switch closed {
        case .whole: lost(.closed(wasReused: false))
        case .refused: lost(.refused)
        case .reset(let code): lost(.closed(wasReused: false), code)
        case .failed:
            let isOld = connection.hasServed && !receivedAny && connection.isLost
            lost(.closed(wasReused: isOld))
        }
    }

    /// The response is whole, and what is left of it waits for the browser. One that broke is over at once.
    private var hasRest: Bool { hasHead && !isMalformed && isPaused && isEnded }

    private func forwardContent() {
        for text in informational {
            guard let exchange, read(text, exchange) else { return }
            exchange.informationalResponse()
            exchange.response.reset()
        }
        informational = []
        guard hasHead, !isPaused || !isHeadGiven, let exchange else { return }
        guard !isHeadGiven || !inbound.isEmpty || isEnded else { return }
        touch()
        var piece: [UInt8] = []
        swap(&piece, &inbound)
        let isEnd = isEnded
        unacknowledged += piece.count
        let lines = isEnd ? filteredTrailers() : []
        if !isHeadGiven {
            isHeadGiven = true
            guard read(head, exchange) else { return }
            head = []
            connection.noteServed()
            setFraming(of: exchange)
            if isEnd { finish() }
            exchange.responseHead(piece.span, isEnd: isEnd, trailers: lines, more: false)
        } else {
            if isEnd { finish() }
            exchange.responseBody(piece.span, isEnd: isEnd, trailers: lines, more: false)
        }
        if !isPaused { acknowledge() }
    }

    /// Reads a head that the session found nothing wrong with. False when there was.
    private func read(_ text: [UInt8], _ exchange: Exchange) -> Bool {
        do throws(HTTP1Error) {
            connection.shared.parser.reset()
            let progress = try connection.shared.parser.parseHead(
                text.span, into: &exchange.response, requestMethod: exchange.request.method)
            if exchange.response.authenticatesConnection { connection.bind() }
            if progress.isComplete, progress.consumed == text.count { return true }
        } catch {
            // As for what is incomplete.
        }
        lost(.malformed)
        return false
    }

    /// The stream tells where the content ends, where HTTP/1.1 would have the connection do so.
    private func setFraming(of exchange: Exchange) {
        exchange.response.isPersistent = true
        if exchange.response.framing == .untilClose { exchange.response.framing = .chunked }
    }

    private func acknowledge() {
        guard unacknowledged > 0, let stream else { return }
        session.consume(unacknowledged, on: stream)
        unacknowledged = 0
        connection.scheduleFlush()
    }

    /// As for HTTP/1.1, whose decoder knows what may pass.
    private func filteredTrailers() -> [UInt8] {
        guard !trailers.isEmpty else { return [] }
        return connection.worker.filtered(trailers: trailers)
    }

    /// The response is whole: lets go, then tells the exchange.
    private func finish() {
        guard let exchange else { return }
        self.exchange = nil
        timer.cancel()
        exchange.upstreamDone()
        // The app has said all; what the request still has to say is of no interest to it.
        if let stream, !stream.isOutboundEnded { session.reset(stream, .noError) }
        connection.streamEnded(self)
    }

    func pause() {
        isPaused = true
    }

    func resume() {
        guard isPaused else { return }
        isPaused = false
        acknowledge()
        connection.wake(self)
    }

    func abandon() {
        guard exchange != nil else { return }
        exchange = nil
        end(.cancel)
    }

    private func lost(_ loss: ExchangeStateMachine.Loss, _ code: ErrorCode? = nil) {
        guard let exchange else { return }
        self.exchange = nil
        end(isMalformed || loss == .malformed ? .protocolError : .cancel)
        exchange.upstreamLost(loss, code)
    }

    private func end(_ code: ErrorCode) {
        timer.cancel()
        inbound = []
        informational = []
        if let stream { session.reset(stream, code) }
        connection.scheduleFlush()
        connection.streamEnded(self)
    }

    // MARK: Time

    private func touch() {
        timer.set(connection.worker.loop.now.advanced(by: connection.pool.configuration.responseTimeout))
    }

    private func timedOut() {
        guard let exchange else { return }
        if awaitsBrowser || isHeadGiven && exchange.isEventStream { return touch() }
        // Nothing at all has come for long: the connection itself is in doubt.
        let quiet = connection.worker.loop.now.since(connection.lastReceived)
        if quiet.count > connection.pool.configuration.responseTimeout.count / 2 { connection.retire() }
        lost(.responseTimeout)
    }

    /// The browser is the one waited for, and its own time limits count.
    private var awaitsBrowser: Bool {
        if isPaused { return true }
        guard let exchange, let stream, !exchange.isRequestComplete, stream.pendingContent < Self.highWater else {
            return false
        }
        return receivedAny || !exchange.request.expectsContinue
    }

    /// More content than this waiting to leave holds the browser back.
    private static let highWater = 32_768
}

extension RequestHead {
    /// TE is `trailers` (RFC 9110 §10.1.4).
    fileprivate var takesTrailers: Bool {
        let bytes = bytes.span
        return fields.contains { field in
            field.known == .te && bytes.extracting(field.value.range).equalsIgnoringCase("trailers")
        }
    }
}
