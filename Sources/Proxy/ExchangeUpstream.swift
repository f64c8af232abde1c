// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import Reactor

/// The app's side of an exchange: a connection, its response, and what can go wrong with either.
extension Exchange {
    var awaitsUpstream: Bool { machine.state == .acquiring }

    /// Silence is this response's nature.
    var isEventStream: Bool { response.isEventStream }

    func acquireUpstream(fresh: Bool, contentFollows: Bool) {
        guard case .gate(_, let pool) = worker.service else { return }
        record.upstreamStarted = worker.loop.now
        guard let connection = pool.acquire(self, fresh: fresh) else { return }
        upstreamReady(connection, contentFollows: contentFollows)
    }

    func awaitsConnection(until deadline: MonotonicTime) {
        let timer =
            waitTimer
            ?? worker.loop.makeTimer { [unowned self] in
                guard awaitsUpstream, case .gate(_, let pool) = worker.service else { return }
                pool.cancel(self)
                upstreamLost(.connectTimeout)
            }
        waitTimer = timer
        timer.set(deadline)
    }

    /// A connection to the app is there.
    func upstreamReady(_ connection: HTTP1Upstream, contentFollows: Bool = false) {
        waitTimer?.cancel()
        machine.upstreamAcquired()
        upstream = connection
        let expectsContent = !isRequestComplete
        connection.start(self, contentFollows: contentFollows && expectsContent)
        if expectsContent, !contentFollows { downstream?.resumeRequest() }
    }

    /// Appends the request's head as the app gets it.
    func writeUpstreamHead(into output: inout [UInt8]) {
        guard case .gate(let gate, _) = worker.service else { return }
        gate.rewrite(request, for: identity, context, requestID: requestID, into: &output)
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

    func informationalResponse() {
        guard case .forwardInformational = machine.responseHeadReceived(status: response.status, wantsUpgrade: false)
        else { return }
        downstream?.sendInformational(self)
        throttle()
    }

    func responseHead(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        guard case .forward = machine.responseHeadReceived(status: response.status, wantsUpgrade: false) else { return }
        record.responseStarted(response.status, worker.loop.now)
        record.bytesSent += UInt64(content.count)
        downstream?.sendHead(
            self, extra: renewalForResponse(), content: content, isEnd: isEnd, trailers: trailers, more: more)
        if isEnd { responseEnded() } else { throttle() }
    }

    /// The session's cookie anew, unless others could get it with this response; then a later one carries it.
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

    func upstreamLost(_ loss: ExchangeStateMachine.Loss) {
        waitTimer?.cancel()
        upstream = nil
        let mayRepeat = request.method.isIdempotent && !hasContent && !hasRetried
        switch machine.upstreamLost(loss, mayRepeat: mayRepeat) {
        case .retry:
            hasRetried = true
            response.reset()
            acquireUpstream(fresh: true, contentFollows: false)
        case .answer(let status):
            guard case .gate(let gate, _) = worker.service else { return }
            record.upstreamFailed(loss)
            let answer = gate.upstreamFailure(status, of: request, requestID: requestID)
            record.answered(answer)
            downstream?.sendLocal(answer, to: self)
            responseEnded()
        case .cutShort:
            record.upstreamFailed(loss)
            cutShort()
        case .none:
            break
        }
    }

    /// The app agreed to another protocol: both connections become a tunnel.
    func switchingProtocols(_ connection: HTTP1Upstream, early: Span<UInt8>) {
        guard case .gate(let gate, _) = worker.service else { return }
        let isWanted = gate.forwardsUpgrade(request) && downstream?.acceptsSwitch(self) == true
        switch machine.responseHeadReceived(status: 101, wantsUpgrade: isWanted) {
        case .openTunnel:
            upstream = nil
            let appSide = connection.detach()
            record.responseStarted(101, worker.loop.now)
            guard let downstream, let (browserSide, waiting) = downstream.switchProtocols(self) else {
                appSide.close()
                return cutShort()
            }
            let tunnel = Tunnel(browserSide, appSide, worker: worker)
            tunnel.start(fromBrowser: waiting.span, fromApp: early, until: nil)
            end()
        case .answerBadGateway:
            upstream = nil
            connection.abandon()
            record.upstreamFailed(.malformed)
            let answer = gate.upstreamFailure(502, of: request, requestID: requestID)
            record.answered(answer)
            downstream?.sendLocal(answer, to: self)
            responseEnded()
        case .forward, .forwardInformational, .none:
            break
        }
    }
}

extension ResponseHead {
    /// Content-Type is `text/event-stream`, with or without parameters.
    fileprivate var isEventStream: Bool {
        let type: StaticString = "text/event-stream"
        for field in fields where field.known == .contentType {
            let start = field.value.lowerBound
            guard field.value.range.count >= type.utf8CodeUnitCount else { return false }
            return bytes.span.extracting(start..<start + type.utf8CodeUnitCount).equalsIgnoringCase(type)
        }
        return false
    }
}
