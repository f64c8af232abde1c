// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import HTTP1
import Reactor

/// An exchange that a gate guards: asks the gate, then answers, or passes the request to an app and the response to the
/// client. ``ExchangeStateMachine`` decides what follows from what happens; this class does it.
final class GateExchange: Exchange, FinishedExchange {
    private(set) var service: GateService
    var record = ExchangeRecord()
    var machine = ExchangeStateMachine()
    /// Counts requests and questions, so that a late answer to an earlier question is recognised.
    private(set) var questionCount: UInt64 = 0
    /// What follows if an answer does not arrive in time.
    private var overdue: (() -> Void)?
    /// The time limit of the current state.
    private var timer: LoopTimer?
    /// Some of the request's content is available while its head is judged.
    private(set) var contentFollows = false
    /// What the gate lets pass; empty until then.
    private(set) var passage = Passage()
    /// The app's number.
    private(set) var app = 0
    /// The app was asked to switch protocols.
    private(set) var forwardsUpgrade = false
    private(set) var upstream: (any UpstreamStream)? {
        didSet { if upstream == nil { releaseHolding() } }
    }
    private(set) var waiter: UpstreamWaiter?
    private(set) var holding: ConnectionHolding?
    private(set) var contentProgress = ContentProgress()
    /// Bytes of content that were taken from the process's budget.
    private var collectedBytes = 0
    /// A form that is collected, or that the response is a page of; nil: there is none.
    private var keptForm: KeptFormState?
    private(set) var hasEventStream = false

    /// What the gate lets pass, and how.
    struct Passage {
        var identity: Identity?
        /// `Set-Cookie` lines to add to the response.
        var renewal: [UInt8]?
        /// With the app's response the session ends.
        var signOut: SignOut?
        /// ``GateService/updateCount`` when the request was let through.
        var updateCount: UInt64 = 0
    }

    /// A form that the gate needs, but that the app may get after all.
    private struct KeptFormState {
        let limit: Int
        let memory: FormMemory
        var lacksMemory = false
    }

    /// Whether the client may be expected to send content.
    struct ContentProgress {
        /// The app has agreed to content that the client held back (`Expect`), or the gate has.
        var mayContinue = false
        /// When the head went to the app, of a request with `Expect`.
        var forwardedAt: MonotonicTime?
        /// How far the content of a gRPC call has arrived.
        var messages: CallMessages?
    }

    init(_ service: GateService) {
        self.service = service
    }

    override func began() {
        withAccess { $0.context.now = service.loop.wallClock }
        questionCount &+= 1
        record.begin(service.loop.now)
    }

    // MARK: The request

    override func requestHeadReceived(_ peer: Peer, contentFollows: Bool) {
        let gate = service.gate
        withAccess { access in
            access.context = peer.context(service.clock)
            access.context.canRefreshKeys = service.hasRemoteKeys
            gate.forwarding.appendRequestID(of: access.head, to: &access.id)
        }
        if service.exportsSpans { beginSpan() }
        machine.requestHeadReceived(
            hasContent: hasContent, isIdempotent: request.method.isIdempotent, maximumContent: service.maximumContent)
        if hasContent, request.isCall { contentProgress.messages = CallMessages() }
        record.isCounted = true
        service.metrics.requestBegan()
        if let limiter = service.services.limiter, let wait = excess(limiter) {
            return answer(gate.responses.tooManyRequests(access, retryAfter: wait))
        }
        if case .length(let length) = request.framing, length > service.maximumContent {
            return answer(gate.responses.badRequest(413, of: access))
        }
        self.contentFollows = contentFollows
        take(withAccess { gate.decide(&$0) })
    }

    @inline(never)
    private func beginSpan() {
        guard let tracer = service.tracing?.tracer else { return }
        withAccess { $0.trace = tracer.trace(of: $0.head) }
    }

    /// Whole seconds until the client may send another request; nil if it need not wait.
    private func excess(_ limiter: RateLimiter) -> UInt64? {
        // Over a unix socket whose proxy names no client, all clients look the same.
        guard let client = service.gate.client(of: access) ?? context.peer,
            let wait = limiter.wait(for: client, service.loop.now)
        else { return nil }
        return UInt64(wait.seconds.rounded(.up))
    }

    override var wantsContent: Bool {
        switch machine.state {
        case .collecting, .receiving: true
        case .exchanging: !machine.isRequestComplete && upstream?.isBlocked == false
        case .deciding, .awaiting, .acquiring, .tunnelling, .answered, .ended: false
        }
    }

    override var requestSink: Transport? { upstream?.sink }

    override func requestContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        contentProgress.messages?.add(content)
        if machine.isCollecting, !takeBudget(content.count) { machine.collectsNoMore() }
        if machine.isCollectingForm, !takeFormMemory(content.count) { machine.collectsNoMoreForm() }
        switch machine.contentReceived(content, isEnd: isEnd, trailers: trailers) {
        case .send: send(content, isEnd: isEnd, trailers: trailers, more: more)
        case .acquire:
            acquireUpstream(fresh: false, contentFollows: true)
            if upstream != nil {
                send(content, isEnd: isEnd, trailers: trailers, more: more)
            } else if machine.state == .acquiring {
                machine.hold(content, trailers: trailers)
            }
        case .acquireForCollected: sendCollected()
        case .none: break
        case .decide: formReceived()
        case .refuse:
            abandonUpstream()
            answer(refusal(413))
        case .abort: abort()
        }
    }

    override func spliceRequest(from source: Transport, atMost most: Int) -> SpliceOutcome {
        // The messages of a call are counted.
        guard case .exchanging = machine.state, wantsContent, contentProgress.messages == nil, let upstream else {
            return .unavailable
        }
        let outcome = upstream.spliceContent(from: source, atMost: min(most, machine.passableContent))
        if outcome.taken > 0 { machine.contentPassed(outcome.taken) }
        return outcome
    }

    private func takeBudget(_ count: Int) -> Bool {
        guard CollectionBudget.ofThisProcess.take(count) else { return false }
        collectedBytes += count
        return true
    }

    /// What was collected is no longer needed.
    func returnBudget() {
        guard collectedBytes > 0 else { return }
        CollectionBudget.ofThisProcess.give(collectedBytes)
        collectedBytes = 0
    }

    // MARK: Forms that are kept

    /// How many bytes of the form are collected; nil: that is not asked for.
    var formLimit: Int? { keptForm?.limit }

    /// The form was not collected, as the memory for forms is in use.
    var lacksFormMemory: Bool { keptForm?.lacksMemory ?? false }

    func beginFormMemory(limit: Int) {
        keptForm = KeptFormState(limit: limit, memory: FormMemory(of: network))
    }

    private func takeFormMemory(_ count: Int) -> Bool {
        guard let memory = keptForm?.memory, !memory.take(count) else { return true }
        keptForm?.lacksMemory = true
        return false
    }

    /// The response may be a page with the form, which the client takes slowly.
    ///
    /// - Returns: whether there is memory for it.
    private func reserveMemory(for response: LocalResponse) -> Bool {
        guard let memory = keptForm?.memory, memory.take(response.body.count) else { return false }
        downstream?.keepUntilSent(memory)
        return true
    }

    private func send(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        upstream?.send(content, isEnd: isEnd, trailers: trailers, more: more, isChunked: request.framing == .chunked)
    }

    override var endsWithClient: Bool {
        guard case .awaiting = machine.state else { return false }
        return service.gate.answersAttempt(access)
    }

    override func downstreamLost() {
        guard downstream != nil else { return }
        machine.aborted()
        record.isAborted = true
        releaseUpstream()
        end()
    }

    override func downstreamWritable() {
        upstream?.resume()
    }

    override var isEventStream: Bool { hasEventStream }

    // MARK: Pace

    override var contentCount: UInt64 { machine.contentCount }

    override var contentWait: ContentWait { waitForContent }

    override var waitOfOthers: Nanoseconds {
        guard let ledger = upstream?.pool.ledger else { return Nanoseconds(count: 0) }
        // It is in the way of others of its client.
        if ledger.isContended, ledger.isHeldBack(holding?.network ?? network) { return Nanoseconds(count: .max) }
        return ledger.waitedLately
    }

    override func mayEnd(stalled: Nanoseconds, share: Double, patience: Nanoseconds) -> Bool {
        mayEndForOthers(stalled: stalled, share: share, patience: patience)
    }

    override func responseStalled() { endStalledResponse() }

    override func clientWasSlow() { penalize() }

    override func requestTooSlow() { endSlowRequest() }

    override func responseTooSlow() { endSlowResponse() }

    // MARK: Responses of the gate's own

    override func refuse(status: UInt16, _ reason: Reason, detail: String?) {
        switch machine.state {
        case .deciding, .collecting, .receiving, .acquiring, .exchanging(.awaited):
            releaseUpstream()
            if requestID.isEmpty { withAccess { service.freshRequestID(into: &$0.id) } }
            var response = refusal(status)
            response.closesConnection = true
            machine.answered()
            record.answered(response)
            record.malformed(status, reason, detail: detail)
            downstream?.sendLocal(addingHSTS(response))
            responseEnded()
        case .exchanging(.streaming):
            abort()
        case .awaiting, .tunnelling, .answered, .ended:
            break
        }
    }

    func answer(_ response: LocalResponse) {
        machine.answered()
        sendAnswer(response)
    }

    /// Sends the response that ends the exchange.
    func sendAnswer(_ response: LocalResponse) {
        guard let downstream else { return }
        // Not as a condition of `||`: its right side is a closure, for which the response would be copied.
        if keptForm != nil, !reserveMemory(for: response) {
            keptForm = nil
            return sendAnswer(service.gate.formLost(access))
        }
        record.answered(response)
        // Copied only if something is added.
        if context.isSecure {
            downstream.sendLocal(addingHSTS(response))
        } else {
            downstream.sendLocal(response)
        }
        responseEnded()
    }

    func refusal(_ status: UInt16) -> LocalResponse {
        service.gate.responses.badRequest(status, of: access)
    }

    /// Adds what every response over TLS has.
    private func addingHSTS(_ response: LocalResponse) -> LocalResponse {
        guard context.isSecure, !service.strictTransportLine.isEmpty else { return response }
        var response = response
        response.add(block: service.strictTransportLine)
        return response
    }

    var purpose: RequestPurpose { withAccess { service.gate.purpose(of: &$0) } }

    // MARK: The connection to the app

    /// The gate lets the request pass.
    func letPass(_ passage: Passage) {
        self.passage = passage
    }

    /// The request is for the app with that number.
    func select(app: Int) {
        self.app = app
        forwardsUpgrade = service.forwarding.forwardsUpgrade(access, app: app)
    }

    func wait(as waiter: UpstreamWaiter) {
        self.waiter = waiter
    }

    /// The request is sent on `stream`.
    func use(_ stream: any UpstreamStream) {
        stopTimer()
        waiter = nil
        upstream = stream
        if request.expectsContinue { contentProgress.forwardedAt = service.loop.now }
    }

    /// The stream no longer belongs to the exchange, which does not wait for another either.
    func leaveUpstream() {
        waiter = nil
        upstream = nil
    }

    func hold(_ holding: ConnectionHolding) {
        guard holding.episode != 0 else { return }
        releaseHolding()
        self.holding = holding
    }

    private func releaseHolding() {
        guard let holding else { return }
        self.holding = nil
        holding.release()
    }

    /// The exchange needs no connection any more.
    func releaseUpstream() {
        stopTimer()
        if let waiter {
            self.waiter = nil
            waiter.pool.cancel(waiter)
        }
        abandonUpstream()
    }

    /// Holds no connection first; then the connection is free for others.
    private func abandonUpstream() {
        let abandoned = upstream
        upstream = nil
        abandoned?.abandon()
    }

    /// The client may send the content that it held back (`Expect`).
    func agreedToContent() {
        contentProgress.mayContinue = true
    }

    func beginEventStream() {
        hasEventStream = true
        service.longUseBegan()
    }

    // MARK: Questions

    func noContentFollows() {
        contentFollows = false
    }

    /// Asks something outside of this loop, and continues with the answer, or with `late` if none arrives within `limit`.
    /// An answer that arrives later, or after the client has gone, is dropped.
    func ask<Result: Sendable>(
        _ what: ExchangeStateMachine.Awaited, within limit: Nanoseconds, otherwise late: Result,
        _ question: (@escaping @Sendable (Result) -> Void) -> Void, then proceed: @escaping (Result) -> Void
    ) {
        machine.awaits(what)
        contentFollows = false
        questionCount &+= 1
        let (count, loop) = (questionCount, service.loop)
        let settle = { [self] (answer: Result) in
            guard questionCount == count, machine.state == .awaiting(what) else { return }
            // There is one answer to each question.
            questionCount &+= 1
            stopTimer()
            machine.answerReceived()
            proceed(answer)
        }
        overdue = { settle(late) }
        setTimer(loop.now.advanced(by: limit))
        let waiter = loop.bind(settle)
        question { answer in loop.submit { waiter.assumeOnLoop { $0(answer) } } }
    }

    // MARK: Time

    func setTimer(_ deadline: MonotonicTime) {
        let timer = timer ?? service.loop.makeTimer { [unowned self] in timedOut() }
        self.timer = timer
        timer.set(deadline)
    }

    func stopTimer() {
        timer?.cancel()
        overdue = nil
    }

    private func timedOut() {
        switch machine.state {
        case .awaiting: overdue?()
        case .acquiring: acquisitionTimedOut()
        case .exchanging(.streaming): endStream(.sessionExpired)
        case .deciding, .collecting, .receiving, .exchanging(.awaited), .tunnelling, .answered, .ended: break
        }
    }

    // MARK: The end

    /// The session is over: the client sees a response that is not complete, and its next request is judged again.
    ///
    /// Never inlined: Swift 6.3 fails to compile a caller into which it was inlined with whole-module optimisation.
    @inline(never)
    func endStream(_ reason: Reason) {
        record.ended(reason)
        abort()
    }

    func abort(_ end: StreamEnd = .failed) {
        machine.aborted()
        abandonDownstream(end)
    }

    /// Ends the response in a way that shows that it is not complete.
    func abandonDownstream(_ end: StreamEnd) {
        record.isAborted = true
        downstream?.abort(end)
        releaseUpstream()
        self.end()
    }

    func responseEnded() {
        let action = machine.responseEnded()
        releaseUpstream()
        end(action)
    }

    /// Reports the exchange, notifies the client's connection if the response is complete, and returns the object to the
    /// service: the connection's next request, which may begin before that, gets another one.
    func end(_ action: ExchangeStateMachine.EndAction? = nil) {
        guard let downstream = leaveDownstream() else { return }
        stopTimer()
        service.streamEnded(self)
        let isHeld = action != nil && downstream.holdsResponse
        if !isHeld { service.finished(self, context) }
        if let action { downstream.exchangeFinished(isRequestComplete: action == .finish) }
        if !isHeld { release() }
    }

    override func responseSent(isComplete: Bool) {
        if !isComplete { record.isAborted = true }
        service.finished(self, context)
        release()
    }

    private func release() {
        reset()
        recycle()
    }

    private func reset() {
        passage = Passage()
        app = 0
        forwardsUpgrade = false
        hasEventStream = false
        contentProgress = ContentProgress()
        contentFollows = false
        returnBudget()
        if keptForm != nil { keptForm = nil }
        releaseHolding()
        resetRequest()
        // With it, the memory of forms and content.
        machine = ExchangeStateMachine()
    }

    override func recycle() {
        service.recycle(self)
    }
}
