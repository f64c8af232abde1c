// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import HTTP2
import Reactor

/// One look at the pace of all clients.
struct PaceRound {
    /// Since the last one.
    let elapsed: Nanoseconds
    /// Nine tenths of the connections that clients may have are open.
    let isCrowded: Bool
    let limits: ConnectionLimits
    /// How long another client's request must have waited.
    let patience: Nanoseconds

    /// The time that counts for `exchange`; nil: its client holds up a connection to no app.
    func time(for exchange: Exchange?) -> Nanoseconds {
        if isCrowded { return elapsed }
        guard let pool = exchange?.upstream?.pool else { return Nanoseconds(count: 0) }
        return min(pool.waitedLately, elapsed)
    }

    /// Adds what was measured to `meter`; true when the client is to be cut off.
    ///
    /// - Parameters:
    ///   - total: bytes of the request that came, or of the response that were taken.
    ///   - isExempt: no rate is asked of it; only the share of its client counts.
    func isTooSlow(
        _ side: PaceMeter.Side, _ meter: inout PaceMeter?, number: UInt64, total: UInt64, of exchange: Exchange?,
        isExempt: Bool = false
    ) -> Bool {
        let time = time(for: exchange)
        guard time.count > 0 else { return false }
        if meter?.side != side || meter?.number != number {
            let window = side == .request ? limits.requestWindow : limits.responseWindow
            meter = PaceMeter(side, window: window, number: number, total: total)
        }
        guard let isSlow = meter?.add(time, total: total, rate: limits.minimumBodyRate), let stalled = meter?.stalled
        else { return false }
        if isSlow, !isExempt { return true }
        // Others of its own are ended first: they have stalled for long, and another client waits.
        guard let exchange, let pool = exchange.upstream?.pool,
            stalled.count >= pool.configuration.connectTimeout.count / 2
        else { return false }
        return pool.mayEnd(exchange, share: limits.clientShare, patience: patience)
    }
}

// Clients that are slow are bothered only while others need what they hold.
extension Worker {
    /// Requests wait for a connection to an app, or connections of clients become scarce: looks at the pace of all from
    /// now on, until neither is so.
    func startPacing() {
        let timer = paceTimer ?? loop.makeTimer { [unowned self] in lookAtPace() }
        paceTimer = timer
        guard timer.deadline == .distantFuture else { return }
        pacedAt = loop.now
        timer.set(loop.now.advanced(by: paceInterval))
    }

    /// Nine tenths of the connections that clients may have are open.
    var isCrowded: Bool { connectionCount * 10 >= limits.connections * 9 }

    /// A request has waited for as long as it may: slow ones end before it does.
    func lookAtPaceNow() {
        if let paceTimer, paceTimer.deadline != .distantFuture { lookAtPace() }
    }

    private func lookAtPace() {
        let now = loop.now
        // What a loop that was held up did not see is nobody's fault.
        let elapsed = min(now.since(pacedAt), .seconds(1))
        pacedAt = now
        var isContended = false
        for pool in pools + retiredPools where pool.look(now) { isContended = true }
        let round = PaceRound(
            elapsed: elapsed, isCrowded: isCrowded, limits: limits, patience: paceInterval)
        guard isContended || round.isCrowded else { return }
        for connection in Array(connections.values) { connection.measurePace(round) }
        paceTimer?.set(now.advanced(by: paceInterval))
    }

    /// Often enough to be of use before a request has waited for too long.
    private var paceInterval: Nanoseconds {
        let shortest = pools.map(\.configuration.connectTimeout.count).min() ?? .max
        return max(.milliseconds(10), min(.milliseconds(250), Nanoseconds(count: shortest / 8)))
    }

    /// Calls `body` for each request under way.
    func forEachExchange(_ body: (Exchange) -> Void) {
        for connection in connections.values { connection.forEachExchange(body) }
    }
}

extension UpstreamPool {
    /// The client of `exchange`, which has stalled, holds more than its share while others wait; each look ends as many
    /// requests as wait at most.
    func mayEnd(_ exchange: Exchange, share: Double, patience: Nanoseconds) -> Bool {
        guard endings > 0, isBeyondShare(exchange, share: share, patience: patience) else { return false }
        endings -= 1
        return true
    }
}

extension Exchange {
    /// Whether the client is waited for, to send content of the request.
    enum ContentWait {
        case none
        /// It may send when it likes: only the share of its client counts.
        case exempt
        case measured
    }

    var contentWait: ContentWait {
        guard !isRequestComplete, !awaitsContinue else { return .none }
        switch machine.state {
        case .collecting, .receiving: return .measured
        case .exchanging(let response):
            guard upstream?.isBlocked == false else { return .none }
            // The messages of a call are as far apart as its peers like (gRPC).
            let isBetweenMessages = upstream?.sink == nil && messages?.isBetween == true
            return response == .streaming || isBetweenMessages ? .exempt : .measured
        case .deciding, .awaiting, .acquiring, .tunnelling, .answered, .ended: return .none
        }
    }

    /// The client holds its content back until the app agrees to it. It need not wait for that without end (RFC 9110
    /// §10.1.1), and many apps never answer.
    private var awaitsContinue: Bool {
        guard request.expectsContinue, !mayContinue, contentReceived == 0 else { return false }
        return forwardedAt.map { worker.loop.now.since($0) < Self.continueTime } ?? true
    }

    private static let continueTime = Nanoseconds.seconds(1)

    /// The client sends too slowly while others wait.
    func requestTooSlow() {
        worker.metrics.endedSlow(.request)
        penalize()
        guard machine.state == .exchanging(.streaming) else { return refuse(status: 408, .requestTooSlow) }
        record.ended(.requestTooSlow)
        cutShort(.cancel)
    }

    /// The client takes the response too slowly while others wait.
    func responseTooSlow() {
        worker.metrics.endedSlow(.response)
        penalize()
        record.ended(.responseTooSlow)
        cutShort(.cancel)
    }

    /// Before its connection is free for others.
    private func penalize() {
        upstream?.pool.penalize(holding?.client ?? clientNetwork)
    }
}

extension HTTP1Downstream {
    func forEachExchange(_ body: (Exchange) -> Void) {
        if let exchange { body(exchange) }
    }

    func measurePace(_ round: PaceRound) {
        switch phase {
        case .content where !output.isBlocked, .head where !output.isBlocked:
            guard let exchange, exchange.contentWait != .none else { return }
            if round.isTooSlow(
                .request, &pace, number: exchange.ticket, total: exchange.contentReceived, of: exchange,
                isExempt: exchange.contentWait == .exempt)
            {
                isPersistent = false
                exchange.requestTooSlow()
            }
        case .content, .response, .flushing, .skipping:
            guard output.isBlocked else { return }
            let queued = UInt64(clamping: transport.queuedBytes)
            let taken = output.written &- min(queued, output.written)
            guard round.isTooSlow(.response, &pace, number: exchange?.ticket ?? 0, total: taken, of: exchange)
            else { return }
            if let exchange { return exchange.responseTooSlow() }
            worker.metrics.endedSlow(.response)
            lost()
        case .head, .lingering, .closed: break
        }
    }
}

extension HTTP2Downstream {
    func forEachExchange(_ body: (Exchange) -> Void) {
        session.forEachStream { stream in
            if let exchange = (stream.handler as? HTTP2DownstreamStream)?.exchange { body(exchange) }
        }
    }

    func measurePace(_ round: PaceRound) {
        guard phase == .open || phase == .draining else { return }
        var streams: [HTTP2DownstreamStream] = []
        var pending: UInt64 = 0
        session.forEachStream { stream in
            guard let handler = stream.handler as? HTTP2DownstreamStream else { return }
            streams.append(handler)
            if stream.pendingContent > 0 { pending += 1 }
        }
        // While the socket is full, what it takes counts for all streams alike.
        if output.isBlocked {
            let queued = UInt64(clamping: transport.queuedBytes)
            let taken = output.written &- min(queued, output.written)
            if let takenBefore, pending > 0 { credit &+= (taken &- min(takenBefore, taken)) / pending }
            takenBefore = taken
        } else {
            takenBefore = nil
        }
        for stream in streams { stream.measurePace(round, credit: credit) }
        serve()
        scheduleFlush()
    }
}

extension HTTP2DownstreamStream {
    func measurePace(_ round: PaceRound, credit: UInt64) {
        guard tunnel == nil, !stream.isClosed else { return }
        if stream.pendingContent > 0 {
            let total = stream.contentSent &+ credit
            guard round.isTooSlow(.response, &pace, number: 0, total: total, of: exchange) else { return }
            if let exchange { return exchange.responseTooSlow() }
            worker.metrics.endedSlow(.response)
            session.reset(stream, .cancel)
        } else if let exchange, exchange.contentWait != .none, hasNoContentAtHand {
            if round.isTooSlow(
                .request, &pace, number: 1, total: exchange.contentReceived, of: exchange,
                isExempt: exchange.contentWait == .exempt)
            {
                exchange.requestTooSlow()
            }
        }
    }
}

extension RequestHead {
    /// A call of gRPC.
    var isCall: Bool {
        let bytes = bytes.span
        for field in fields where field.known == .contentType {
            return bytes.extracting(field.value.range).beginsIgnoringCase("application/grpc")
        }
        return false
    }
}
