// SPDX-License-Identifier: Apache-2.0

import HTTP2
import Reactor

/// One HTTP/2 connection to the app, whose streams serve many exchanges at a time (RFC 9113).
///
/// What arrives is read into the session first and acted upon when all of it is read; what is to be sent is gathered
/// until the loop has handled its events, and leaves in one system call.
final class HTTP2Upstream: TransportOwner {
    private enum Phase {
        /// The app's SETTINGS have not come yet, which say what it can take.
        case settling
        case open
        /// No new requests; those in flight are finished.
        case retiring
        case closed
    }

    let worker: Worker
    let pool: HTTP2UpstreamPool
    let shared: HTTP2UpstreamShared
    /// Connections are numbered as they are opened.
    let number: UInt64
    let isSecure: Bool
    /// When bytes came last.
    private(set) var lastReceived: MonotonicTime
    /// A response has come on it.
    private(set) var hasServed = false
    /// The app authenticated somebody on it, or was asked to: no further request gets it.
    private var isBound = false
    /// The connection broke, rather than one of its streams.
    private(set) var isLost = false
    private let transport: Transport
    private var phase = Phase.settling
    private var output = OutputQueue()
    private var ready: [HTTP2UpstreamStream] = []
    private var isServing = false
    private var isReceiving = false
    private var isServeScheduled = false
    private var isFlushScheduled = false
    private var isFlushing = false
    private var wasGoingAway = false
    private var hasSettings = false
    private var timer: LoopTimer?
    // The session knows its handler from its first moment on.
    private var madeSession: ClientSession?

    init(_ transport: Transport, number: UInt64, pool: HTTP2UpstreamPool, worker: Worker) {
        self.transport = transport
        self.number = number
        self.pool = pool
        self.worker = worker
        shared = pool.shared
        isSecure = transport.isSecure
        lastReceived = worker.loop.now
        madeSession = ClientSession(
            maximumStreams: HTTP2UpstreamShared.maximumStreams, head: shared.head, memory: shared.memory, handler: self,
            now: worker.loop.now.nanoseconds)
        let box = Unowned<HTTP2Upstream>()
        let timer = worker.loop.makeTimer { box.object?.timedOut() }
        box.object = self
        self.timer = timer
        transport.owner = self
        timer.set(worker.loop.now.advanced(by: pool.configuration.connectTimeout))
        scheduleFlush()
        worker.loop.afterEvent { [self] in transportReadable() }
    }

    var session: ClientSession {
        guard let madeSession else { preconditionFailure("made with the connection") }
        return madeSession
    }

    /// Nobody uses it.
    var isUnused: Bool { phase == .open && session.streamCount == 0 }

    var streamCount: Int { session.streamCount }

    /// As many requests as it carries at a time.
    var capacity: Int { max(1, session.streamCount + session.room) }

    /// A request may go now.
    var hasRoom: Bool { phase == .open && !isBound && session.room > 0 }

    /// One of its requests, or the response, authenticates the connection.
    func bind() {
        guard !isBound else { return }
        isBound = true
        worker.loop.afterEvent { [self] in retire() }
    }

    func makeStream() -> HTTP2UpstreamStream {
        HTTP2UpstreamStream(self)
    }

    // MARK: Reading

    func transportReadable() {
        let end = transport.readTurn(while: { phase != .closed }, boundFor: { nil }, receive: { receive($0) })
        switch end {
        case .nothingNow: break
        case .turnOver: worker.loop.nextTurn { [self] in transportReadable() }
        case .end, .failed: lost()
        }
    }

    func transportPeerClosed(failed: Bool) {
        if failed { lost() }
    }

    private func receive(_ input: Span<UInt8>) {
        guard phase != .closed else { return }
        lastReceived = worker.loop.now
        isReceiving = true
        session.receive(input, now: worker.loop.now.nanoseconds)
        isReceiving = false
        if session.termination != nil { session.closeStreams() }
        serve()
        if hasSettings, phase == .settling {
            phase = .open
            rest()
            pool.settled(self)
        }
        if wasGoingAway { retire() }
        if session.termination != nil { return broken() }
        scheduleFlush()
    }

    /// Acts upon what happened on the streams.
    private func serve() {
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
    }

    /// Something happened on `stream`; it is acted upon soon.
    func markReady(_ stream: HTTP2UpstreamStream) {
        guard !stream.isReady else { return }
        stream.isReady = true
        ready.append(stream)
        // The session may tell of it while it sends, too.
        scheduleServe()
    }

    /// As `happened`, from elsewhere than the session.
    func wake(_ stream: HTTP2UpstreamStream) {
        markReady(stream)
    }

    private func scheduleServe() {
        guard !isServing, !isReceiving, !isServeScheduled else { return }
        isServeScheduled = true
        worker.loop.afterEvent { [self] in
            isServeScheduled = false
            serve()
            scheduleFlush()
        }
    }

    func noteServed() {
        hasServed = true
    }

    /// An exchange is done with its stream; there is room for another.
    func streamEnded(_ stream: HTTP2UpstreamStream) {
        guard phase != .closed else { return }
        worker.loop.afterEvent { [self] in
            guard phase != .closed else { return }
            rest()
            if phase == .open { pool.dispatchWaiting() }
            closeIfFinished()
        }
    }

    // MARK: Writing

    /// Content was given to `stream`: it leaves with everything else of this turn, unless there is much of it.
    func contentGiven(to stream: Stream) {
        if stream.pendingContent >= 32_768, !isFlushing { flush() } else { scheduleFlush() }
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
        guard phase != .closed, !output.isBlocked, !isFlushing else { return }
        isFlushing = true
        defer { isFlushing = false }
        var hasMore = true
        while hasMore {
            hasMore = session.produce(upTo: Self.outputPiece)
            let bytes = session.takeOutput()
            guard !bytes.isEmpty else { return session.giveBack(bytes) }
            let outcome = output.send(bytes.span, Span(), to: transport)
            session.giveBack(bytes)
            switch outcome {
            case .done: worker.recycleBuffer(&output.bytes)
            case .blocked: return
            // What the app sent before it stopped reading is read first, and not from within an exchange's own call.
            case .failed: return worker.loop.afterEvent { [self] in writeFailed() }
            }
        }
    }

    private func writeFailed() {
        transportReadable()
        lost()
    }

    func transportWritable() {
        switch output.resume(to: transport) {
        case .done:
            worker.recycleBuffer(&output.bytes)
            flush()
        case .blocked: break
        case .failed: writeFailed()
        }
    }

    // MARK: Ending

    /// Takes no new requests, and closes after those in flight.
    func retire() {
        guard phase == .open || phase == .settling else { return closeIfFinished() }
        let wasSettling = phase == .settling
        phase = .retiring
        pool.retired(self, wasSettling: wasSettling)
        closeIfFinished()
    }

    private func closeIfFinished() {
        guard phase == .retiring || phase == .open && worker.isDraining, session.streamCount == 0 else { return }
        session.terminate(.noError)
        broken()
    }

    /// What is still to be said is said, as far as the socket takes it at once.
    private func broken() {
        flush()
        lost()
    }

    private func lost() {
        guard phase != .closed else { return }
        let wasSettling = phase == .settling
        isLost = true
        phase = .closed
        timer?.cancel()
        timer = nil
        output = OutputQueue()
        transport.close()
        pool.ended(self, wasSettling: wasSettling)
        session.closeStreams()
        serve()
    }

    // MARK: Time

    private func rest() {
        guard session.streamCount == 0 else { return }
        timer?.set(worker.loop.now.advanced(by: pool.configuration.idleTimeout))
    }

    private func timedOut() {
        switch phase {
        case .settling: lost()
        case .open where session.streamCount == 0: retire()
        case .open, .retiring: timer?.set(worker.loop.now.advanced(by: pool.configuration.idleTimeout))
        case .closed: break
        }
    }

    /// What one system call sends.
    private static let outputPiece = 65_536
}

extension HTTP2Upstream: ClientSessionHandler {
    func settingsReceived() {
        hasSettings = true
    }

    func goAwayReceived() {
        wasGoingAway = true
    }
}
