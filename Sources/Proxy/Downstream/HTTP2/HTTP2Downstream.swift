// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP2
import Reactor

/// A client's HTTP/2 connection: each of its streams is an exchange.
final class HTTP2Downstream: HTTP2Connection, DownstreamConnection {
    private enum Phase {
        case open
        /// The worker stops; the peer was notified, and may still send requests that were on their way.
        case draining
        /// The last output was submitted; what the peer still sends is discarded, so that no reset overtakes it.
        case lingering
    }

    private(set) var connections: ClientConnections
    private(set) var shared: HTTP2DownstreamShared
    private(set) var peer: Peer
    private(set) var idleSince: MonotonicTime
    private var phase = Phase.open
    /// The client waits for nothing, and has had time to take what was sent: the end needs no lingering.
    private var isQuiet = false
    private var deadlines: HTTP2Deadlines?
    private var held = HeldRequests()
    private var lingeredBytes = 0
    /// While others need what the client holds and the socket is full: what the client had taken at the last look, and
    /// what each stream is credited with.
    private var takenBefore: UInt64?
    private var credit: UInt64 = 0
    private let reference = Unowned<HTTP2Downstream>()
    // The session knows its handler from the start, so it is made after the connection.
    private var madeSession: ServerSession?

    /// A connection on which HTTP/2 was negotiated (ALPN), or begun with the client's preface.
    ///
    /// It belongs to `connections` from now on. Reading begins after the current event.
    ///
    /// - Parameter received: bytes that were read already.
    @discardableResult
    init(_ transport: Transport, peer: Peer, connections: ClientConnections, received: [UInt8] = []) {
        self.peer = peer
        self.connections = connections
        shared = connections.http2
        let now = connections.loop.now
        idleSince = now
        super.init(transport, memory: connections.memory)
        let session = ServerSession(shared.configuration, memory: shared.memory, handler: self, now: now.nanoseconds)
        madeSession = session
        let timer = loop.makeTimer { [reference] in reference.object?.timedOut() }
        reference.refer(to: self)
        deadlines = HTTP2Deadlines(timer, now, connections.limits)
        connections.connectionBegan(self)
        begin(session, received: received)
    }

    deinit {
        reference.clear()
        madeSession?.detachHandler()
    }

    var session: ServerSession {
        guard let madeSession else { preconditionFailure("a connection without a session") }
        return madeSession
    }

    private var limits: ConnectionLimits { connections.limits }

    private var isActive: Bool { !isClosed && phase != .lingering }

    // MARK: What happens on the connection

    override func discards(_ input: Span<UInt8>) -> Bool {
        guard phase == .lingering else { return false }
        lingeredBytes += input.count
        if lingeredBytes > Self.lingerBytes { close() }
        return true
    }

    override func inputServed() {
        releaseHeld()
    }

    override func inputExhausted() {
        guard isActive else { return }
        deadlines?.update(openUnit, loop.now, limits)
    }

    /// What has begun to arrive and has not ended.
    private var openUnit: HTTP2Deadlines.Unit? {
        switch session.openUnit {
        case .frame(let number): .frame(number)
        case .data(let number): .data(number, content: session.contentCount)
        case .none: openRecord.map { .record($0, mayHoldContent: session.streamCount > 0) }
        }
    }

    override func tasksServed() {
        noteIdleness()
        endIfClientIsLeaving()
    }

    override var maySend: Bool { isActive }

    override func outputSent() {
        noteIdleness()
        endIfClientIsLeaving()
        closeIfFinished()
    }

    /// After the client's GOAWAY the connection ends with its last stream.
    private func endIfClientIsLeaving() {
        guard session.clientIsLeaving, session.streamCount == 0, isActive, !session.sentFinalGoAway else { return }
        session.finishDrain()
        scheduleFlush()
    }

    override func outputBlocked() {
        deadlines?.blocked(loop.now, limits)
    }

    override func outputDrained() {
        deadlines?.unblocked()
        if phase == .lingering { finishSending() } else { flush() }
    }

    override func closed() {
        held = HeldRequests()
        deadlines?.cancel()
        deadlines = nil
    }

    override func finished() {
        connections.connectionEnded(self)
    }

    private func noteIdleness() {
        let (now, isIdle) = (loop.now, session.streamCount == 0)
        if isIdle, deadlines?.idleSince == nil { idleSince = now }
        deadlines?.update(isIdle: isIdle, now, limits)
    }

    // MARK: Ending

    var isHTTP2: Bool { true }

    var isEvictable: Bool { !isClosed && phase == .open && deadlines?.idleSince != nil }

    func evictIdle() {
        guard isEvictable else { return }
        transportReadable()
        guard isEvictable else { return }
        session.finishDrain()
        scheduleFlush()
    }

    func drain() {
        guard !isClosed, phase == .open else { return }
        phase = .draining
        transportReadable()
        guard !isClosed, phase == .draining else { return }
        session.beginDrain()
        let deadline = loop.now.advanced(by: session.streamCount == 0 ? Self.idleDrainTime : Self.drainTime)
        deadlines?.ends(at: deadline)
        deadlines?.arm(deadline)
        scheduleFlush()
    }

    private func finishDrain() {
        session.finishDrain()
        deadlines?.ends(at: nil)
        scheduleFlush()
    }

    func stop() { close() }

    /// Ends the connection when there is nothing left to do on it.
    private func closeIfFinished() {
        guard isActive else { return }
        let isOver = session.termination != nil || session.streamCount == 0 && session.sentFinalGoAway
        guard isOver, isOutputBlocked || !session.wantsToSend else { return }
        if isQuiet, !isAtFault, !isOutputBlocked { close() } else { linger() }
    }

    private func linger() {
        phase = .lingering
        session.closeStreams()
        serve()
        let end = loop.now.advanced(by: Self.lingerTime)
        deadlines?.ends(at: end)
        if isAtFault {
            // What it continues to send is not read piece by piece: the full socket holds the peer back.
            pauseReading()
            let isCalming = session.termination == .enhanceYourCalm
            deadlines?.set(loop.now.advanced(by: isCalming ? Self.calmTime : Self.lingerPace))
        } else {
            deadlines?.set(end)
        }
        if !isOutputBlocked { finishSending() }
    }

    /// The peer violated the protocol, or its budget is exhausted.
    private var isAtFault: Bool { session.termination != nil && session.termination != .noError }

    private func finishSending() {
        // A peer that has to calm down, or does not read GOAWAY, learns a little later that the connection has ended.
        if session.termination != .enhanceYourCalm { shutDownWriting() }
        if !isAtFault { resumeReading() }
    }

    /// Discards what has arrived meanwhile.
    private func continueLingering(_ now: MonotonicTime) {
        guard isAtFault, deadlines?.mayLinger(now) == true else { return close() }
        if !isOutputBlocked { shutDownWriting() }
        resumeReading()
        transportReadable()
        guard !isClosed else { return }
        pauseReading()
        deadlines?.set(now.advanced(by: Self.lingerPace))
    }

    // MARK: Time

    private func timedOut() {
        let now = loop.now
        guard isActive else { return continueLingering(now) }
        guard let deadlines, !deadlines.isBlockedTooLong(now, limits) else {
            forEachStream { $0.endStalledResponse() }
            return close()
        }
        if phase == .draining, deadlines.mustEnd(now) {
            isQuiet = deadlines.isIdle(for: Self.idleDrainTime, now)
            finishDrain()
        }
        if deadlines.isUnitTooSlow(now, limits) {
            // Requests whose content did not arrive in time are answered first.
            forEachStream { _ = $0.checkTime(now, limits.bodyIdleTimeout) }
            serve()
            flush()
            session.terminate(.enhanceYourCalm)
            session.closeStreams()
        } else if session.isBeforeSettings, deadlines.isStartTooSlow(now, limits) {
            session.terminate(.protocolError)
        } else if deadlines.isIdleTooLong(now, limits) {
            session.finishDrain()
        }
        var next = now.advanced(by: min(limits.bodyIdleTimeout, limits.keepAliveTimeout))
        forEachStream { next = min(next, $0.checkTime(now, limits.bodyIdleTimeout)) }
        if self.deadlines?.releasesMemory(now) == true { session.releaseIdleMemory() }
        releaseHeld()
        next = min(next, held.deadline)
        next = self.deadlines?.next(next, now, limits, isBeforeSettings: session.isBeforeSettings) ?? next
        self.deadlines?.set(next)
        serve()
        scheduleFlush()
    }

    /// The time of a stream is checked at `deadline` at the latest.
    func check(at deadline: MonotonicTime) {
        deadlines?.arm(deadline)
    }

    // MARK: Streams

    /// Whether the request on `stream` begins now; otherwise it is called again later.
    func admits(_ stream: HTTP2DownstreamStream) -> Bool {
        guard session.streamCount > HeldRequests.starvingAtOnce, !canTake(stream),
            !held.isEmpty || starvingCount >= HeldRequests.starvingAtOnce
        else { return true }
        held.hold(stream, loop.now)
        deadlines?.arm(held.deadline)
        return false
    }

    private func releaseHeld() {
        guard !held.isEmpty, isActive else { return }
        for stream in held.take(loop.now, starving: starvingCount, canTake: canTake) { stream.beginHeld() }
        deadlines?.arm(held.deadline)
    }

    /// A response on `stream` can be sent.
    private func canTake(_ stream: HTTP2DownstreamStream) -> Bool {
        !isOutputBlocked && session.sendWindow(of: stream.stream) >= HeldRequests.leastRoom
    }

    /// Requests that have begun, and whose responses cannot be sent.
    private var starvingCount: Int {
        var count = 0
        forEachStream { stream in
            if stream.isUnanswered, !canTake(stream) { count += 1 }
        }
        return count
    }

    private func forEachStream(_ body: (HTTP2DownstreamStream) -> Void) {
        session.forEachStream { stream in
            if let stream = stream.handler as? HTTP2DownstreamStream { body(stream) }
        }
    }

    /// Streams keep none.
    func closeBoundUpstreams(whereEnded hasEnded: (Identity) -> Bool) {}

    func forEachExchange(_ body: (Exchange) -> Void) {
        forEachStream { stream in
            if let exchange = stream.exchange { body(exchange) }
        }
    }

    func measurePace(_ round: PaceRound) {
        guard isActive else { return }
        var streams: [HTTP2DownstreamStream] = []
        forEachStream { streams.append($0) }
        // While the socket is full, what it takes counts for all streams alike.
        if isOutputBlocked {
            let (taken, pending) = (taken, UInt64(streams.count { $0.hasPendingContent }))
            if let takenBefore, pending > 0 { credit &+= (taken &- min(takenBefore, taken)) / pending }
            takenBefore = taken
        } else {
            takenBefore = nil
        }
        for stream in streams { stream.measurePace(round, credit: credit) }
        serve()
        scheduleFlush()
    }

    /// How long a peer may take to acknowledge the notice of the end.
    private static let drainTime = Nanoseconds.seconds(1)
    /// The same without requests, as long as with HTTP/1.1.
    private static let idleDrainTime = Nanoseconds.milliseconds(500)
    private static let lingerTime = Nanoseconds.seconds(2)
    /// How often input of a peer at fault is discarded.
    private static let lingerPace = Nanoseconds.milliseconds(100)
    private static let lingerBytes = 1 << 20
    /// How long a client that has to calm down does not learn of the end: it would make another connection at once.
    private static let calmTime = Nanoseconds.seconds(1)
}

extension HTTP2Downstream: ServerSessionHandler {
    func streamOpened(_ stream: Stream) -> (any StreamHandler, storage: [UInt8]) {
        let exchange = connections.service.makeExchange()
        var storage: [UInt8] = []
        exchange.withRequest { swap(&storage, &$0.bytes) }
        return (HTTP2DownstreamStream(stream, exchange: exchange, connection: self), storage)
    }

    func tunnelKey() -> [UInt8] { connections.service.webSocketKey() }

    func drainAcknowledged() {
        // The answer to the PING of the drain: no request that was sent before it can follow.
        guard phase == .draining else { return }
        // It was sent after everything else, too.
        isQuiet = session.streamCount == 0
        finishDrain()
    }
}
