// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import HTTP2
import Reactor

/// The app's side of an exchange: a connection, its response, and what can go wrong with either.
extension Exchange {
    var awaitsUpstream: Bool { machine.state == .acquiring }

    /// Silence is this response's nature.
    var isEventStream: Bool { response.isEventStream }

    func acquireUpstream(fresh: Bool, contentFollows: Bool) {
        guard case .gate(let gate, _) = worker.service else { return }
        // Each time anew: another configuration may be in force when a request goes again.
        app = gate.app(for: access)
        guard let pool = worker.pool(of: app) else { return }
        record.upstreamStarted = worker.loop.now
        if let bound = downstream?.boundUpstreams {
            // Also with another session, or when a fresh one is needed: those of the session before are closed.
            if let connection = bound.take(from: pool, for: identity) {
                if !fresh {
                    pool.holdsOther(self)
                    return upstreamReady(connection, contentFollows: contentFollows)
                }
                connection.close()
            }
        }
        guard let connection = pool.acquire(self, fresh: fresh) else {
            self.pool = pool
            return
        }
        upstreamReady(connection, contentFollows: contentFollows)
    }

    /// A connection on which the app authenticated this request's user may serve the next request of this client.
    var keepsBoundUpstream: Bool {
        downstream?.isOneClient == true && !worker.isDraining && signOut == nil && !request.cameByProxy
    }

    func waitForConnection(until deadline: MonotonicTime) {
        setTimer(deadline)
    }

    func acquisitionTimedOut() {
        let (generation, id) = (generation, waiter?.id)
        worker.measurePaceNow()
        guard self.generation == generation, awaitsUpstream, waiter?.id == id else { return }
        let isConnecting = pool?.isConnecting ?? false
        pool?.cancel(self)
        upstreamLost(isConnecting ? .connectTimeout : .overloaded)
    }

    /// A connection to the app is there.
    func upstreamReady(_ connection: any UpstreamStream, contentFollows: Bool = false) {
        stopTimer()
        pool = nil
        machine.upstreamAcquired()
        upstream = connection
        let expectsContent = !isRequestComplete
        if request.expectsContinue { forwardedAt = worker.loop.now }
        if let retryBuffer, retryBuffer.count > 0 { return repeatRequest(retryBuffer, on: connection) }
        if let initialContent = takeInitialContent() {
            connection.start(self, expectsContent: true, contentFollows: true)
            // Else it follows at once.
            guard !initialContent.isEmpty else { return }
            connection.send(initialContent.span, isEnd: isRequestComplete, trailers: [], more: false, isChunked: false)
            if !isRequestComplete { downstream?.resumeRequest() }
            return
        }
        retryBuffer = expectsContent && connection.mayRefuse ? RetryBuffer() : nil
        connection.start(
            self, expectsContent: expectsContent, contentFollows: contentFollows && expectsContent)
        if expectsContent, !contentFollows { downstream?.resumeRequest() }
    }

    /// The request again, with what of its content was sent before.
    private func repeatRequest(_ retryBuffer: RetryBuffer, on connection: any UpstreamStream) {
        connection.start(self, expectsContent: true, contentFollows: true)
        connection.send(
            retryBuffer.content.span, isEnd: isRequestComplete, trailers: retryBuffer.trailers, more: false,
            isChunked: request.framing == .chunked)
        if !isRequestComplete { downstream?.resumeRequest() }
    }

    /// Content is on its way that the app may not look at.
    func bufferForRetry(_ content: Span<UInt8>, _ trailers: [UInt8]) {
        guard (retryBuffer?.content.count ?? 0) + content.count <= RetryBuffer.limit else {
            retryBuffer = nil
            return
        }
        retryBuffer?.content.append(span: content)
        retryBuffer?.trailers = trailers
    }

    /// Appends the request's head as the app gets it.
    func writeUpstreamHead(into output: inout [UInt8]) {
        guard case .gate(let gate, _) = worker.service else { return }
        gate.rewrite(access, for: identity, app: app, into: &output)
        forwardsUpgrade = gate.forwardsUpgrade(access, app: app)
        switch request.framing {
        case .none, .untilClose: break
        case .length(let length):
            output.append(text: "Content-Length: ")
            output.append(decimal: length)
            output.append(text: "\r\n")
        case .chunked: output.append(text: "Transfer-Encoding: chunked\r\n")
        }
        output.append(text: "\r\n")
    }

    /// The app takes more of the request's content again.
    func upstreamWritable() {
        downstream?.resumeRequest()
    }

    /// The app sets no cookies of the gate's names.
    private func removeReservedCookies() {
        guard response.setsCookies, case .gate(let gate, _) = worker.service,
            let name = gate.removeOwnCookies(from: &response)
        else { return }
        worker.pool(of: app)?.report(reservedCookie: name)
    }

    func informationalResponse() {
        removeReservedCookies()
        guard case .forwardInformational = machine.responseHeadReceived(status: response.status, wantsUpgrade: false)
        else { return }
        mayContinue = true
        downstream?.sendInformational(self)
        throttle()
    }

    func responseHead(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        guard case .forward = machine.responseHeadReceived(status: response.status, wantsUpgrade: false) else { return }
        record.responseStarted(response.status, worker.loop.now)
        retryBuffer = nil
        removeReservedCookies()
        if let signOut, finish(signOut) { return }
        if !isEnd, !beginStream() { return }
        record.bytesSent += UInt64(content.count)
        downstream?.sendHead(
            self, extra: extraFields(), content: content, isEnd: isEnd, trailers: trailers, more: more)
        if isEnd { responseEnded() } else { throttle() }
    }

    /// Field lines of ours on the app's response.
    func extraFields() -> [UInt8]? {
        // What ends cookies is sent in any case.
        let renewal = signOut?.cookies ?? renewalForResponse()
        guard context.isSecure, !worker.strictTransportLine.isEmpty, !response.hasStrictTransport else {
            return renewal
        }
        return renewal.map { $0 + worker.strictTransportLine } ?? worker.strictTransportLine
    }

    /// A response of our own, with what is on every response over TLS.
    func addingHSTS(_ response: LocalResponse) -> LocalResponse {
        guard context.isSecure, !worker.strictTransportLine.isEmpty else { return response }
        var response = response
        response.add(block: worker.strictTransportLine)
        return response
    }

    /// The response goes on for a while: its session may end before it does. False when it has ended already, and the
    /// response with it.
    private func beginStream() -> Bool {
        // A response by which the session ends does not end with it.
        guard signOut == nil, let identity, case .gate(let gate, _) = worker.service else { return true }
        if updateCount != worker.updateCount, gate.hasEnded(identity, now: worker.loop.wallClock) {
            endStream("session_revoked")
            return false
        }
        worker.streamBegan(self)
        // What has an end of its own may come to it; a stream of events has none.
        if isEventStream, let end = gate.endOfSession(identity) { setTimer(worker.monotonic(end)) }
        return true
    }

    /// What the session paid for is over: the browser sees a response that is not whole, and who asks again is judged
    /// anew.
    ///
    /// Never inlined: Swift 6.3 fails on what it would make of that in a caller that is optimised whole.
    @inline(never)
    func endStream(_ reason: String) {
        record.ended(reason)
        abort()
    }

    /// The session's cookie anew, or the one that opens native login, unless others could get it with this response; a
    /// later one carries it then.
    func renewalForResponse() -> [UInt8]? {
        guard let renewal else { return nil }
        if response.isForSharedCaches {
            identity?.renewalNotSent()
            return nil
        }
        return renewal
    }

    func responseBody(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        guard machine.state == .exchanging(.streaming) else { return }
        record.bytesSent += UInt64(content.count)
        downstream?.sendContent(content, isEnd: isEnd, trailers: trailers, more: more)
        if isEnd { responseEnded() } else { throttle() }
    }

    /// The connection to the app has done its part and belongs to the pool again.
    func upstreamDone() {
        upstream = nil
    }

    /// - Parameter code: with which the app has ended the stream, and nothing but the stream.
    func upstreamLost(_ loss: ExchangeStateMachine.Loss, _ code: ErrorCode? = nil) {
        stopTimer()
        upstream = nil
        let mayRepeat =
            !hasRetried
            && (loss == .refused
                ? isRequestComplete && !hasContent
                    || contentReceived == UInt64(retryBuffer?.content.count ?? 0)
                        && (contentReceived > 0 || !isRequestComplete)
                : request.method.isIdempotent && !hasContent)
        switch machine.upstreamLost(loss, mayRepeat: mayRepeat) {
        case .retry:
            hasRetried = true
            response.reset()
            acquireUpstream(fresh: true, contentFollows: false)
        case .answer(let status):
            guard case .gate(let gate, _) = worker.service else { return }
            record.upstreamFailed(loss, isReset: code != nil)
            let answer = gate.upstreamFailure(
                status, of: access, statusOfGRPC: code?.statusOfGRPC)
            record.answered(answer)
            downstream?.sendLocal(addingHSTS(answer), to: self)
            responseEnded()
        case .abort:
            record.upstreamFailed(loss, isReset: code != nil)
            abort(code?.forClient ?? .internalError)
        case .none:
            break
        }
    }

    /// The app agreed to another protocol: both connections become a tunnel.
    func switchingProtocols(_ connection: HTTP1Upstream, early: Span<UInt8>) {
        guard case .gate(let gate, _) = worker.service else { return }
        let isWanted =
            forwardsUpgrade && response.agreesToUpgrade(of: request) && downstream?.acceptsSwitch(self) == true
        switch machine.responseHeadReceived(status: 101, wantsUpgrade: isWanted) {
        case .openTunnel:
            upstream = nil
            removeReservedCookies()
            let appSide = connection.detach()
            record.responseStarted(101, worker.loop.now)
            guard let downstream, let (browserSide, waiting) = downstream.switchProtocols(self) else {
                appSide.close()
                return abort()
            }
            let tunnel = Tunnel(browserSide, appSide, worker: worker, identity: identity)
            let end = identity.flatMap { gate.endOfSession($0) }
            tunnel.start(fromBrowser: waiting.span, fromApp: early, until: end.map { worker.monotonic($0) })
            // Since the request was let through the session may have been ended.
            if updateCount != worker.updateCount, tunnel.hasEnded(gate, now: worker.loop.wallClock) { tunnel.close() }
            self.end()
        case .answerBadGateway:
            upstream = nil
            connection.abandon()
            record.upstreamFailed(.malformed)
            let answer = gate.upstreamFailure(502, of: access)
            record.answered(answer)
            downstream?.sendLocal(addingHSTS(answer), to: self)
            responseEnded()
        case .forward, .forwardInformational, .none:
            break
        }
    }
}
