// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import Reactor

/// A browser's HTTP/1.1 connection: requests in, responses out, in order (RFC 9112 §9).
final class HTTP1Downstream: TransportOwner, DownstreamConnection {
    enum Phase {
        /// Between requests, or within a head.
        case head
        /// The request's content.
        case content
        /// The request is here whole; what follows it waits.
        case response
        /// The response is through but not yet in the socket; then the next request's turn comes.
        case flushing
        /// The response is given; the rest of the request's content, which is short, is skipped.
        case skipping
        /// The last response is sent; what the browser still sends is thrown away, so that no reset overtakes it.
        case lingering
        case closed
    }

    let worker: Worker
    let transport: Transport
    let peer: Peer
    var phase = Phase.head
    var parser: RequestParser
    var content = BodyDecoder(.none)
    var exchange: Exchange?
    var output = OutputQueue()
    /// Received and not yet used: a pipelined request, or content the app is not ready for.
    var unread: [UInt8] = []
    var isReceiving = false
    /// Nothing but one head, perhaps not whole, has come so far.
    var isFresh = true
    /// An incomplete head has its own time limit already.
    var isHeadTimed = false
    /// The connection goes on after this response.
    var isPersistent = true
    /// How the response being sent is framed.
    var responseIsChunked = false
    var responseIsCloseDelimited = false
    var lingeredBytes = 0
    /// While others need what the client holds.
    var pace: PaceMeter?
    private(set) var boundUpstreams: BoundUpstreams?
    var timer: LoopTimer?
    /// Since when it waits for a request, while it does.
    var idleSince: MonotonicTime

    init(_ transport: Transport, peer: Peer, worker: Worker) {
        self.transport = transport
        self.peer = peer
        self.worker = worker
        idleSince = worker.loop.now
        parser = RequestParser(limits: worker.limits.message)
        // It ends by `detach()` alone, which cancels the timer. A weak reference would make each use of it dearer.
        timer = worker.loop.makeTimer { [unowned self] in timedOut() }
        transport.owner = self
        timer?.set(worker.loop.now.advanced(by: worker.limits.headerTimeout))
    }

    var isHTTP2: Bool { false }
    var isEvictable: Bool { isIdle }
    var isIdle: Bool { phase == .head && exchange == nil }

    /// The worker stops: this connection ends after the response. A request that has come already, unread, is still
    /// served, and so is one that is on its way: an idle connection lives on for a moment, and says with its next
    /// response that it ends, so that nobody sends into a connection that has gone.
    func drain() {
        if isIdle { transportReadable() }
        if isIdle { timer?.set(worker.loop.now.advanced(by: Self.drainGrace)) } else { isPersistent = false }
    }

    /// Makes room, unless a request has come meanwhile.
    func evictIdle() {
        if isIdle { transportReadable() }
        if isIdle { close() }
    }

    /// The worker ends: whatever is in flight breaks off.
    func stop() { lost() }

    // MARK: Reading

    func transportReadable() {
        let end = transport.readTurn(
            while: { phase != .closed }, boundFor: { exchange?.requestSink }, receive: { receive($0) })
        switch end {
        case .nothingNow: break
        case .turnOver: worker.loop.nextTurn { [self] in transportReadable() }
        case .end: peerEnded()
        case .failed: lost()
        }
    }

    func receive(_ input: Span<UInt8>) {
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
                lingeredBytes += rest.count
                if lingeredBytes > Self.lingerBytes { close() }
                return
            case .closed:
                return
            }
        }
    }

    /// Keeps what cannot be used yet, and lets the kernel keep what follows.
    func hold(_ rest: Span<UInt8>) {
        unread.append(span: rest)
        transport.pauseReading()
    }

    func receiveHead(_ input: Span<UInt8>) -> Int {
        let exchange = exchange ?? worker.makeExchange()
        if self.exchange == nil {
            self.exchange = exchange
            exchange.begin(self, client: peer.text)
        }
        let progress: HeadProgress
        let before = exchange.request.bytes.count
        do throws(HTTP1Error) {
            progress = try parser.parseHead(input, into: &exchange.request)
        } catch {
            if error != .unsupportedVersion || !becomeHTTP2(input, before: before) { refuse(error) }
            return input.count
        }
        guard progress.isComplete else {
            // Only an incomplete head needs a time limit of its own, counted from its first byte.
            if !isHeadTimed {
                isHeadTimed = true
                timer?.set(worker.loop.now.advanced(by: worker.limits.headerTimeout))
            }
            return progress.consumed
        }
        isHeadTimed = false
        isFresh = false
        parser.reset()
        isPersistent = exchange.request.isPersistent && !worker.isDraining
        let framing = exchange.request.framing
        let rest = progress.consumed < input.count
        if framing == .none || framing == .length(0) {
            phase = .response
        } else {
            phase = .content
            content = BodyDecoder(framing, limits: worker.limits.message)
            timer?.set(worker.loop.now.advanced(by: worker.limits.bodyIdleTimeout))
        }
        exchange.requestHeadReceived(peer, contentFollows: phase == .content && rest)
        // While the response is awaited the kernel keeps what else the browser sends.
        if phase == .response { transport.pauseReading() }
        return progress.consumed
    }

    func receiveContent(_ input: Span<UInt8>) -> Int {
        guard let exchange else { return input.count }
        let piece: BodyPiece
        do throws(HTTP1Error) {
            piece = try content.decode(input)
        } catch {
            refuse(error)
            return input.count
        }
        let more = piece.consumed < input.count && !piece.isEnd
        if piece.isEnd {
            phase = .response
            timer?.set(worker.loop.now.advanced(by: worker.limits.keepAliveTimeout))
        } else if !piece.content.isEmpty {
            // Chunk extensions and trailers are no progress.
            timer?.set(worker.loop.now.advanced(by: worker.limits.bodyIdleTimeout))
        }
        exchange.requestContent(
            input.extracting(piece.content), isEnd: piece.isEnd, trailers: piece.isEnd ? content.trailers : [],
            more: more)
        switch phase {
        case .response: transport.pauseReading()
        case .content where !more && exchange.wantsContent == false: transport.pauseReading()
        default: break
        }
        return piece.consumed
    }

    func skip(_ input: Span<UInt8>) -> Int {
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
    func useUnread() {
        guard !isReceiving, phase != .closed else { return }
        if !unread.isEmpty {
            let held = unread
            unread = []
            // receive(_:) holds again what it still cannot use, and pauses.
            transport.resumeReading()
            receive(held.span)
            return
        }
        transport.resumeReading()
    }

    func resumeRequest() {
        guard phase == .content else { return }
        timer?.set(worker.loop.now.advanced(by: worker.limits.bodyIdleTimeout))
        useUnread()
    }

    // MARK: Connections to apps that are this client's alone

    /// Over a unix socket a proxy speaks for everybody, and so does one that is trusted.
    var isOneClient: Bool { isPersistent && phase != .closed && peer.address != nil && !peer.isTrusted }

    func keep(_ connection: HTTP1Upstream, for identity: Identity?) {
        let bound = boundUpstreams ?? BoundUpstreams()
        boundUpstreams = bound
        bound.keep(connection, for: identity)
    }

    // MARK: Refusing and ending

    /// The request cannot be read: says so and ends the connection, since where the next one begins is not known.
    func refuse(_ error: HTTP1Error) {
        guard let exchange else { return close() }
        isPersistent = false
        exchange.refuse(error)
    }

    func peerEnded() {
        switch phase {
        case .head where exchange == nil: close()
        case .lingering: close()
        case .head, .content, .skipping, .closed: lost()
        case .response, .flushing:
            // It sends no more but may well read: the response is still owed (RFC 9112 §9.6).
            isPersistent = false
            transport.pauseReading()
        }
    }

    func transportPeerClosed(failed: Bool) {
        // A mere end is found when reading goes on, behind the requests that wait before it: they are owed responses.
        if failed { lost() }
    }

    func lost() {
        // Nil when the exchange was through already: then it may serve another connection by now.
        let exchange = exchange
        close()
        exchange?.downstreamLost()
    }

    func linger() {
        phase = .lingering
        unread = []
        guard !output.isBlocked else { return }
        transport.shutDownWriting()
        timer?.set(worker.loop.now.advanced(by: Self.lingerTime))
        transport.resumeReading()
        if !isReceiving { worker.loop.afterEvent { [self] in if phase == .lingering { transportReadable() } } }
    }

    func timedOut() {
        switch phase {
        case .head where exchange == nil:
            close()
        case .head:
            isPersistent = false
            exchange?.refuse(status: 408, "head_timeout")
        case .content where output.isBlocked == false && exchange?.wantsContent == true:
            isPersistent = false
            exchange?.refuse(status: 408, "body_timeout")
        case .content, .response, .flushing, .skipping:
            // The app is the one waited for, and has its own time limits; or the browser does not read.
            if output.isBlocked || phase == .skipping { return lost() }
            timer?.set(worker.loop.now.advanced(by: worker.limits.keepAliveTimeout))
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

    /// Gives everything back but the transport.
    func detach() {
        phase = .closed
        exchange = nil
        timer?.cancel()
        timer = nil
        output = OutputQueue()
        unread = []
        boundUpstreams?.closeAll()
        boundUpstreams = nil
        worker.connectionEnded(self)
    }

    /// Longer than a busy client waits between two requests.
    static let drainGrace = Nanoseconds.milliseconds(500)
    static let lingerTime = Nanoseconds.seconds(2)
    static let lingerBytes = 1 << 20
    static let skippableContent: UInt64 = 65536
}
