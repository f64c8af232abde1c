// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import HTTP1
import Reactor

/// A client's HTTP/1.1 connection: requests in, responses out, in order (RFC 9112 §9).
final class HTTP1Downstream: TransportOwner, DownstreamConnection {
    enum Phase {
        /// Between requests, or within a head.
        case head
        /// The request's content.
        case content
        /// The request is complete; what follows it waits.
        case response
        /// The response is complete but not in the socket; the next request follows.
        case flushing
        /// The response was sent; the rest of the request's content, which is short, is skipped.
        case skipping
        /// The last response was sent; what the client still sends is discarded, so that no reset overtakes it.
        case lingering
        case closed
    }

    /// What the response depends on.
    struct Current {
        var version = Version.http11
        var isHead = false
        /// The content is so short that reading it is cheaper than another connection.
        var isSkippable = false
    }

    private(set) var phase = Phase.head
    private(set) var exchange: Exchange?
    private(set) var writer: HTTP1ResponseWriter
    /// Of the request that is being answered.
    private(set) var current = Current()
    /// The connection continues after this response.
    private(set) var isPersistent = true
    /// Since when it has waited for a request, while it does.
    private(set) var idleSince: MonotonicTime
    private(set) var boundUpstreams: BoundUpstreams?
    private let transport: Transport
    private let peer: Peer
    private let connections: ClientConnections
    private let loop: EventLoop
    private var parser: RequestParser
    private var content = BodyDecoder(.none)
    /// Received and not used yet: a pipelined request, or content that the app is not ready for.
    private var unread: [UInt8] = []
    private var isReceiving = false
    /// Nothing but one head, perhaps incomplete, has arrived so far.
    private var isFresh = true
    /// An incomplete head has its own time limit already.
    private var isHeadTimed = false
    private var lingeredBytes = 0
    /// The request was answered before its end.
    private var discarding: DiscardedUpload?
    private var pace: PaceMeter?
    /// Of a page that may not be in the socket yet.
    private var pageMemory: AnyObject?
    private var timer: LoopTimer?

    init(_ transport: Transport, peer: Peer, connections: ClientConnections) {
        self.transport = transport
        self.peer = peer
        self.connections = connections
        loop = connections.loop
        idleSince = loop.now
        writer = HTTP1ResponseWriter(transport, connections.memory)
        parser = RequestParser(limits: connections.limits.message)
        // Only `detach()` ends it, which cancels the timer. A weak reference would make each use of it slower.
        timer = loop.makeTimer { [unowned self] in timedOut() }
        transport.owner = self
        setTimer(connections.limits.headerTimeout)
    }

    var isHTTP2: Bool { false }
    var isEvictable: Bool {
        switch phase {
        case .head: exchange == nil || connections.limits.evictsIncomplete
        case .skipping: connections.limits.evictsIncomplete
        case .lingering: true
        case .content, .response, .flushing, .closed: false
        }
    }

    /// The worker stops: this connection ends after the response. A request that has arrived already, unread, is still
    /// served, and so is one on its way: an idle connection stays open for a moment, and its next response reports the
    /// end, so that no request is sent on a closed connection.
    func drain() {
        if isEvictable { transportReadable() }
        guard isEvictable else { return isPersistent = false }
        setTimer(phase == .lingering ? Self.lingerTime : Self.drainGrace)
    }

    func evictIdle() {
        if isEvictable { transportReadable() }
        // With an exchange whose head is not complete, if it may be closed all the same.
        if isEvictable { lost() }
    }

    func stop() { lost() }

    func forEachExchange(_ body: (Exchange) -> Void) {
        if let exchange { body(exchange) }
    }

    private func setTimer(_ time: Nanoseconds) {
        timer?.set(loop.now.advanced(by: time))
    }

    // MARK: Reading

    func transportReadable() {
        let end = transport.readTurn(
            while: { phase != .closed }, boundFor: { exchange?.requestSink }, splice: { spliceContent() },
            receive: { receive($0) })
        switch end {
        case .nothingNow:
            if phase == .head, exchange == nil { timeRecord() }
        case .end: peerEnded()
        case .failed: lost()
        }
    }

    /// Between requests: a record of TLS that has begun is the beginning of a head.
    private func timeRecord() {
        guard (transport.openRecord != nil) != isHeadTimed else { return }
        isHeadTimed.toggle()
        setTimer(isHeadTimed ? connections.limits.headerTimeout : connections.limits.keepAliveTimeout)
    }

    private func receive(_ input: Span<UInt8>) {
        isReceiving = true
        defer { isReceiving = false }
        var position = 0
        while position < input.count {
            let rest = input.extracting(position...)
            switch phase {
            case .head:
                position += receiveHead(rest)
            case .content:
                guard exchange?.wantsContent == true else { return hold(rest) }
                position += receiveContent(rest)
            case .skipping:
                position += skip(rest)
            case .response, .flushing:
                return hold(rest)
            case .lingering:
                return discard(rest.count)
            case .closed:
                return
            }
        }
    }

    /// Keeps what cannot be used yet; the kernel keeps what follows.
    private func hold(_ rest: Span<UInt8>) {
        unread.append(span: rest)
        transport.pauseReading()
    }

    private func receiveHead(_ input: Span<UInt8>) -> Int {
        let exchange = exchange ?? beginExchange()
        let progress: HeadProgress
        let before = exchange.request.bytes.count
        do throws(HTTP1Error) {
            progress = try exchange.withRequest { (request) throws(HTTP1Error) in
                try parser.parseHead(input, into: &request)
            }
        } catch {
            if error != .unsupportedVersion || !becomeHTTP2(input, before: before) { refuse(error) }
            return input.count
        }
        guard progress.isComplete else {
            // Only an incomplete head needs a time limit of its own, counted from its first byte.
            if !isHeadTimed {
                isHeadTimed = true
                setTimer(connections.limits.headerTimeout)
            }
            return progress.consumed
        }
        isHeadTimed = false
        isFresh = false
        parser.reset()
        isPersistent = exchange.request.isPersistent && !connections.isDraining
        noteRequest(of: exchange)
        let framing = exchange.request.framing
        let rest = progress.consumed < input.count
        if framing == .none || framing == .length(0) {
            phase = .response
        } else {
            phase = .content
            content = BodyDecoder(framing, limits: connections.limits.message)
            setTimer(connections.limits.bodyIdleTimeout)
            current.isSkippable = false
            if !exchange.request.expectsContinue, case .length(let length) = framing {
                current.isSkippable = length <= Self.skippableContent
            }
        }
        exchange.requestHeadReceived(peer, contentFollows: phase == .content && rest)
        // While the response is awaited the kernel keeps what else the client sends.
        if phase == .response { transport.pauseReading() }
        return progress.consumed
    }

    private func beginExchange() -> Exchange {
        let exchange = connections.service.makeExchange()
        self.exchange = exchange
        // Numbers of different exchanges may be equal.
        if pace != nil { pace = nil }
        current = Current()
        exchange.begin(self, peer.names)
        return exchange
    }

    private func noteRequest(of exchange: Exchange) {
        current.version = exchange.request.version
        current.isHead = exchange.request.method == .head
    }

    private func receiveContent(_ input: Span<UInt8>) -> Int {
        guard let exchange else { return input.count }
        let piece: BodyPiece
        do throws(HTTP1Error) {
            piece = try content.decode(input)
        } catch {
            noteEndByClient()
            refuse(error)
            return input.count
        }
        let more = piece.consumed < input.count && !piece.isEnd
        if piece.isEnd {
            noteSlowContent(of: exchange, total: exchange.contentCount &+ UInt64(piece.content.count))
            phase = .response
            setTimer(connections.limits.keepAliveTimeout)
        } else if !piece.content.isEmpty {
            // Chunk extensions and trailers are no progress.
            setTimer(connections.limits.bodyIdleTimeout)
        }
        exchange.requestContent(
            input.extracting(piece.content), isEnd: piece.isEnd, trailers: piece.isEnd ? content.trailers : [],
            more: more)
        switch phase {
        case .response: transport.pauseReading()
        case .content where !more && !exchange.wantsContent: transport.pauseReading()
        default: break
        }
        return piece.consumed
    }

    /// Passes content on unread.
    private func spliceContent() -> SpliceOutcome {
        guard phase == .content, unread.isEmpty, let exchange else { return .unavailable }
        let outcome = exchange.spliceRequest(from: transport, atMost: content.passableContent)
        guard outcome.taken > 0, phase == .content else { return outcome }
        content.pass(outcome.taken)
        setTimer(connections.limits.bodyIdleTimeout)
        if !exchange.wantsContent { transport.pauseReading() }
        return outcome
    }

    private func skip(_ input: Span<UInt8>) -> Int {
        do throws(HTTP1Error) {
            let piece = try content.decode(input)
            if piece.isEnd { nextRequest() }
            return piece.consumed
        } catch {
            close()
            return input.count
        }
    }

    /// What was held may be used now.
    private func useUnread() {
        guard !isReceiving, phase != .closed else { return }
        transport.resumeReading()
        guard !unread.isEmpty else { return }
        var held: [UInt8] = []
        swap(&held, &unread)
        // Holds again what it still cannot use, and pauses.
        receive(held.span)
    }

    func watchEnd() {
        if phase == .response, unread.isEmpty { transport.resumeReading() }
    }

    func resumeRequest() {
        guard phase == .content else { return }
        setTimer(connections.limits.bodyIdleTimeout)
        useUnread()
    }

    /// Becomes HTTP/2 if the first head, whose version is not HTTP/1's, is the beginning of HTTP/2's preface (RFC 9113
    /// §3.3, §3.4): the client has prior knowledge. Other clients pay nothing for it.
    ///
    /// - Parameter before: how many bytes of the head arrived before `input`.
    private func becomeHTTP2(_ input: Span<UInt8>, before: Int) -> Bool {
        guard isFresh, connections.limits.http2.isEnabled, !transport.isSecure, let exchange else { return false }
        let start: StaticString = "PRI * HTTP/2.0"
        var received = Array(exchange.request.bytes.prefix(before))
        received.append(span: input)
        guard received.count >= start.utf8CodeUnitCount,
            received.span.extracting(first: start.utf8CodeUnitCount).equals(start)
        else { return false }
        self.exchange = nil
        exchange.discard()
        detach()
        transport.owner = nil
        HTTP2Downstream(transport, peer: peer, connections: connections, received: received)
        return true
    }

    // MARK: Connections to apps that belong to this client

    /// Over a unix socket a proxy speaks for all clients, and so does a trusted one.
    var isOneClient: Bool { isPersistent && phase != .closed && peer.address != nil && !peer.isTrusted }

    func closeBoundUpstreams(whereEnded hasEnded: (Identity) -> Bool) {
        boundUpstreams?.closeThose(whereEnded: hasEnded)
    }

    func keep(_ connection: HTTP1Upstream, for identity: Identity?) {
        let bound = boundUpstreams ?? BoundUpstreams()
        boundUpstreams = bound
        bound.keep(connection, for: identity)
    }

    // MARK: Responses

    var sink: Transport? { transport }

    /// The connection ends with the current response.
    func endAfterResponse() {
        isPersistent = false
    }

    /// What follows from an attempt to send.
    func sent(_ outcome: OutputQueue.Outcome) {
        switch outcome {
        case .done: break
        case .blocked: setTimer(connections.limits.bodyIdleTimeout)
        // Not from within the exchange's own call.
        case .failed: loop.afterEvent { [self] in lost() }
        }
    }

    func transportWritable() {
        switch writer.resume() {
        case .done:
            switch phase {
            case .flushing: nextRequest()
            case .lingering: linger()
            case .head, .content, .response, .skipping, .closed:
                setTimer(connections.limits.keepAliveTimeout)
                exchange?.downstreamWritable()
            }
        case .blocked: setTimer(connections.limits.bodyIdleTimeout)
        case .failed: lost()
        }
    }

    func exchangeFinished(isRequestComplete: Bool) {
        exchange = nil
        guard phase != .closed else { return }
        if !isRequestComplete, !isPersistent { discarding = DiscardedUpload(loop.now) }
        if !isRequestComplete, isPersistent {
            // Only if the request's content is short.
            phase = .skipping
            setTimer(connections.limits.bodyIdleTimeout)
            return useUnread()
        }
        nextRequest()
    }

    /// The exchange is complete, except for output that the socket did not take.
    private func nextRequest() {
        guard isPersistent else { return linger() }
        guard !writer.isBlocked else {
            phase = .flushing
            return
        }
        phase = .head
        if pageMemory != nil { pageMemory = nil }
        idleSince = loop.now
        setTimer(connections.limits.keepAliveTimeout)
        useUnread()
    }

    // MARK: Refusing and ending

    /// The request cannot be read: responds and ends the connection, since it is unknown where the next one begins.
    private func refuse(_ error: HTTP1Error) {
        guard let exchange else { return close() }
        isPersistent = false
        if phase == .head { noteRequest(of: exchange) }
        exchange.refuse(error)
    }

    private func peerEnded() {
        switch phase {
        case .head where exchange == nil: close()
        case .lingering: close()
        case .head, .content, .skipping, .closed: lost()
        case .response where exchange?.endsWithClient ?? false: lost()
        case .response, .flushing:
            // It sends no more but may still read: the response is owed (RFC 9112 §9.6).
            isPersistent = false
            transport.pauseReading()
        }
    }

    func transportPeerClosed(failed: Bool) {
        // An orderly end is found when reading resumes, after the requests that arrived before it: they are owed responses.
        if failed { lost() }
    }

    private func lost() {
        // Nil if the exchange has ended: it may serve another connection by now.
        let exchange = exchange
        noteEndByClient()
        close()
        exchange?.downstreamLost()
    }

    /// The client has taken nothing for too long.
    private func responseStalled() {
        guard let exchange else { return lost() }
        noteEndByClient()
        exchange.responseStalled()
    }

    private func linger() {
        phase = .lingering
        unread = []
        guard !writer.isBlocked else { return }
        pageMemory = nil
        transport.shutDownWriting()
        idleSince = loop.now
        extendLingering()
        transport.resumeReading()
        if !isReceiving { loop.afterEvent { [self] in if phase == .lingering { transportReadable() } } }
    }

    private func extendLingering() {
        guard let discarding, !connections.isDraining else { return setTimer(Self.lingerTime) }
        timer?.set(discarding.deadline(loop.now))
    }

    private func discard(_ count: Int) {
        guard discarding == nil else {
            guard discarding?.add(count, loop.now) == true else { return close() }
            if !connections.isDraining { extendLingering() }
            return
        }
        lingeredBytes += count
        if lingeredBytes > Self.lingerBytes { close() }
    }

    private func timedOut() {
        switch phase {
        case .head where exchange == nil:
            close()
        case .head:
            isPersistent = false
            if let exchange { noteRequest(of: exchange) }
            exchange?.refuse(status: 408, .headTimeout)
        case .content where !writer.isBlocked && exchange?.wantsContent == true:
            isPersistent = false
            noteEndByClient()
            exchange?.refuse(status: 408, .bodyTimeout)
        case .content, .response, .flushing, .skipping:
            // The app is the one waited for, and has its own time limits; or the client does not read.
            if writer.isBlocked { return responseStalled() }
            if phase == .skipping { return lost() }
            setTimer(connections.limits.keepAliveTimeout)
        case .lingering:
            close()
        case .closed:
            break
        }
    }

    func close(abruptly: Bool = false) {
        guard phase != .closed else { return }
        detach()
        transport.close(abruptly: abruptly)
    }

    /// Gives the transport away, with bytes that were received early.
    func giveAway() -> SwitchedConnection {
        let given = SwitchedConnection(transport: transport, early: unread, unsent: writer.unsent)
        detach()
        transport.owner = nil
        return given
    }

    /// Releases everything but the transport.
    private func detach() {
        phase = .closed
        exchange = nil
        timer?.cancel()
        timer = nil
        writer.close()
        unread = []
        pageMemory = nil
        boundUpstreams?.closeAll()
        boundUpstreams = nil
        connections.connectionEnded(self)
    }

    // MARK: Pace

    func keepUntilSent(_ object: AnyObject) {
        pageMemory = object
    }

    func measurePace(_ round: PaceRound) {
        switch phase {
        case .content where !writer.isBlocked, .head where !writer.isBlocked:
            guard let exchange, exchange.contentWait != .none else { return }
            if round.isTooSlow(
                .request, &pace, number: exchange.number, total: exchange.contentCount, of: exchange,
                isExempt: exchange.contentWait == .exempt)
            {
                isPersistent = false
                exchange.requestTooSlow()
            }
        case .content, .response, .flushing, .skipping:
            guard writer.isBlocked else { return }
            let number = exchange?.number ?? 0
            guard round.isTooSlow(.response, &pace, number: number, total: writer.taken, of: exchange) else { return }
            if let exchange { return exchange.responseTooSlow() }
            connections.service.endedSlow(.response)
            lost()
        case .head, .lingering, .closed: break
        }
    }

    /// The client breaks off its request, or takes no more of the response.
    private func noteEndByClient() {
        guard let exchange else { return }
        noteSlowContent(of: exchange, total: exchange.contentCount)
        // After a reset the kernel reports nothing as waiting, as if the client had taken it all.
        guard writer.isBlocked, wasSlow(.response, exchange, total: 0) else { return }
        exchange.clientWasSlow()
    }

    /// The content of the request is complete, or will never be.
    private func noteSlowContent(of exchange: Exchange, total: UInt64) {
        guard wasSlow(.request, exchange, total: total), phase == .content, !writer.isBlocked,
            exchange.contentWait == .measured
        else { return }
        exchange.clientWasSlow()
    }

    private func wasSlow(_ side: PaceMeter.Side, _ exchange: Exchange, total: UInt64) -> Bool {
        guard let pace, pace.side == side, pace.number == exchange.number else { return false }
        return pace.isSlow(total: total, rate: connections.limits.minimumBodyRate)
    }

    /// Longer than a busy client waits between two requests.
    private static let drainGrace = Nanoseconds.milliseconds(500)
    private static let lingerTime = Nanoseconds.seconds(2)
    private static let lingerBytes = 1 << 20
    private static let skippableContent: UInt64 = 65536
}
