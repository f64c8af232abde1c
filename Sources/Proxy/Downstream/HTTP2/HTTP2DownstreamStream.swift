// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import HTTP2
import Reactor

/// One request of an HTTP/2 connection, on its way into an exchange. See ``HTTP2TunnelTransport`` for what becomes of
/// an extended CONNECT.
///
/// The session tells what happened; `serve()` acts upon it later. Content that the app is not ready for waits here, and
/// is acknowledged when it has gone on: never more than the stream's window, 64 KiB, is held.
final class HTTP2DownstreamStream: StreamHandler {
    let connection: HTTP2Downstream
    let stream: Stream
    /// Nil once it is through.
    var exchange: Exchange?
    /// In the connection's list of those to be served.
    var isReady = false
    /// Content not yet given on.
    var inbound: [UInt8] = []
    /// Nothing more will come.
    private(set) var isEnded = false
    /// An extended CONNECT, until it is answered.
    var isTunnel = false
    weak var tunnel: HTTP2TunnelTransport?
    /// When the rest of a request that was answered is refused.
    var stopsAt = MonotonicTime.distantFuture
    /// The peer or the connection has gone.
    private(set) var isLost = false

    private var hasBegun = false
    private var hasHead = false
    /// The head was not the request's end, whatever has come since.
    private var hasContent = false
    private var isTooLarge = false
    private var fault: MalformedHead?
    private var trailers: [UInt8] = []
    private var isEndGiven = false
    /// Given on but not acknowledged, since whoever got it does not keep up.
    private var unacknowledged = 0
    private var lastProgress: MonotonicTime
    private var sentBefore: UInt64 = 0
    /// While others need what the client holds.
    var pace: PaceMeter?

    init(_ stream: Stream, exchange: Exchange, connection: HTTP2Downstream) {
        self.stream = stream
        self.exchange = exchange
        self.connection = connection
        lastProgress = connection.worker.loop.now
    }

    var worker: Worker { connection.worker }
    var session: ServerSession { connection.session }

    /// The client is the one to send more.
    var hasNoContentAtHand: Bool { inbound.isEmpty && !isEnded }

    // MARK: What the session tells

    func headReceived(_ text: inout [UInt8], _ kind: Stream.Head, isEnd: Bool) {
        hasHead = true
        isEnded = isEnd
        if kind == .oversizedRequest {
            isTooLarge = true
        } else {
            hasContent = !isEnd
            isTunnel = kind == .tunnel
            if let exchange { swap(&exchange.request.bytes, &text) }
        }
        connection.markReady(self)
    }

    func malformed(_ fault: MalformedHead) {
        self.fault = fault
        connection.markReady(self)
    }

    func contentReceived(_ content: Span<UInt8>) {
        if !content.isEmpty { lastProgress = worker.loop.now }
        if exchange == nil, tunnel == nil {
            // Its response is given already.
            return session.consume(content.count, on: stream)
        }
        inbound.append(span: content)
        connection.markReady(self)
    }

    func ended(trailers: [UInt8]) {
        isEnded = true
        self.trailers = trailers
        connection.markReady(self)
    }

    func streamClosed(_ end: Stream.End) {
        isLost = true
        connection.markReady(self)
    }

    func contentLeft() {
        lastProgress = worker.loop.now
        if let tunnel { return tunnel.writable() }
        exchange?.downstreamWritable()
    }

    // MARK: What follows

    func serve() {
        isReady = false
        if !hasBegun, let exchange { begin(exchange) }
        if fault != nil, hasBegun, exchange != nil { lose() }
        if let tunnel {
            tunnel.readable()
        } else {
            forwardContent()
        }
        if isLost { lose() }
    }

    private func begin(_ exchange: Exchange) {
        guard hasHead || fault != nil || isLost else { return }
        hasBegun = true
        guard !isLost || fault != nil else {
            // Cancelled before anything was done for it.
            self.exchange = nil
            return exchange.discard()
        }
        exchange.begin(self, client: connection.peer.text)
        // Its stream is being reset: what follows is for the log.
        if let fault { return exchange.refuse(status: 400, fault.description) }
        if isTooLarge { return exchange.refuse(.headTooLarge) }
        do throws(HTTP1Error) {
            try connection.shared.parser.readWhole(&exchange.request)
        } catch {
            return exchange.refuse(error)
        }
        exchange.request.version = .http2
        if isTunnel {
            // RFC 8441 §5; of other protocols nothing is known (RFC 9220 §3).
            guard exchange.request.asksForWebSocket else {
                return exchange.refuse(status: 501, "a protocol other than websocket")
            }
        } else if exchange.request.framing == .none, hasContent {
            exchange.request.framing = .chunked
            exchange.request.expectsContinue = exchange.request.fields.contains { $0.known == .expect }
        }
        exchange.requestHeadReceived(
            connection.peer, contentFollows: !isTunnel && (!inbound.isEmpty || isEnded && exchange.hasContent))
    }

    /// Gives content on as long as it is wanted.
    private func forwardContent() {
        while let exchange, hasBegun, exchange.wantsContent, !inbound.isEmpty || isEnded && !isEndGiven {
            var piece: [UInt8] = []
            swap(&piece, &inbound)
            let isEnd = isEnded
            isEndGiven = isEnd
            unacknowledged += piece.count
            exchange.requestContent(piece.span, isEnd: isEnd, trailers: isEnd ? filteredTrailers() : [], more: false)
        }
        guard let exchange else {
            inbound = []
            return acknowledgeAll()
        }
        if exchange.wantsContent || isEndGiven { acknowledge() }
    }

    private func acknowledge() {
        guard unacknowledged > 0 else { return }
        session.consume(unacknowledged, on: stream)
        unacknowledged = 0
        connection.scheduleFlush()
    }

    private func acknowledgeAll() {
        unacknowledged = 0
        session.consume(Int.max, on: stream)
    }

    /// As for HTTP/1.1, whose decoder knows what may pass.
    private func filteredTrailers() -> [UInt8] {
        trailers.isEmpty ? [] : worker.filtered(trailers: trailers)
    }

    /// The browser has gone, or has broken off.
    private func lose() {
        let exchange = exchange
        self.exchange = nil
        inbound = []
        exchange?.downstreamLost()
    }

    // MARK: Time

    /// Ends what took too long; returns when to look again.
    func checkTime(_ now: MonotonicTime, _ limit: Nanoseconds) -> MonotonicTime {
        if stopsAt <= now, tunnel == nil {
            stopsAt = session.stopRequest(stream) ? .distantFuture : now.advanced(by: Self.stopTime)
        }
        return min(stopsAt, checkProgress(now, limit))
    }

    private func checkProgress(_ now: MonotonicTime, _ limit: Nanoseconds) -> MonotonicTime {
        if stream.contentSent != sentBefore {
            sentBefore = stream.contentSent
            lastProgress = now
        }
        let isOpenEnded = stream.hasOutboundHead && exchange?.isEventStream == true
        let awaitsContent = exchange?.wantsContent == true && !isEnded && inbound.isEmpty && !isOpenEnded
        guard tunnel == nil, stream.pendingContent > 0 || awaitsContent else {
            lastProgress = now
            return now.advanced(by: limit)
        }
        let deadline = lastProgress.advanced(by: limit)
        guard deadline <= now else { return deadline }
        if stream.pendingContent > 0 {
            session.reset(stream, .cancel)
            lose()
        } else {
            exchange?.refuse(status: 408, "body_timeout")
        }
        return now.advanced(by: limit)
    }

    /// More content than this waiting to leave holds the app back.
    static let highWater = 32_768
    /// How long after its response a client may find out by itself that the rest of its request is not wanted.
    static let stopTime = Nanoseconds.milliseconds(300)
}

extension RequestHead {
    /// The head of an extended CONNECT is for a WebSocket.
    fileprivate var asksForWebSocket: Bool {
        for field in fields where field.known == .upgrade {
            return bytes.span.extracting(field.value.range).equalsIgnoringCase("websocket")
        }
        return false
    }
}
