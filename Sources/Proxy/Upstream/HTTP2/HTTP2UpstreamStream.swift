// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import HTTP1
import HTTP2
import Reactor

/// One request to an app on an HTTP/2 connection, and its response.
///
/// The session reports events; ``serve()`` acts on them later. Content that the client is not ready for waits here, and
/// is acknowledged when it has been forwarded: never more than the stream's window, 64 KiB, is held.
final class HTTP2UpstreamStream: UpstreamStream, StreamHandler, HTTP2Task {
    /// How much of the response has arrived, and how much of that was forwarded.
    private enum Response {
        case awaited
        /// 1xx heads have arrived, and are to be forwarded.
        case informational
        /// The head has arrived, and is to be forwarded.
        case head([UInt8])
        /// The head was forwarded.
        case content
        /// It broke a rule, and the stream is being reset.
        case malformed(MalformedHead)
    }

    private let connection: HTTP2Upstream
    private var stream: Stream?
    private var client: (any UpstreamClient)?
    private var response = Response.awaited
    private var informational: [[UInt8]] = []
    private var inbound: [UInt8] = []
    private var trailers: [UInt8] = []
    /// The app has ended its side.
    private var isEnded = false
    private var end: Stream.End?
    private var isWaitingForTurn = false
    /// The client takes no more for now.
    private var isPaused = false
    /// Content that was forwarded but not acknowledged, since the client is slower.
    private var unacknowledged = 0
    private var isEventStream = false
    private var method = Method.get
    private var expectsContinue = false
    private let reference = Unowned<HTTP2UpstreamStream>()
    private let timer: LoopTimer

    init(_ connection: HTTP2Upstream) {
        self.connection = connection
        timer = connection.loop.makeTimer { [reference] in reference.object?.timedOut() }
        reference.refer(to: self)
    }

    deinit {
        reference.clear()
    }

    private var session: ClientSession { connection.session }

    private var shared: HTTP2UpstreamShared { connection.pool.shared }

    var pool: UpstreamPool { connection.pool.owner }

    var isReused: Bool { connection.hasServed }

    var peerName: String { connection.peerName }

    // MARK: The request

    var isBlocked: Bool {
        guard let stream, stream.pendingContent >= HTTP2Connection.highWater else { return false }
        stream.awaitsRoom = true
        return true
    }

    var sink: Transport? { nil }

    var mayRefuse: Bool { true }

    func start(_ request: consuming UpstreamRequest, for client: any UpstreamClient) {
        self.client = client
        method = request.method
        expectsContinue = request.expectsContinue
        let (expectsContent, isBinding) = (request.expectsContent, request.authenticatesConnection)
        let memory = shared.memory
        memory.fields.begin(requestText: request.head.span, scheme: connection.isSecure ? "https" : "http")
        if request.takesTrailers { memory.fields.add("te", "trailers") }
        stream = session.request(memory.fields, isHead: method == .head, isEnd: !expectsContent, handler: self)
        connection.memory.recycleBuffer(&request.head)
        touch()
        if isBinding { connection.bind() }
        guard stream != nil else {
            // The connection has lost its room since it was chosen.
            end = .refused
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
        connection.contentSubmitted(on: stream)
    }

    // MARK: Events of the session

    func headReceived(_ text: inout [UInt8], _ kind: Stream.Head, isEnd: Bool) {
        if kind == .informational {
            informational.append(text)
            if case .awaited = response { response = .informational }
        } else {
            var head: [UInt8] = []
            swap(&head, &text)
            response = .head(head)
            isEnded = isEnd
        }
        connection.wake(self)
    }

    func malformed(_ fault: MalformedHead) {
        response = .malformed(fault)
        connection.wake(self)
    }

    func contentReceived(_ content: Span<UInt8>) {
        inbound.append(span: content)
        connection.wake(self)
    }

    func ended(trailers: [UInt8]) {
        isEnded = true
        self.trailers = trailers
        connection.wake(self)
    }

    func streamClosed(_ end: Stream.End) {
        self.end = end
        connection.wake(self)
    }

    func contentLeft() {
        touch()
        client?.upstreamWritable()
    }

    // MARK: Acting on them

    func becomeReady() -> Bool {
        guard !isWaitingForTurn else { return false }
        isWaitingForTurn = true
        return true
    }

    func serve() {
        isWaitingForTurn = false
        forward()
        guard let end, client == nil || !hasRest else { return }
        switch end {
        case .whole: lost(closed(wasReused: false))
        case .refused: lost(.streamRefused)
        case .reset(let code): lost(.streamReset(code))
        case .failed:
            let isOld = connection.hasServed && !hasBegun && connection.isClosed
            if let code = connection.session.termination, code != .noError {
                lost(.http2Violation(code, wasReused: isOld))
            } else {
                lost(closed(wasReused: isOld))
            }
        }
    }

    /// The connection ended.
    private func closed(wasReused: Bool) -> UpstreamFault {
        let loss = UpstreamLoss.closed(wasReused: wasReused)
        guard case .content = response else {
            return UpstreamFault(
                loss, .closedBeforeResponse, "the app closed the connection before its response")
        }
        return UpstreamFault(
            loss, .closedInContent, "the app closed the connection before its response was complete")
    }

    /// Some of the response has arrived.
    private var hasBegun: Bool {
        switch response {
        case .awaited: false
        case .malformed, .informational, .head, .content: true
        }
    }

    /// The response is complete, and the rest of it waits for the client. One that broke off ends at once.
    private var hasRest: Bool {
        guard isPaused, isEnded else { return false }
        switch response {
        case .head, .content: return true
        case .awaited, .informational, .malformed: return false
        }
    }

    private func forward() {
        if case .malformed(let fault) = response { return lost(.malformed(fault)) }
        for text in informational {
            guard let client, forwardInformational(text, to: client) else { return }
        }
        informational = []
        guard let client else { return }
        switch response {
        case .awaited, .informational, .malformed: break
        case .head(let text):
            response = .content
            let error = shared.withHead(text, method) { head, tolerated in
                if head.authenticatesConnection { connection.bind() }
                connection.noteServed()
                if !tolerated.isEmpty { connection.note(tolerated) }
                setFraming(of: &head)
                if !isEnded { isEventStream = head.isEventStream }
                forwardPiece { client.responseBegan(&head, $0, isEnd: $1, trailers: $2, more: false) }
            }
            if let error { lost(.malformed(error)) }
        case .content:
            guard !isPaused, !inbound.isEmpty || isEnded else { return }
            forwardPiece { client.responseContent($0, isEnd: $1, trailers: $2, more: false) }
        }
    }

    private func forwardInformational(_ text: [UInt8], to client: any UpstreamClient) -> Bool {
        let error = shared.withHead(text, method) { head, tolerated in
            if head.authenticatesConnection { connection.bind() }
            if !tolerated.isEmpty { connection.note(tolerated) }
            client.informationalResponse(&head)
        }
        if let error { lost(.malformed(error)) }
        return error == nil
    }

    private func forwardPiece(_ deliver: (Span<UInt8>, Bool, [UInt8]) -> Void) {
        touch()
        var piece: [UInt8] = []
        swap(&piece, &inbound)
        unacknowledged += piece.count
        let isEnd = isEnded
        // HTTP/1.1's decoder knows which trailers may pass.
        let lines = isEnd ? LoopMemory.filtered(trailers: trailers, shared.limits) : []
        if isEnd { finish() }
        deliver(piece.span, isEnd, lines)
        if !isPaused { acknowledge() }
    }

    /// The stream delimits the content, where HTTP/1.1 would close the connection.
    private func setFraming(of head: inout ResponseHead) {
        head.isPersistent = true
        if head.framing == .untilClose { head.framing = .chunked }
    }

    private func acknowledge() {
        guard unacknowledged > 0, let stream else { return }
        session.consume(unacknowledged, on: stream)
        unacknowledged = 0
        connection.scheduleFlush()
    }

    /// The response is complete: the client no longer uses the stream, and gets the end of the response next.
    private func finish() {
        guard let client else { return }
        self.client = nil
        timer.cancel()
        client.upstreamDone()
        // The app has responded; it has no use for the rest of the request.
        if let stream, !stream.isOutboundEnded { session.reset(stream, .noError) }
        connection.streamEnded()
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
        guard client != nil else { return }
        client = nil
        close(.cancel)
    }

    private func lost(_ fault: UpstreamFault) {
        guard let client else { return }
        self.client = nil
        close(fault.loss == .malformed ? .protocolError : .cancel)
        client.upstreamLost(fault)
    }

    private func close(_ code: ErrorCode) {
        timer.cancel()
        inbound = []
        informational = []
        if let stream { session.reset(stream, code) }
        connection.scheduleFlush()
        connection.streamEnded()
    }

    // MARK: Time

    /// The app has its time again.
    private func touch() {
        timer.set(connection.loop.now.advanced(by: patience))
    }

    /// How long the app may take until the head of its response, or until the next piece of it.
    private var patience: Nanoseconds {
        switch response {
        case .awaited, .informational: pool.configuration.responseTimeout
        case .head, .content, .malformed: pool.configuration.idleTimeout
        }
    }

    private func timedOut() {
        guard client != nil else { return }
        if awaitsClient || isEventStream { return touch() }
        // Nothing at all has arrived for long, or only parts of one frame: the connection itself is in doubt.
        let quiet = connection.loop.now.since(connection.lastReceived)
        if quiet.count > patience.count / 2 { connection.retire() }
        if case .content = response { lost(.responsePaused) } else { lost(.responseTimeout) }
    }

    /// The client is the one waited for, and its own time limits apply.
    private var awaitsClient: Bool {
        if isPaused { return true }
        guard let client, let stream, !client.isRequestComplete, stream.pendingContent < HTTP2Connection.highWater
        else {
            return false
        }
        return hasBegun || !expectsContinue
    }
}
