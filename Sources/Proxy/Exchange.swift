// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import Reactor

/// One request and its response: asks the gate, then answers or stands between the browser's stream and a connection
/// to the app. What follows from what is ``ExchangeStateMachine``'s; this class does it.
///
/// A worker keeps finished exchanges for the next requests, memory included.
final class Exchange {
    var request = RequestHead()
    var response = ResponseHead()
    private(set) var record = ExchangeRecord()
    /// The peer's address, for the log.
    private(set) var client: [UInt8] = []
    private(set) var requestID: [UInt8] = []
    /// Counts the requests this object served, so that a late answer to an earlier one is known as such.
    private(set) var ticket: UInt64 = 0

    private let worker: Worker
    private var downstream: (any DownstreamStream)?
    private var upstream: HTTP1Upstream?
    private var machine = ExchangeStateMachine()
    private var context = RequestContext(peer: nil, now: 0)
    private var identity: Identity?
    private var renewal: [UInt8]?
    private var form: [UInt8] = []
    private var formLimit = 0
    private var contentReceived: UInt64 = 0
    private var hasRetried = false
    private var waitTimer: LoopTimer?

    init(worker: Worker) {
        self.worker = worker
    }

    // MARK: What the browser's side tells

    /// A request begins to arrive.
    func begin(_ downstream: any DownstreamStream, client: [UInt8]) {
        self.downstream = downstream
        self.client = client
        context.now = worker.loop.wallClock
        ticket &+= 1
        machine = ExchangeStateMachine()
        record.begin(worker.loop.now)
    }

    /// Where the response's content goes straight to.
    var sink: Transport? { downstream?.sink }
    /// Where the request's content goes straight to.
    var requestSink: Transport? { upstream?.transport }

    /// Content may be given to ``requestContent(_:isEnd:trailers:more:)`` now.
    var wantsContent: Bool {
        switch machine.state {
        case .collecting, .answered: !machine.isRequestComplete
        case .exchanging: !machine.isRequestComplete && upstream?.isBlocked == false
        case .deciding, .claiming, .acquiring, .tunnelling, .ended: false
        }
    }

    /// The request's content was read to its end, or it has none.
    var isRequestComplete: Bool { machine.isRequestComplete }

    /// The head is there, valid. `contentFollows`: some of the request's content is at hand.
    func requestHeadReceived(_ peer: Peer, contentFollows: Bool) {
        context = peer.context(worker.loop.wallClock)
        machine.requestHeadReceived(hasContent: hasContent)
        switch worker.service {
        case .local:
            // The demo's own servers: content is read, then answered.
            collect(limit: Self.localContentLimit, contentFollows: contentFollows)
        case .gate(let gate, _):
            gate.requestID(of: request, into: &requestID)
            if case .length(let length) = request.framing, isTooLarge(length) {
                return answer(gate.refusal(413, of: request, requestID: requestID))
            }
            perform(gate.decide(request, context, requestID: requestID), contentFollows: contentFollows)
        }
    }

    /// A piece of the request's content.
    ///
    /// - Parameter more: more is at hand.
    func requestContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        contentReceived += UInt64(content.count)
        let isRequestEnd = isEnd ? machine.requestEnded() : .none
        switch machine.state {
        case .collecting:
            guard form.count + content.count <= formLimit else { return answer(refusal(413)) }
            form.append(span: content)
            if isRequestEnd == .decideForm { formReceived() }
        case .exchanging(let response):
            if isTooLarge(contentReceived) {
                upstream?.abandon()
                upstream = nil
                guard response == .awaited else { return cutShort() }
                return answer(refusal(413))
            }
            upstream?.send(
                content, isEnd: isEnd, trailers: trailers, more: more, isChunked: request.framing == .chunked)
        case .deciding, .claiming, .acquiring, .tunnelling, .answered, .ended:
            break
        }
    }

    /// The browser's connection is gone, or its request broke off.
    func downstreamLost() {
        guard downstream != nil else { return }
        machine.downstreamLost()
        record.isAborted = true
        letGoOfUpstream()
        end()
    }

    /// The browser takes more again.
    func downstreamWritable() {
        upstream?.resume()
    }

    /// The request cannot be read on: where it ends, or would, is not known.
    func refuse(_ error: HTTP1Error) {
        refuse(status: error.status, error.description)
    }

    func refuse(status: UInt16, _ description: String) {
        switch machine.state {
        case .deciding, .collecting, .acquiring, .exchanging(.awaited):
            letGoOfUpstream()
            if requestID.isEmpty { requestID = worker.freshRequestID() }
            var response = refusal(status)
            response.closesConnection = true
            machine.answered()
            record.answered(response)
            record.malformed(status, description)
            downstream?.sendLocal(response, to: self)
            responseEnded()
        case .exchanging(.streaming):
            cutShort()
        case .claiming, .tunnelling, .answered, .ended:
            break
        }
    }

    // MARK: Decisions

    private func perform(_ decision: Decision, contentFollows: Bool) {
        switch decision {
        case .forward(let identity, let renewal):
            self.identity = identity
            self.renewal = renewal
            record.decision = identity == nil ? "open" : "forward"
            record.user = identity?.user
            machine.forwarded()
            acquireUpstream(fresh: false, contentFollows: contentFollows)
        case .respond(let response):
            answer(response)
        case .collectBody(let limit):
            collect(limit: limit, contentFollows: contentFollows)
        case .claimToken(let pending):
            claim(pending)
        }
    }

    /// Reads the content before anything is decided.
    private func collect(limit: Int, contentFollows: Bool) {
        machine.collects()
        formLimit = limit
        guard hasContent else { return formReceived() }
        if case .length(let length) = request.framing, length > UInt64(limit) { return answer(refusal(413)) }
        // RFC 9110 §10.1.1: nobody else will say it, since the app does not get this request.
        if request.expectsContinue, !contentFollows { downstream?.sendContinue() }
        downstream?.resumeRequest()
    }

    private func formReceived() {
        let body = form
        form = []
        switch worker.service {
        case .local(let respond): answer(respond(request, body, context.now))
        case .gate(let gate, _):
            perform(gate.decide(form: body, of: request, context, requestID: requestID), contentFollows: false)
        }
    }

    private func claim(_ pending: PendingSignIn) {
        machine.claims()
        let ticket = ticket
        let loop = worker.loop
        let waiter = loop.bind { [self] (verdict: ReplayVerdict) in
            guard self.ticket == ticket, machine.state == .claiming, case .gate(let gate, _) = worker.service else {
                return
            }
            answer(gate.finishSignIn(pending, verdict, context))
        }
        worker.replayStore.claim(pending.replayKeys, until: pending.expiresAt, now: context.now) { verdict in
            loop.submit { waiter.assumeOnLoop { $0(verdict) } }
        }
    }

    /// Gives a response of our own.
    private func answer(_ response: LocalResponse) {
        guard let downstream else { return }
        machine.answered()
        record.answered(response)
        downstream.sendLocal(response, to: self)
        responseEnded()
    }

    private func refusal(_ status: UInt16) -> LocalResponse {
        switch worker.service {
        case .gate(let gate, _): gate.refusal(status, of: request, requestID: requestID)
        case .local: LocalResponse(status: status)
        }
    }

    /// The request has content, which may be still on its way.
    private var hasContent: Bool { request.framing != .none && request.framing != .length(0) }

    private func isTooLarge(_ length: UInt64) -> Bool {
        worker.limits.bodyBytes > 0 && length > worker.limits.bodyBytes
    }

    // MARK: The app's side

    var awaitsUpstream: Bool { machine.state == .acquiring }

    /// Silence is this response's nature.
    var isEventStream: Bool { response.isEventStream }

    private func acquireUpstream(fresh: Bool, contentFollows: Bool) {
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
    private func renewalForResponse() -> [UInt8]? {
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
        switch machine.responseHeadReceived(status: 101, wantsUpgrade: gate.forwardsUpgrade(request)) {
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

    // MARK: The end

    /// Holds the app back while the browser does not keep up.
    private func throttle() {
        if downstream?.isBlocked == true { upstream?.pause() }
    }

    private func cutShort() {
        machine.downstreamLost()
        record.isAborted = true
        downstream?.cutShort()
        letGoOfUpstream()
        end()
    }

    private func responseEnded() {
        let action = machine.responseEnded()
        guard action != .none, let downstream else { return }
        letGoOfUpstream()
        end()
        downstream.exchangeFinished(isRequestComplete: action == .finish)
    }

    private func letGoOfUpstream() {
        waitTimer?.cancel()
        if case .gate(_, let pool) = worker.service { pool.cancel(self) }
        upstream?.abandon()
        upstream = nil
    }

    private func end() {
        guard downstream != nil else { return }
        downstream = nil
        worker.finished(self, context)
        identity = nil
        renewal = nil
        form = []
        contentReceived = 0
        hasRetried = false
        requestID.removeAll(keepingCapacity: true)
        request.reset()
        response.reset()
        worker.recycle(self)
    }

    /// What the demo's own servers read of a request.
    private static let localContentLimit = 65536
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
