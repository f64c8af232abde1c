// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import HTTP2
import Reactor

/// One HTTP/2 connection to an app, whose streams serve many exchanges at a time.
final class HTTP2Upstream: HTTP2Connection {
    private enum Phase {
        /// The app's SETTINGS, which say what it can take, have not arrived.
        case settling
        /// They have arrived with the input that is being processed.
        case settled
        case open
        /// Takes no new requests; those in flight are completed.
        case retiring
    }

    private(set) var pool: HTTP2UpstreamPool
    /// Lives as long as its last connection: streams and timers of the connection refer to it.
    private let owner: UpstreamPool
    /// Connections are numbered in the order in which they were opened.
    private(set) var number: HTTP2UpstreamPool.Number
    /// When a frame, or content, arrived last.
    private(set) var lastReceived: MonotonicTime
    /// What had begun to arrive then.
    private var openUnit: FrameGuard.OpenUnit?
    private var contentCount: UInt64 = 0
    /// A response has arrived on it.
    private(set) var hasServed = false
    private var phase = Phase.settling
    /// The app authenticated a user on it, or was asked to: no further request gets it.
    private var isBound = false
    private var wasGoingAway = false
    private let reference = Unowned<HTTP2Upstream>()
    private var timer: LoopTimer?
    // The session knows its handler from the start, so it is made after the connection.
    private var madeSession: ClientSession?

    init(_ transport: Transport, number: HTTP2UpstreamPool.Number, pool: HTTP2UpstreamPool) {
        self.number = number
        self.pool = pool
        owner = pool.owner
        let environment = pool.owner.environment
        lastReceived = environment.loop.now
        super.init(transport, memory: environment.memory)
        let session = ClientSession(
            maximumStreams: HTTP2UpstreamShared.maximumStreams, head: pool.shared.headLimits,
            isTolerant: owner.configuration.leniency == .tolerant, memory: pool.shared.memory, handler: self,
            now: loop.now.nanoseconds)
        madeSession = session
        let timer = loop.makeTimer { [reference] in reference.object?.timedOut() }
        reference.refer(to: self)
        self.timer = timer
        timer.set(loop.now.advanced(by: pool.owner.configuration.connectTimeout))
        begin(session, received: [])
    }

    deinit {
        reference.clear()
        madeSession?.detachHandler()
    }

    var session: ClientSession {
        guard let madeSession else { preconditionFailure("a connection without a session") }
        return madeSession
    }

    /// It takes requests and has none.
    var isUnused: Bool { phase == .open && session.streamCount == 0 }

    var streamCount: Int { session.streamCount }

    /// As many requests as it carries at a time.
    var capacity: Int { max(1, session.streamCount + session.room) }

    /// It can take a request now.
    var hasRoom: Bool { phase == .open && !isBound && session.room > 0 }

    /// One of its requests, or the response, authenticates the connection.
    func bind() {
        guard !isBound else { return }
        isBound = true
        loop.afterEvent { [self] in retire() }
    }

    /// A response deviates from HTTP, which is accepted: the connection takes no new requests.
    func note(_ tolerated: TolerationSet) {
        owner.note(tolerated)
        loop.afterEvent { [self] in retire() }
    }

    func makeStream() -> HTTP2UpstreamStream {
        HTTP2UpstreamStream(self)
    }

    func noteServed() {
        hasServed = true
    }

    /// An exchange no longer needs a stream, so there is room for another.
    func streamEnded() {
        guard !isClosed else { return }
        loop.afterEvent { [self] in
            guard !isClosed else { return }
            noteIdleness()
            if phase == .open { pool.dispatchWaiting() }
            closeIfFinished()
        }
    }

    // MARK: What happens on the connection

    override func inputServed() {
        guard !isClosed else { return }
        noteReceived()
        if phase == .settled {
            phase = .open
            noteIdleness()
            pool.settled(self)
        }
        if wasGoingAway { retire() }
        if session.termination != nil { end() }
    }

    /// Further bytes of the same frame are no sign of life: nothing behind it can be read.
    private func noteReceived() {
        let unit = session.openUnit
        if unit == nil || unit != openUnit || session.contentCount != contentCount { lastReceived = loop.now }
        openUnit = unit
        contentCount = session.contentCount
    }

    override func writeFailed() {
        // What the app sent before it stopped reading is read first.
        transportReadable()
        close()
    }

    override func closed() {
        timer?.cancel()
        timer = nil
        pool.closed(self)
    }

    // MARK: Ending

    /// Takes no new requests, and closes after those in flight.
    func retire() {
        guard !isClosed else { return }
        if phase != .retiring {
            phase = .retiring
            pool.retired(self)
        }
        closeIfFinished()
    }

    private func closeIfFinished() {
        guard !isClosed, phase == .retiring || phase == .open && pool.owner.isDraining, session.streamCount == 0 else {
            return
        }
        session.terminate(.noError)
        end()
    }

    /// Sends the last output, as far as the socket takes it at once, and closes.
    private func end() {
        flush()
        close()
    }

    // MARK: Time

    private func noteIdleness() {
        guard session.streamCount == 0 else { return }
        timer?.set(loop.now.advanced(by: pool.owner.configuration.idleTimeout))
    }

    private func timedOut() {
        switch phase {
        case .settling, .settled: close()
        case .open where session.streamCount == 0: retire()
        case .open, .retiring: timer?.set(loop.now.advanced(by: pool.owner.configuration.idleTimeout))
        }
    }
}

extension HTTP2Upstream: ClientSessionHandler {
    func settingsReceived() {
        if phase == .settling { phase = .settled }
    }

    func goAwayReceived() {
        wasGoingAway = true
    }
}
