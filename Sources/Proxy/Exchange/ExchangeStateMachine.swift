// SPDX-License-Identifier: Apache-2.0

/// The state of one request and its response, and what follows from each thing that happens.
///
/// A pure value: ``GateExchange`` reports what happened and performs the action that is returned. An input that is
/// impossible in the state is an error of the program, and traps.
package struct ExchangeStateMachine: ~Copyable {
    package enum State: Equatable {
        /// The head is being read or judged.
        case deciding
        /// The request's form is being read, for the gate.
        case collecting
        /// Something outside of the loop is asked, and then the gate again.
        case awaiting(Awaited)
        /// The request goes to the app with its first content, or with all of it.
        case receiving
        /// The request goes to the app when there is a connection.
        case acquiring
        case exchanging(Response)
        /// Both sides have become a tunnel (101).
        case tunnelling
        /// The response is the gate's own.
        case answered
        case ended
    }

    /// What must be known, or done, before the gate can decide.
    package enum Awaited: Equatable {
        /// The replay store's verdict on a token.
        case replayStore
        /// The key sets, fetched again.
        case keys
        /// A provider's tokens for an authorization code.
        case codeExchange
        /// The app's verdict on a user.
        case provisioning
        /// That every loop has ended a user's sessions, or a token's use as bearer.
        case revocation
        /// A stored session, or that one is stored.
        case session
        /// A turn of the loop with room for a form.
        case turn
    }

    package enum Response: Equatable {
        /// No byte of it has arrived, except 1xx responses.
        case awaited
        /// Its head was sent to the client.
        case streaming
    }

    package private(set) var state = State.deciding
    /// The request's content was read to its end, or it has none. In whatever state: the rest of it must never be taken
    /// for the next request.
    package private(set) var isRequestComplete = true
    /// Bytes of content so far.
    package private(set) var contentCount: UInt64 = 0
    /// The request's form, as far as it was read; nil if none was requested.
    package private(set) var form: [UInt8]?

    private var hasContent = false
    private var isIdempotent = true
    private var maximumContent: UInt64 = .max
    private var maximumForm = 0
    /// The app may get the request with the form: a longer one is not refused, but no longer collected.
    private var mayForwardForm = false
    private var formTrailers: [UInt8] = []
    private var hasRetried = false
    /// Content that may have to be sent again; nil: it was not kept, or was too long.
    private var retryBuffer: RetryBuffer?
    /// The first content, which arrived before there was a connection; nil: the request was not deferred.
    private var held: RetryBuffer?
    /// All of the content is collected, up to this many bytes; nil: it is not, or no longer.
    private var maximumCollection: Int?
    /// All of the content was collected, so the request can be sent again whatever the version of HTTP.
    package private(set) var isCollected = false

    package init() {}

    // MARK: The request

    /// The head has arrived.
    ///
    /// - Parameter maximumContent: bytes of content that the request may have.
    package mutating func requestHeadReceived(
        hasContent: Bool, isIdempotent: Bool, maximumContent: UInt64 = .max
    ) {
        expect(state == .deciding)
        self.hasContent = hasContent
        self.isIdempotent = isIdempotent
        self.maximumContent = maximumContent
        isRequestComplete = !hasContent
    }

    /// The gate lets the request pass: a connection is needed.
    package mutating func forwarded() {
        expect(state == .deciding)
        state = .acquiring
    }

    /// The gate lets the request pass; a connection is needed when content has arrived.
    package mutating func deferred() {
        expect(state == .deciding && !isRequestComplete)
        state = .receiving
    }

    /// The gate lets the request pass; a connection is needed when all of its content has arrived, or more than `limit`
    /// bytes.
    package mutating func collects(whole limit: Int) {
        expect(state == .deciding && !isRequestComplete)
        state = .receiving
        held = RetryBuffer()
        maximumCollection = limit
    }

    /// Content is collected until it is complete.
    package var isCollecting: Bool { state == .receiving && maximumCollection != nil }

    /// There is no memory for more: the request goes to the app with what has arrived.
    package mutating func collectsNoMore() {
        expect(isCollecting)
        maximumCollection = 0
    }

    /// The gate needs the form, of at most `limit` bytes.
    ///
    /// - Returns: whether it is still to be read.
    package mutating func collects(limit: Int) -> Bool {
        expect(state == .deciding && contentCount == 0)
        form = []
        maximumForm = limit
        guard !isRequestComplete else { return false }
        state = .collecting
        return true
    }

    /// The same for a form that the app may get after all, and that may be longer.
    package mutating func collectsForm(limit: Int) -> Bool {
        mayForwardForm = true
        return collects(limit: limit)
    }

    /// Content of such a form is collected.
    package var isCollectingForm: Bool { state == .collecting && mayForwardForm }

    /// There is no memory for more of it.
    package mutating func collectsNoMoreForm() {
        expect(isCollectingForm)
        maximumForm = 0
    }

    /// The form was collected for a decision that lets the request pass: the app gets it.
    ///
    /// - Returns: false: none was collected.
    package mutating func forwardedForm() -> Bool {
        expect(state == .deciding)
        guard mayForwardForm, let content = form else { return false }
        state = .acquiring
        let buffer = RetryBuffer(content: content, trailers: formTrailers)
        form = nil
        if isRequestComplete {
            isCollected = true
            hasContent = contentCount > 0
            retryBuffer = buffer
        } else {
            held = buffer
        }
        return true
    }

    /// Something must be known, or done, before the gate can decide.
    package mutating func awaits(_ what: Awaited) {
        expect(state == .deciding)
        state = .awaiting(what)
    }

    /// It is known, or done, or took too long: the gate is asked again.
    package mutating func answerReceived() {
        guard case .awaiting = state else { impossible() }
        state = .deciding
    }

    package enum ContentAction: Equatable {
        /// Send it to the app.
        case send
        /// Get a connection and send it.
        case acquire
        /// Get a connection; what was collected is sent with the head.
        case acquireForCollected
        /// It is part of the form, which is not complete.
        case none
        /// Ask the gate again, with the form.
        case decide
        /// The content is too long: answer 413.
        case refuse
        /// The content is too long, and the response has begun: the client must see that it is not complete.
        case abort
    }

    /// Content of the request has arrived; possibly only its end.
    package mutating func contentReceived(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8]) -> ContentAction {
        contentCount += UInt64(content.count)
        if isEnd { isRequestComplete = true }
        switch state {
        case .collecting:
            let isLonger = contentCount > UInt64(maximumForm)
            guard !isLonger || mayForwardForm, contentCount <= maximumContent else { return .refuse }
            form?.append(span: content)
            guard isEnd || isLonger else { return .none }
            formTrailers = trailers
            state = .deciding
            return .decide
        case .receiving:
            guard contentCount <= maximumContent else { return .refuse }
            guard !content.isEmpty || isEnd else { return .none }
            guard let maximumCollection else {
                state = .acquiring
                held = RetryBuffer()
                return .acquire
            }
            return collect(content, trailers, limit: maximumCollection)
        case .exchanging(let response):
            guard contentCount <= maximumContent else { return response == .awaited ? .refuse : .abort }
            keep(content, trailers)
            return .send
        case .deciding, .awaiting, .acquiring, .tunnelling, .answered, .ended:
            impossible()
        }
    }

    private mutating func collect(_ content: Span<UInt8>, _ trailers: [UInt8], limit: Int) -> ContentAction {
        held?.append(content, trailers)
        if contentCount <= UInt64(limit) {
            guard isRequestComplete else { return .none }
            isCollected = true
            hasContent = contentCount > 0
            retryBuffer = held
            held = nil
        }
        maximumCollection = nil
        state = .acquiring
        return .acquireForCollected
    }

    /// There is no connection yet for the first content.
    package mutating func hold(_ content: Span<UInt8>, trailers: [UInt8]) {
        expect(state == .acquiring)
        held?.append(content, trailers)
    }

    /// How many bytes of content may go to the app unread (``contentPassed(_:)``).
    package var passableContent: Int {
        contentCount < maximumContent ? Int(clamping: maximumContent - contentCount) : 0
    }

    /// Content of the request, but not its end, went to the app unread.
    package mutating func contentPassed(_ count: Int) {
        guard case .exchanging = state, !isRequestComplete, count <= passableContent else { impossible() }
        contentCount += UInt64(count)
        // What was kept is no longer all.
        retryBuffer = nil
    }

    private mutating func keep(_ content: Span<UInt8>, _ trailers: [UInt8]) {
        guard let count = retryBuffer?.count else { return }
        guard count + content.count <= RetryBuffer.limit else {
            retryBuffer = nil
            return
        }
        retryBuffer?.append(content, trailers)
    }

    package enum StartAction: Equatable {
        /// Send the head; the content follows as it arrives.
        case start
        /// Send the head, then this content.
        case startWith(RetryBuffer)
        /// Send the head; the first content follows at once.
        case startBeforeContent
        /// Send the request again, with the content that was sent before.
        case `repeat`(RetryBuffer)
    }

    /// There is a connection to the app.
    ///
    /// - Parameter mayRefuse: the app may report that it has not processed the request.
    package mutating func upstreamAcquired(mayRefuse: Bool) -> StartAction {
        expect(state == .acquiring)
        state = .exchanging(.awaited)
        if let retryBuffer, retryBuffer.count > 0 { return .repeat(retryBuffer) }
        if let first = held {
            held = nil
            if mayRefuse, first.count > 0, first.count <= RetryBuffer.limit { retryBuffer = first }
            return first.count == 0 ? .startBeforeContent : .startWith(first)
        }
        if !isCollected { retryBuffer = !isRequestComplete && mayRefuse ? RetryBuffer() : nil }
        return .start
    }

    // MARK: The response

    package enum HeadAction: Equatable {
        case forwardInformational
        case forward
        case openTunnel
        /// A 101 that was not requested (CVE-2025-64763, CVE-2024-23326): nothing on the connection can be understood.
        case answerBadGateway
    }

    /// A response head has arrived from the app.
    package mutating func responseHeadReceived(status: UInt16, wantsUpgrade: Bool = false) -> HeadAction {
        expect(state == .exchanging(.awaited))
        switch status {
        case 101:
            guard wantsUpgrade, isRequestComplete else {
                state = .answered
                return .answerBadGateway
            }
            state = .tunnelling
            return .openTunnel
        case ..<200:
            return .forwardInformational
        case _:
            retryBuffer = nil
            state = .exchanging(.streaming)
            return .forward
        }
    }

    /// A response head has arrived from the app, and the gate answers in its place.
    package mutating func responseReplaced() {
        expect(state == .exchanging(.awaited))
        retryBuffer = nil
        state = .deciding
    }

    package enum EndAction: Equatable {
        /// Both sides are complete; the connections may carry another exchange.
        case finish
        /// The response ended before the request: neither connection can carry another.
        case finishEarly
    }

    /// The response's content has ended.
    package mutating func responseEnded() -> EndAction {
        expect(state == .exchanging(.streaming) || state == .answered)
        state = .ended
        return isRequestComplete ? .finish : .finishEarly
    }

    /// The gate answers itself.
    package mutating func answered() {
        switch state {
        case .deciding, .collecting, .receiving, .acquiring, .exchanging(.awaited): state = .answered
        case .awaiting, .exchanging(.streaming), .tunnelling, .answered, .ended: impossible()
        }
    }

    // MARK: Losses

    package enum LossAction: Equatable {
        /// Send the request again, on a fresh connection.
        case retry
        case answer(status: UInt16)
        /// The response's head was sent: the client must see that the response is not complete.
        case abort
    }

    /// The app failed.
    package mutating func upstreamLost(_ loss: UpstreamLoss) -> LossAction {
        switch state {
        case .acquiring, .exchanging(.awaited):
            if mayRetry(after: loss) {
                hasRetried = true
                state = .acquiring
                return .retry
            }
            state = .answered
            switch loss {
            case .unreachable, .notSecured, .closed, .reset, .refused, .malformed: return .answer(status: 502)
            case .connectTimeout, .responseTimeout: return .answer(status: 504)
            case .overloaded: return .answer(status: 503)
            }
        case .exchanging(.streaming):
            state = .ended
            return .abort
        case .deciding, .collecting, .awaiting, .receiving, .tunnelling, .answered, .ended:
            impossible()
        }
    }

    private func mayRetry(after loss: UpstreamLoss) -> Bool {
        guard !hasRetried else { return false }
        switch loss {
        // RFC 9113 §8.7: the app has not processed it. All of its content so far must be available.
        case .refused:
            if isRequestComplete, !hasContent { return true }
            return contentCount == UInt64(retryBuffer?.count ?? 0) && (contentCount > 0 || !isRequestComplete)
        // RFC 9112 §9.3.1: only a request that may be sent twice, and only if the connection was an old one that may
        // have ended before the request arrived.
        case .closed(wasReused: true): return isIdempotent && (!hasContent || isCollected)
        case .unreachable, .notSecured, .connectTimeout, .overloaded, .closed, .reset, .responseTimeout, .malformed:
            return false
        }
    }

    /// The exchange ends before its response does.
    package mutating func aborted() {
        expect(state != .ended)
        state = .ended
    }

    // MARK: Private

    private func expect(_ isPossible: Bool) {
        if !isPossible { impossible() }
    }

    private func impossible() -> Never {
        preconditionFailure("impossible in the exchange's state \(state)")
    }
}
