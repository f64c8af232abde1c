// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import HTTP1
import HTTP2
import Reactor

/// One request of an HTTP/2 connection, and its exchange. For an extended CONNECT see ``HTTP2TunnelTransport``.
///
/// The session reports events; ``serve()`` acts on them later. Content that the app is not ready for waits here, and is
/// acknowledged when it has been forwarded: never more than the stream's window, 64 KiB, is held.
final class HTTP2DownstreamStream: StreamHandler, HTTP2Task {
    /// The state of the request's head.
    private enum Head {
        case awaited
        case received(Stream.Head, isEnd: Bool)
        case malformed(MalformedHead)
        /// The exchange has it.
        case forwarded
    }

    /// The state of the request's content.
    private enum Content {
        /// More can arrive.
        case open
        /// The client has ended its side.
        case ended
        /// The end was forwarded.
        case forwarded
    }

    /// Whether the request may begin.
    private enum Admission {
        case open, held, granted
    }

    private enum Use {
        case request
        /// An extended CONNECT that was not answered.
        case connect
        case tunnel
    }

    private(set) var connection: HTTP2Downstream
    private(set) var stream: Stream
    /// Nil when it has ended.
    private(set) var exchange: Exchange?
    /// An exchange that has ended, while the end of its response was not sent: it is logged with the end of the stream.
    private var unsent: Exchange?
    /// The client or the connection is gone.
    private(set) var isLost = false
    private(set) var isHeadRequest = false
    private var head = Head.awaited
    private var admission = Admission.open
    private var content = Content.open
    private var use = Use.request
    private weak var tunnel: HTTP2TunnelTransport?
    private var isWaitingForTurn = false
    /// The head broke a rule after it was forwarded.
    private var isBroken = false
    /// Content that was not forwarded.
    private var inbound: [UInt8] = []
    private var trailers: [UInt8] = []
    /// Content that was forwarded but not acknowledged, since its receiver is slower.
    private var unacknowledged = 0
    /// Once the request was answered before its end.
    private var discarding: DiscardedUpload?
    /// When the rest of it is refused.
    private var stopsAt = MonotonicTime.distantFuture
    private var lastProgress: MonotonicTime
    private var sentBefore: UInt64 = 0
    private var pace: PaceMeter?

    init(_ stream: Stream, exchange: Exchange, connection: HTTP2Downstream) {
        self.stream = stream
        self.exchange = exchange
        self.connection = connection
        lastProgress = connection.loop.now
    }

    var session: ServerSession { connection.session }

    /// An extended CONNECT that was not answered.
    var isConnect: Bool { use == .connect }

    var hasPendingContent: Bool { stream.pendingContent > 0 }

    private var isEnded: Bool { content != .open }

    // MARK: Events of the session

    func headReceived(_ text: inout [UInt8], _ kind: Stream.Head, isEnd: Bool) {
        head = .received(kind, isEnd: isEnd)
        if isEnd { content = .ended }
        if kind == .tunnel { use = .connect }
        if kind != .oversizedRequest { exchange?.withRequest { swap(&$0.bytes, &text) } }
        connection.markReady(self)
    }

    func malformed(_ fault: MalformedHead) {
        if case .forwarded = head { isBroken = true } else { head = .malformed(fault) }
        connection.markReady(self)
    }

    func contentReceived(_ content: Span<UInt8>) {
        if !content.isEmpty { lastProgress = connection.loop.now }
        if exchange == nil, tunnel == nil {
            // It was answered already.
            discard(content.count)
            return session.consume(content.count, on: stream)
        }
        inbound.append(span: content)
        connection.markReady(self)
    }

    func ended(trailers: [UInt8]) {
        content = .ended
        self.trailers = trailers
        connection.markReady(self)
    }

    func streamClosed(_ end: Stream.End) {
        isLost = true
        // Perhaps when the end of a response was sent: then nothing else leads to `serve()`.
        if unsent != nil { connection.wake(self) } else { connection.markReady(self) }
    }

    func contentLeft() {
        lastProgress = connection.loop.now
        if let tunnel { return tunnel.writable() }
        exchange?.downstreamWritable()
    }

    // MARK: Acting on them

    func becomeReady() -> Bool {
        guard !isWaitingForTurn else { return false }
        isWaitingForTurn = true
        return true
    }

    func serve() {
        isWaitingForTurn = false
        beginIfReceived()
        if isBroken { lose() }
        if let tunnel {
            tunnel.readable()
        } else {
            forwardContent()
        }
        if isLost { lose() } else if stream.isOutboundSent { endUnsent() }
    }

    private func beginIfReceived() {
        guard let exchange else { return }
        switch head {
        case .forwarded: break
        case .awaited:
            // Cancelled before its head was complete.
            if isLost { discard(exchange) }
        case .malformed(let fault):
            head = .forwarded
            exchange.begin(self, connection.peer.names)
            // The stream is being reset: what follows is for the log.
            exchange.refuse(status: 400, fault.reason, detail: fault.description)
        case .received(let kind, let isEnd):
            // Cancelled in the same read: nothing is done for it.
            guard !isLost else { return discard(exchange) }
            switch admission {
            case .open: admission = connection.admits(self) ? .granted : .held
            case .held, .granted: break
            }
            guard admission == .granted else { return }
            head = .forwarded
            begin(exchange, kind, isEnd: isEnd)
        }
    }

    /// The request was held back, and may begin now.
    func beginHeld() {
        admission = .granted
        connection.wake(self)
    }

    /// It has begun, and hardly any of the response was sent.
    var isUnanswered: Bool { admission == .granted && !isLost && stream.contentSent < UInt64(HeldRequests.leastRoom) }

    private func discard(_ exchange: Exchange) {
        head = .forwarded
        self.exchange = nil
        exchange.discard()
    }

    private func begin(_ exchange: Exchange, _ kind: Stream.Head, isEnd: Bool) {
        exchange.begin(self, connection.peer.names)
        if kind == .oversizedRequest { return exchange.refuse(.headTooLarge) }
        do throws(HTTP1Error) {
            try exchange.withRequest { (request) throws(HTTP1Error) in
                try connection.shared.read(&request)
                request.version = .http2
                // Its end may have arrived by itself in the same read.
                let isEmpty = isEnded && inbound.isEmpty && trailers.isEmpty
                if kind == .request, request.framing == .none, !isEnd, !isEmpty {
                    request.framing = .chunked
                    request.expectsContinue = request.fields.contains { $0.known == .expect }
                }
            }
        } catch {
            return exchange.refuse(error)
        }
        isHeadRequest = exchange.request.method == .head
        // RFC 8441 §5; other protocols are not supported (RFC 9220 §3).
        if kind == .tunnel, !exchange.request.asksForWebSocket {
            return exchange.refuse(
                status: 501, .requestNotSupported, detail: "a protocol other than websocket")
        }
        let contentFollows = kind == .request && (!inbound.isEmpty || isEnded && exchange.hasContent)
        exchange.requestHeadReceived(connection.peer, contentFollows: contentFollows)
    }

    /// Forwards content as long as it is wanted.
    private func forwardContent() {
        while let exchange, case .forwarded = head, exchange.wantsContent, !inbound.isEmpty || content == .ended {
            var piece: [UInt8] = []
            swap(&piece, &inbound)
            let isEnd = content == .ended
            if isEnd {
                noteSlowContent(of: exchange, total: exchange.contentCount &+ UInt64(piece.count))
                content = .forwarded
            }
            unacknowledged += piece.count
            // HTTP/1.1's decoder knows which trailers may pass.
            let lines = isEnd ? LoopMemory.filtered(trailers: trailers, connection.shared.limits) : []
            exchange.requestContent(piece.span, isEnd: isEnd, trailers: lines, more: false)
        }
        guard let exchange else {
            inbound = []
            unacknowledged = 0
            return session.consume(Int.max, on: stream)
        }
        if exchange.wantsContent || content == .forwarded { acknowledge() }
    }

    /// A client that sends all of its request before it reads gets the response so.
    private func discard(_ count: Int) {
        let now = connection.loop.now
        guard stopsAt != .distantFuture, discarding?.add(count, now) == true else { return }
        stopsAt = now.advanced(by: Self.stopTime)
    }

    private func acknowledge() {
        guard unacknowledged > 0 else { return }
        session.consume(unacknowledged, on: stream)
        unacknowledged = 0
        connection.scheduleFlush()
    }

    /// The client is gone, or has cancelled the request.
    private func lose() {
        let exchange = exchange
        noteEndByClient()
        self.exchange = nil
        inbound = []
        exchange?.downstreamLost()
        endUnsent()
    }

    /// The end of the response was sent, or will never be.
    private func endUnsent() {
        guard let unsent else { return }
        self.unsent = nil
        unsent.responseSent(isComplete: stream.isOutboundSent)
    }

    // MARK: The end of the exchange

    var holdsResponse: Bool { hasPendingContent }

    func abort(_ end: StreamEnd) {
        exchange = nil
        // What was submitted would be discarded with the stream.
        if end == .failed { connection.flush() }
        session.reset(stream, ErrorCode(end))
        connection.scheduleFlush()
    }

    func exchangeFinished(isRequestComplete: Bool) {
        if holdsResponse { unsent = exchange }
        exchange = nil
        // The rest of the request is discarded, and the stream reset when none of it has come for a moment.
        inbound = []
        if !stream.isInboundEnded {
            discarding = DiscardedUpload(connection.loop.now)
            stopsAt = connection.loop.now.advanced(by: Self.stopTime)
            connection.check(at: stopsAt)
        }
        connection.wake(self)
    }

    /// The stream carries a tunnel from now on.
    func becomeTunnel() -> HTTP2TunnelTransport {
        exchange = nil
        use = .tunnel
        let tunnel = HTTP2TunnelTransport(self)
        self.tunnel = tunnel
        return tunnel
    }

    // MARK: For the tunnel

    /// Bytes, the end or a failure can be read.
    var isReadable: Bool { !inbound.isEmpty || isEnded || isLost }

    /// Passes bytes that have arrived to `body`, which returns how many it has taken; nil if there are none.
    func read(_ body: (borrowing [UInt8]) -> Int) -> Int? {
        guard !inbound.isEmpty else { return nil }
        let count = body(inbound)
        inbound.removeFirst(count)
        session.consume(count, on: stream)
        connection.scheduleFlush()
        return count
    }

    /// The client has ended its side, and everything was read.
    var isAtEnd: Bool { inbound.isEmpty && isEnded }

    func discardContent() {
        inbound = []
    }

    // MARK: Time

    /// The client has taken nothing of the response for too long.
    func endStalledResponse() {
        guard hasPendingContent else { return }
        if let exchange { return exchange.responseStalled() }
        session.reset(stream, .cancel)
        lose()
    }

    /// Ends what took too long; returns when to check again.
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
        guard tunnel == nil, hasPendingContent || awaitsContent else {
            lastProgress = now
            return now.advanced(by: limit)
        }
        let deadline = lastProgress.advanced(by: limit)
        guard deadline <= now else { return deadline }
        if hasPendingContent {
            endStalledResponse()
        } else {
            noteEndByClient()
            exchange?.refuse(status: 408, .bodyTimeout)
        }
        return now.advanced(by: limit)
    }

    func measurePace(_ round: PaceRound, credit: UInt64) {
        guard tunnel == nil, !stream.isClosed else { return }
        if hasPendingContent {
            let total = stream.contentSent &+ credit
            guard round.isTooSlow(.response, &pace, number: 0, total: total, of: exchange) else { return }
            if let exchange { return exchange.responseTooSlow() }
            connection.connections.service.endedSlow(.response)
            session.reset(stream, .cancel)
        } else if let exchange, exchange.contentWait != .none, inbound.isEmpty, !isEnded {
            if round.isTooSlow(
                .request, &pace, number: 1, total: exchange.contentCount, of: exchange,
                isExempt: exchange.contentWait == .exempt)
            {
                exchange.requestTooSlow()
            }
        } else if pace?.side == .response {
            // It has taken all that there was.
            pace = nil
        }
    }

    /// The client breaks off its request, or takes no more of the response.
    private func noteEndByClient() {
        guard let exchange else { return }
        if !isEnded { noteSlowContent(of: exchange, total: exchange.contentCount) }
        // What was pending is discarded by now, and what counts as sent may never have been taken.
        guard wasSlow(.response, total: 0) else { return }
        exchange.clientWasSlow()
    }

    /// The content of the request is complete, or will never be.
    private func noteSlowContent(of exchange: Exchange, total: UInt64) {
        guard wasSlow(.request, total: total), exchange.contentWait == .measured else { return }
        exchange.clientWasSlow()
    }

    private func wasSlow(_ side: PaceMeter.Side, total: UInt64) -> Bool {
        guard let pace, pace.side == side else { return false }
        return pace.isSlow(total: total, rate: connection.connections.limits.minimumBodyRate)
    }

    /// How long after its response a client may find out by itself that the rest of its request is not wanted.
    private static let stopTime = Nanoseconds.milliseconds(300)
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
