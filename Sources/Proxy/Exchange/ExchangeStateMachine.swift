// SPDX-License-Identifier: Apache-2.0

/// How far one request and its response have come, and what follows from each thing that happens.
///
/// A pure value: ``Exchange`` tells it what happened and performs the action it answers.
package struct ExchangeStateMachine: ~Copyable {
    package enum State: Equatable {
        /// The head is being read or judged.
        case deciding
        /// The gate reads the request's form before it decides.
        case collecting
        /// Somebody else is asked before it is decided.
        case awaiting(Awaited)
        /// The app gets the request as soon as the first of its content is here.
        case receiving
        /// The app gets the request as soon as a connection is there.
        case acquiring
        case exchanging(Response)
        /// Both sides are a tunnel now (101).
        case tunnelling
        /// Sidegate gave the response itself.
        case answered
        case ended
    }

    /// What must be known, or done, before the request can go on.
    package enum Awaited: Equatable {
        /// The replay store's word about a token.
        case claim
        /// The key sets, anew.
        case keys
        /// The app's word about a user.
        case provisioning
        /// That every loop has ended a user's sessions, or a token's use as bearer.
        case revocation
        /// A session that is kept elsewhere, or that it is kept.
        case session
        /// The whole answer, where there is no gate.
        case answer
    }

    package enum Response: Equatable {
        /// Not one byte of it has come.
        case awaited
        /// Its head went to the browser.
        case streaming
    }

    package private(set) var state = State.deciding
    /// The request's content was read to its end, or it has none. Whatever the state: what is left of it must never be
    /// taken for the next request.
    package private(set) var isRequestComplete = true

    package init() {}

    // MARK: The request

    /// The head is there.
    package mutating func requestHeadReceived(hasContent: Bool) {
        isRequestComplete = !hasContent
    }

    /// The gate lets the request through.
    package mutating func forwarded() {
        state = .acquiring
    }

    /// The gate lets the request through; a connection is taken when content has come.
    package mutating func defers() {
        state = .receiving
    }

    /// The first content of a deferred request is here.
    package mutating func contentBegan() {
        if state == .receiving { state = .acquiring }
    }

    /// The gate wants the form.
    package mutating func collects() {
        state = .collecting
    }

    /// The gate wants something known, or done, first.
    package mutating func awaits(_ what: Awaited) {
        state = .awaiting(what)
    }

    /// A connection to the app is there, and the request's head goes out.
    package mutating func upstreamAcquired() {
        guard state == .acquiring else { preconditionFailure("acquired while \(state)") }
        state = .exchanging(.awaited)
    }

    package enum RequestEndAction: Equatable {
        case none
        /// Ask the gate again, now with the form.
        case decideForm
    }

    /// The request's content has ended.
    package mutating func requestEnded() -> RequestEndAction {
        isRequestComplete = true
        return state == .collecting ? .decideForm : .none
    }

    // MARK: The response

    package enum HeadAction: Equatable {
        case forwardInformational
        case forward
        case openTunnel
        /// A 101 nobody asked for (CVE-2025-64763, CVE-2024-23326): who answers so cannot be followed.
        case answerBadGateway
        case none
    }

    /// A response head came from the app.
    package mutating func responseHeadReceived(status: UInt16, wantsUpgrade: Bool) -> HeadAction {
        guard state == .exchanging(.awaited) else { return .none }
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
            state = .exchanging(.streaming)
            return .forward
        }
    }

    package enum EndAction: Equatable {
        /// Both sides are through; the connection to the app may serve again.
        case finish
        /// The app answered without waiting for the whole request: neither connection can carry another.
        case finishEarly
        case none
    }

    /// The response's content has ended.
    package mutating func responseEnded() -> EndAction {
        switch state {
        case .exchanging(.streaming), .answered:
            state = .ended
            return isRequestComplete ? .finish : .finishEarly
        case .deciding, .collecting, .awaiting, .receiving, .acquiring, .exchanging, .tunnelling, .ended:
            return .none
        }
    }

    /// Sidegate answers by itself.
    package mutating func answered() {
        state = .answered
    }

    // MARK: Losses

    package enum Loss: Equatable {
        /// No connection could be made.
        case unreachable
        /// A connection could not be encrypted, or not to whom it should be.
        case notSecured
        /// Connecting took too long.
        case connectTimeout
        /// All connections are in use, and none became free in time.
        case overloaded
        /// The connection ended. `wasReused`: it had served before, and not one byte of this response came.
        case closed(wasReused: Bool)
        /// The app did not look at the request, and says so.
        case refused
        /// The response did not come in time.
        case responseTimeout
        /// What came is no response.
        case malformed
    }

    package enum LossAction: Equatable {
        /// Send the request again, on a fresh connection.
        case retry
        case answer(status: UInt16)
        /// Its head is out already: the browser must see that the response is not whole.
        case abort
        case none
    }

    /// The app failed.
    ///
    /// - Parameter mayRepeat: the request was not repeated before, is idempotent and has no content; or the app refused it
    ///   and its content can be sent again.
    package mutating func upstreamLost(_ loss: Loss, mayRepeat: Bool) -> LossAction {
        switch state {
        case .acquiring, .exchanging(.awaited):
            // RFC 9112 §9.3.1: only a request that may be sent twice, and only when the connection was an old one that
            // may have ended before the request came.
            if loss == .closed(wasReused: true) || loss == .refused, mayRepeat {
                state = .acquiring
                return .retry
            }
            state = .answered
            switch loss {
            case .unreachable, .notSecured, .closed, .refused, .malformed: return .answer(status: 502)
            case .connectTimeout, .responseTimeout: return .answer(status: 504)
            case .overloaded: return .answer(status: 503)
            }
        case .exchanging(.streaming):
            state = .ended
            return .abort
        case .deciding, .collecting, .awaiting, .receiving, .tunnelling, .answered, .ended:
            return .none
        }
    }

    /// The browser has gone: nothing more is to be done for it.
    package mutating func downstreamLost() {
        state = .ended
    }
}
