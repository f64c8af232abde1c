// SPDX-License-Identifier: Apache-2.0

import HTTP2
import Reactor

/// How a browser's HTTP/2 connection ends: well, with the worker, for want of room, by a fault, or since its time is up.
extension HTTP2Downstream {
    func drain() {
        guard phase == .open else { return }
        phase = .draining
        transportReadable()
        guard phase == .draining else { return }
        session.beginDrain()
        endsAt = worker.loop.now.advanced(by: Self.drainTime)
        arm(worker.loop.now.advanced(by: Self.drainTime))
        scheduleFlush()
    }

    var isHTTP2: Bool { true }

    var isEvictable: Bool { phase == .open && isIdle }

    func evictIdle() {
        guard isEvictable else { return }
        transportReadable()
        guard isEvictable else { return }
        session.finishDrain()
        scheduleFlush()
    }

    func stop() { lost() }

    /// Ends the connection when nothing is left to be done on it.
    func closeIfFinished() {
        guard phase == .open || phase == .draining else { return }
        let isOver =
            session.termination != nil || session.streamCount == 0 && session.sentFinalGoAway
        guard isOver, output.isBlocked || !session.wantsToSend else { return }
        linger()
    }

    private func linger() {
        phase = .lingering
        session.closeStreams()
        serve()
        let end = worker.loop.now.advanced(by: Self.lingerTime)
        endsAt = end
        if isAtFault {
            // Whoever goes on sending is not read piece by piece: the socket holds it, and holds the peer back.
            transport.pauseReading()
            timer?.set(worker.loop.now.advanced(by: Self.lingerPace))
        } else {
            timer?.set(end)
        }
        if !output.isBlocked { finishSending() }
    }

    /// The peer broke the rules, or overdid it.
    private var isAtFault: Bool { session.termination != nil && session.termination != .noError }

    func finishSending() {
        // Who is to calm down learns that the connection is over a little later, as does whoever reads no GOAWAY.
        if session.termination != .enhanceYourCalm { transport.shutDownWriting() }
        if !isAtFault { transport.resumeReading() }
    }

    /// Throws away what has come meanwhile.
    private func lingerOn(_ now: MonotonicTime) {
        guard isAtFault, let endsAt, now < endsAt else { return close() }
        if !output.isBlocked { transport.shutDownWriting() }
        transport.resumeReading()
        transportReadable()
        guard phase == .lingering else { return }
        transport.pauseReading()
        timer?.set(now.advanced(by: Self.lingerPace))
    }

    func lost() {
        close(abruptly: false)
    }

    func close(abruptly: Bool = false) {
        guard phase != .closed else { return }
        phase = .closed
        timer?.cancel()
        timer = nil
        output = OutputQueue()
        session.closeStreams()
        serve()
        transport.close(abruptly: abruptly)
        worker.connectionEnded(self)
    }

    // MARK: Time

    func arm(_ deadline: MonotonicTime) {
        guard let timer, deadline < timer.deadline else { return }
        timer.set(deadline)
    }

    func timedOut() {
        let now = worker.loop.now
        let limits = worker.limits
        guard phase == .open || phase == .draining else { return lingerOn(now) }
        if let blockedSince, blockedSince.advanced(by: limits.bodyIdleTimeout) <= now { return lost() }
        if phase == .draining, let endsAt, endsAt <= now { finishDrain() }
        if let headSince, headSince.advanced(by: limits.headerTimeout) <= now {
            session.terminate(.enhanceYourCalm)
            session.closeStreams()
        } else if session.isBeforeSettings, idleSince.advanced(by: limits.headerTimeout) <= now {
            session.terminate(.protocolError)
        } else if session.streamCount == 0, idleSince.advanced(by: limits.keepAliveTimeout) <= now {
            session.finishDrain()
        }
        var next = now.advanced(by: min(limits.bodyIdleTimeout, limits.keepAliveTimeout))
        session.forEachStream { stream in
            guard let handler = stream.handler as? HTTP2DownstreamStream else { return }
            next = min(next, handler.checkTime(now, limits.bodyIdleTimeout))
        }
        if session.streamCount == 0, !hasReleasedMemory {
            if idleSince.advanced(by: Self.idleMemoryTime) <= now {
                hasReleasedMemory = true
                session.releaseIdleMemory()
            } else {
                next = min(next, idleSince.advanced(by: Self.idleMemoryTime))
            }
        }
        if session.streamCount == 0 { next = min(next, later(idleSince.advanced(by: limits.keepAliveTimeout), now)) }
        if session.isBeforeSettings { next = min(next, later(idleSince.advanced(by: limits.headerTimeout), now)) }
        if let headSince { next = min(next, later(headSince.advanced(by: limits.headerTimeout), now)) }
        if let blockedSince { next = min(next, later(blockedSince.advanced(by: limits.bodyIdleTimeout), now)) }
        if let endsAt { next = min(next, later(endsAt, now)) }
        timer?.set(next)
        serve()
        scheduleFlush()
    }

    /// Calls the stream's `checkTime` when so much time has passed.
    func scheduleCheck(of stream: HTTP2DownstreamStream, after delay: Nanoseconds) {
        stream.stopsAt = worker.loop.now.advanced(by: delay)
        arm(stream.stopsAt)
    }

    /// A time limit that has struck already was seen to.
    private func later(_ deadline: MonotonicTime, _ now: MonotonicTime) -> MonotonicTime {
        deadline > now ? deadline : .distantFuture
    }

    func finishDrain() {
        session.finishDrain()
        endsAt = nil
        scheduleFlush()
    }

    /// How long a peer may take to answer that it knows of the end.
    private static let drainTime = Nanoseconds.seconds(1)
    /// How long after its last request a connection counts as idle.
    static let idleMemoryTime = Nanoseconds.seconds(1)
    private static let lingerTime = Nanoseconds.seconds(2)
    /// How often what a peer at fault still sends is thrown away.
    private static let lingerPace = Nanoseconds.milliseconds(100)
    static let lingerBytes = 1 << 20
}
