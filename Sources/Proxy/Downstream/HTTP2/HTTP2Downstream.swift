// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP2
import Reactor

/// A browser's HTTP/2 connection: each of its streams is an exchange (RFC 9113).
///
/// What arrives is read into the session first and acted upon when all of it is read, so that a request which is
/// cancelled in the same breath costs nothing (CVE-2023-44487) and small pieces of content go on together. What is to be
/// sent is gathered until the loop has handled its events, and leaves in one system call.
final class HTTP2Downstream: TransportOwner, DownstreamConnection {
    enum Phase {
        case open
        /// The worker stops; the peer was told and may still answer with requests that were on their way.
        case draining
        /// The last is said; what the peer still sends is thrown away, so that no reset overtakes it.
        case lingering
        case closed
    }

    let worker: Worker
    let transport: Transport
    let peer: Peer
    let shared: HTTP2DownstreamShared
    var phase = Phase.open
    /// What a full socket left.
    var output = OutputQueue()
    /// Streams on which something happened that was not acted upon.
    private var ready: [HTTP2DownstreamStream] = []
    private var isServing = false
    private var isServeScheduled = false
    private var isFlushScheduled = false
    private var isFlushing = false
    private(set) var isIdle = true
    /// Memory that is of use only while there are requests was given back.
    var hasReleasedMemory = false
    /// Since there is no request, since a header section is incomplete, since the socket is full; when lingering ends.
    private(set) var idleSince: MonotonicTime
    private(set) var headSince: MonotonicTime?
    private(set) var blockedSince: MonotonicTime?
    var endsAt: MonotonicTime?
    private var lingeredBytes = 0
    /// While others need what the client holds and the socket is full: what the client had taken at the last look, and
    /// what each stream is credited with.
    var takenBefore: UInt64?
    var credit: UInt64 = 0
    var timer: LoopTimer?
    // The session knows its handler from its first moment on.
    private var madeSession: ServerSession?

    /// A connection on which HTTP/2 was agreed upon, by negotiation (ALPN) or by the client's preface.
    ///
    /// Belongs to the worker from now on. Reading begins after the current event.
    ///
    /// - Parameter received: bytes that were read already.
    @discardableResult
    init(_ transport: Transport, peer: Peer, worker: Worker, received: [UInt8] = []) {
        self.transport = transport
        self.peer = peer
        self.worker = worker
        shared = worker.http2
        idleSince = worker.loop.now
        madeSession = ServerSession(
            shared.configuration, memory: shared.memory, handler: self, now: worker.loop.now.nanoseconds)
        let box = Unowned<HTTP2Downstream>()
        timer = worker.loop.makeTimer { box.object?.timedOut() }
        box.object = self
        transport.owner = self
        worker.connectionBegan(self)
        timer?.set(idleSince.advanced(by: worker.limits.headerTimeout))
        scheduleFlush()
        if !received.isEmpty { receive(received.span) }
        worker.loop.afterEvent { [self] in transportReadable() }
    }

    var session: ServerSession {
        guard let madeSession else { preconditionFailure("made with the connection") }
        return madeSession
    }

    // MARK: Reading

    func transportReadable() {
        guard phase != .closed else { return }
        let end = transport.readTurn(
            while: { phase != .closed }, boundFor: { nil }, receive: { receive($0) })
        switch end {
        case .nothingNow: break
        case .turnOver: worker.loop.nextTurn { [self] in transportReadable() }
        case .end: peerEnded()
        case .failed: lost()
        }
    }

    private func receive(_ input: Span<UInt8>) {
        guard phase != .lingering else {
            lingeredBytes += input.count
            if lingeredBytes > Self.lingerBytes { close() }
            return
        }
        guard phase != .closed else { return }
        let now = worker.loop.now
        session.receive(input, now: now.nanoseconds)
        if session.isWithinHead {
            if headSince == nil {
                headSince = now
                arm(now.advanced(by: worker.limits.headerTimeout))
            }
        } else {
            headSince = nil
        }
        if session.termination != nil { session.closeStreams() }
        serve()
        scheduleFlush()
    }

    /// Acts upon what happened on the streams.
    func serve() {
        guard !isServing else { return }
        isServing = true
        var index = 0
        // What is done for one may bring another up.
        while index < ready.count {
            let stream = ready[index]
            index += 1
            stream.serve()
        }
        ready.removeAll(keepingCapacity: ready.capacity <= 16)
        isServing = false
        noteIdleness()
    }

    /// Something happened on `stream`; it is acted upon soon.
    func markReady(_ stream: HTTP2DownstreamStream) {
        guard !stream.isReady else { return }
        stream.isReady = true
        ready.append(stream)
    }

    /// As `happened`, from elsewhere than the session.
    func wake(_ stream: HTTP2DownstreamStream) {
        markReady(stream)
        guard !isServing, !isServeScheduled else { return }
        isServeScheduled = true
        worker.loop.afterEvent { [self] in
            isServeScheduled = false
            serve()
            scheduleFlush()
        }
    }

    private func noteIdleness() {
        let now = worker.loop.now
        if session.streamCount == 0 {
            guard !isIdle else { return }
            isIdle = true
            idleSince = now
            hasReleasedMemory = false
            arm(now.advanced(by: min(Self.idleMemoryTime, worker.limits.keepAliveTimeout)))
        } else if isIdle {
            isIdle = false
            arm(now.advanced(by: worker.limits.bodyIdleTimeout))
        }
    }

    private func peerEnded() {
        // Without SETTINGS and window updates of its own no peer of this protocol can go on: it is gone (RFC 9113 §9.1),
        // where one of HTTP/1.1 may wait for its response. What its streams hold is free for others at once.
        close()
    }

    func transportPeerClosed(failed: Bool) {
        if failed { lost() }
    }

    // MARK: Writing

    /// Content was given to `stream`: it leaves with everything else of this turn, unless there is much of it.
    func contentGiven(to stream: Stream) {
        if stream.pendingContent >= HTTP2DownstreamStream.highWater, !isFlushing { flush() } else { scheduleFlush() }
    }

    func scheduleFlush() {
        guard !isFlushScheduled, phase != .closed else { return }
        isFlushScheduled = true
        worker.loop.afterEvent { [self] in
            isFlushScheduled = false
            flush()
        }
    }

    private func flush() {
        guard phase == .open || phase == .draining, !output.isBlocked, !isFlushing else { return }
        isFlushing = true
        var hasMore = true
        while hasMore {
            hasMore = session.produce(upTo: Self.outputPiece)
            let bytes = session.takeOutput()
            guard !bytes.isEmpty else {
                session.giveBack(bytes)
                break
            }
            let outcome = output.send(bytes.span, Span(), to: transport)
            session.giveBack(bytes)
            switch outcome {
            case .done: worker.recycleBuffer(&output.bytes)
            case .blocked:
                blockedSince = worker.loop.now
                arm(worker.loop.now.advanced(by: worker.limits.bodyIdleTimeout))
                hasMore = false
            // Not from within an exchange's own call.
            case .failed:
                isFlushing = false
                return worker.loop.afterEvent { [self] in lost() }
            }
        }
        isFlushing = false
        noteIdleness()
        closeIfFinished()
    }

    func transportWritable() {
        switch output.resume(to: transport) {
        case .done:
            blockedSince = nil
            worker.recycleBuffer(&output.bytes)
            if phase == .lingering { finishSending() } else { flush() }
        case .blocked:
            blockedSince = worker.loop.now
            arm(worker.loop.now.advanced(by: worker.limits.bodyIdleTimeout))
        case .failed: lost()
        }
    }

    /// What one system call sends.
    private static let outputPiece = 65_536
}

extension HTTP2Downstream: ServerSessionHandler {
    func streamOpened(_ stream: Stream) -> (any StreamHandler, storage: [UInt8]) {
        let exchange = worker.makeExchange()
        var storage: [UInt8] = []
        swap(&storage, &exchange.request.bytes)
        return (HTTP2DownstreamStream(stream, exchange: exchange, connection: self), storage)
    }

    func tunnelKey() -> [UInt8] {
        guard case .gate(let gate, _) = worker.service else { return [] }
        return gate.webSocketKey()
    }

    func drainAcknowledged() {
        // The answer to a PING of the drain: nothing that was on its way before it can follow.
        guard phase == .draining else { return }
        finishDrain()
    }
}
