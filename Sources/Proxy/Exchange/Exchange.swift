// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import HTTP1
import HTTP2
import Reactor

/// One request and its response: asks the gate, then answers or stands between the browser's stream and a connection
/// to the app. What follows from what is ``ExchangeStateMachine``'s; this class does it.
///
/// A worker keeps finished exchanges for the next requests, memory included.
final class Exchange {
    /// The request as the gate judges it; its head is filled by the downstream stream.
    var access = AccessRequest()
    var response = ResponseHead()
    var record = ExchangeRecord()
    /// The peer's address, for the log.
    private(set) var client: [UInt8] = []
    /// Counts the requests this object served and the answers it awaited, so that a late one to an earlier question is
    /// known as such.
    var generation: UInt64 = 0

    let worker: Worker
    var downstream: (any DownstreamStream)?
    var upstream: (any UpstreamStream)? {
        didSet { if holding != nil, upstream == nil { releaseHolding() } }
    }
    /// Counted in the ledger of an app: while requests wait for a connection there, and this one has one.
    var holding: Holding?
    /// As the ledger knows this request while it waits for a connection.
    var waiter: (id: UInt64, client: ClientNetwork)?
    /// The first of the content, while a connection is awaited for it; nil: not deferred.
    var initialContent: [UInt8]?
    /// The app has agreed to content that the client held back (`Expect`), or the gate has.
    var mayContinue = false
    /// Of which the exchange waits for a connection: the worker may have another one by now.
    var pool: UpstreamPool?
    /// What of the content the app may still refuse unseen; nil: not kept, or too much.
    var retryBuffer: RetryBuffer?
    var machine = ExchangeStateMachine()
    var identity: Identity?
    /// Which of the apps the request is for.
    var app = 0
    /// The app was asked to switch protocols.
    var forwardsUpgrade = false
    var renewal: [UInt8]?
    var form: [UInt8] = []
    var formLimit = 0
    var contentReceived: UInt64 = 0
    /// When the head went to the app, of a request with `Expect`.
    var forwardedAt: MonotonicTime?
    /// Of a call (gRPC): how far its content has come.
    var messages: CallMessages?
    var hasRetried = false
    /// With the app's response the session ends.
    var signOut: SignOut?
    /// The response is complete, but the client's stream still holds some of it: it is logged when that has been sent.
    var endsWhenSent = false
    /// Some of the request's content is at hand while its head is judged.
    var contentFollows = false
    /// The one time limit of this object's own: which one, the state tells.
    var timer: LoopTimer?
    /// What follows when the answer that is awaited does not come in time.
    var overdue: (() -> Void)?
    /// ``Worker/updateCount`` when the request was let through.
    var updateCount: UInt64 = 0

    init(worker: Worker) {
        self.worker = worker
    }

    var request: RequestHead {
        _read { yield access.head }
        _modify { yield &access.head }
    }

    var context: RequestContext {
        _read { yield access.context }
        _modify { yield &access.context }
    }

    var requestID: [UInt8] { access.id }

    // MARK: What the browser's side tells

    /// A request begins to arrive.
    func begin(_ downstream: any DownstreamStream, client: [UInt8]) {
        self.downstream = downstream
        self.client = client
        context.now = worker.loop.wallClock
        generation &+= 1
        machine = ExchangeStateMachine()
        record.begin(worker.loop.now)
    }

    /// Where the response's content goes straight to.
    var sink: Transport? { downstream?.sink }
    /// Where the request's content goes straight to.
    var requestSink: Transport? { upstream?.sink }

    /// Content may be given to ``requestContent(_:isEnd:trailers:more:)`` now.
    var wantsContent: Bool {
        switch machine.state {
        case .collecting, .receiving, .answered: !machine.isRequestComplete
        case .exchanging: !machine.isRequestComplete && upstream?.isBlocked == false
        case .deciding, .awaiting, .acquiring, .tunnelling, .ended: false
        }
    }

    /// The request's content was read to its end, or it has none.
    var isRequestComplete: Bool { machine.isRequestComplete }

    /// The head is there, valid. `contentFollows`: some of the request's content is at hand.
    func requestHeadReceived(_ peer: Peer, contentFollows: Bool) {
        context = peer.context(worker.clock)
        machine.requestHeadReceived(hasContent: hasContent)
        if hasContent, request.isCall { messages = CallMessages() }
        switch worker.service {
        case .handler:
            if worker.answersAtOnce { return formReceived() }
            // The demo's own servers: content is read, then answered.
            collect(limit: Self.localContentLimit, contentFollows: contentFollows)
        case .asyncHandler:
            collect(limit: Self.localContentLimit, contentFollows: contentFollows)
        case .gate(let gate, _):
            record.isCounted = true
            worker.metrics.requestBegan()
            gate.requestID(of: access.head, into: &access.id)
            if let limiter = worker.services.limiter, let wait = excess(limiter, gate) {
                return answer(gate.tooManyRequests(access, retryAfter: wait))
            }
            if case .length(let length) = request.framing, isTooLarge(length) {
                return answer(gate.badRequest(413, of: access))
            }
            context.canRefreshKeys = worker.services.keys != nil
            self.contentFollows = contentFollows
            take(gate.decide(&access))
        }
    }

    /// A piece of the request's content.
    ///
    /// - Parameter more: more is at hand.
    func requestContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        contentReceived += UInt64(content.count)
        messages?.add(content)
        let isRequestEnd = isEnd ? machine.requestEnded() : .none
        switch machine.state {
        case .collecting:
            guard form.count + content.count <= formLimit else { return answer(refusal(413)) }
            form.append(span: content)
            if isRequestEnd == .decideForm { formReceived() }
        case .receiving:
            guard !content.isEmpty || isEnd else { return }
            contentBegan(content, isEnd: isEnd, trailers: trailers, more: more)
        case .exchanging(let response):
            if isTooLarge(contentReceived) {
                abandonUpstream()
                guard response == .awaited else { return abort() }
                return answer(refusal(413))
            }
            if retryBuffer != nil { bufferForRetry(content, trailers) }
            upstream?.send(
                content, isEnd: isEnd, trailers: trailers, more: more, isChunked: request.framing == .chunked)
        case .deciding, .awaiting, .acquiring, .tunnelling, .answered, .ended:
            break
        }
    }

    /// The browser's connection is gone, or its request broke off.
    func downstreamLost() {
        guard downstream != nil else { return }
        machine.downstreamLost()
        record.isAborted = true
        releaseUpstream()
        end()
    }

    /// The browser takes more again.
    func downstreamWritable() {
        upstream?.resume()
    }

    /// The request cannot be read on: where it ends, or would, is not known.
    func refuse(_ error: HTTP1Error) {
        refuse(status: error.status, error.reason, detail: error.description)
    }

    /// - Parameter detail: the reason in words, for the log.
    func refuse(status: UInt16, _ reason: Reason, detail: String? = nil) {
        switch machine.state {
        case .deciding, .collecting, .receiving, .acquiring, .exchanging(.awaited):
            releaseUpstream()
            if requestID.isEmpty { access.id = worker.freshRequestID() }
            var response = refusal(status)
            response.closesConnection = true
            machine.answered()
            record.answered(response)
            record.malformed(status, reason, detail: detail)
            downstream?.sendLocal(addingHSTS(response), to: self)
            responseEnded()
        case .exchanging(.streaming):
            abort()
        case .awaiting, .tunnelling, .answered, .ended:
            break
        }
    }

    /// Gives a response of our own.
    func answer(_ response: LocalResponse) {
        guard let downstream else { return }
        machine.answered()
        record.answered(response)
        // Copied only when something is added.
        if context.isSecure {
            downstream.sendLocal(addingHSTS(response), to: self)
        } else {
            downstream.sendLocal(response, to: self)
        }
        responseEnded()
    }

    func refusal(_ status: UInt16) -> LocalResponse {
        switch worker.service {
        case .gate(let gate, _): gate.badRequest(status, of: access)
        case .handler, .asyncHandler: LocalResponse(status: status)
        }
    }

    /// What the request is about.
    var place: RequestPurpose {
        guard case .gate(let gate, _) = worker.service else { return .other }
        return gate.purpose(of: &access)
    }

    /// Whole seconds until the client may ask again; nil when it need not wait.
    private func excess(_ limiter: RateLimiter, _ gate: Gate) -> UInt64? {
        // Over a unix socket, with nobody to tell whom it speaks for, all clients look the same.
        guard let client = gate.client(of: access) ?? context.peer,
            let wait = limiter.wait(for: client, worker.loop.now)
        else { return nil }
        return UInt64(wait.seconds.rounded(.up))
    }

    /// The request has content, which may be still on its way.
    var hasContent: Bool { request.framing != .none && request.framing != .length(0) }

    func isTooLarge(_ length: UInt64) -> Bool {
        worker.limits.bodyBytes > 0 && length > worker.limits.bodyBytes
    }

    // MARK: The end

    /// Holds the app back while the browser does not keep up.
    func throttle() {
        if downstream?.isBlocked == true { upstream?.pause() }
    }

    func abort(_ code: ErrorCode = .internalError) {
        machine.downstreamLost()
        record.isAborted = true
        downstream?.abort(code)
        releaseUpstream()
        end()
    }

    func responseEnded() {
        let action = machine.responseEnded()
        guard action != .none, let downstream else { return }
        releaseUpstream()
        if endsWhenSent { worker.streamEnded(self) } else { end() }
        downstream.exchangeFinished(isRequestComplete: action == .finish)
    }

    func releaseUpstream() {
        stopTimer()
        pool?.cancel(self)
        abandonUpstream()
    }

    /// First it holds no connection, then the connection is free for others.
    private func abandonUpstream() {
        let abandoned = upstream
        upstream = nil
        abandoned?.abandon()
    }

    /// Never happened: the browser took it back before anything was done.
    func discard() {
        downstream = nil
        access.reset()
        worker.recycle(self)
    }

    func end() {
        guard downstream != nil else { return }
        downstream = nil
        stopTimer()
        worker.finished(self, context)
        worker.streamEnded(self)
        identity = nil
        pool = nil
        app = 0
        renewal = nil
        form = []
        retryBuffer = nil
        initialContent = nil
        waiter = nil
        mayContinue = false
        forwardedAt = nil
        messages = nil
        releaseHolding()
        contentReceived = 0
        hasRetried = false
        contentFollows = false
        signOut = nil
        endsWhenSent = false
        forwardsUpgrade = false
        access.reset()
        response.reset()
        worker.recycle(self)
    }

    /// What the demo's own servers read of a request.
    static let localContentLimit = 65536
}
