// SPDX-License-Identifier: Apache-2.0

import HTTP

/// How far the judgement of a request has come.
package enum Step {
    case done(Decision)
    /// Something must be known, or done, first: then `Gate.resume`.
    case ask(Question)

    static func respond(_ response: LocalResponse) -> Step { .done(.respond(response)) }
}

/// What a request waits for. The gate itself does no input or output: its caller finds the answer.
package enum Question {
    /// The request's content, at most `limit` bytes; a longer one is refused with 413.
    case content(limit: Int)
    /// The request's content, if that is at most `limit` bytes and there is memory for it. The app may get the request
    /// after all, and its content whole.
    case collectForm(limit: Int)
    /// The key that signed a token is not known: fetch the key sets of the providers that it may be of, by their names.
    ///
    /// `isProven`: the token answers an attempt of this browser, or the provider itself has sent it. What strangers send does
    /// not keep its keys from being fetched.
    case keys(of: [String], isProven: Bool = false)
    /// Redeem an authorization code at its provider.
    indirect case exchangeCode(PendingExchange)
    /// Consume the keys of a sign-in in the replay store.
    indirect case consumeToken(PendingSignIn)
    /// Report to every loop that a token has signed in (`Gate.tokenSpent`).
    indirect case endBearer(SpentToken)
    /// Ask the replay store, without consuming anything, whether a bearer token has signed in.
    case checkToken(TokenQuestion)
    /// Notify the app of the user.
    indirect case provision(PendingProvisioning)
    /// Consume the keys of a logout token in the replay store.
    indirect case consumeLogoutToken(PendingLogout)
    /// End the sessions on every loop (`Gate.revoke`), their tunnels and streams too.
    indirect case revoke(PendingRevocation)
    /// Fetch a session from its store.
    case fetchSession(SessionReference)
    /// Store a session.
    indirect case storeSession(NewStoredSession)
}

/// The answer to a ``Question`` of the same name.
package enum Answer {
    case content([UInt8])
    case collectForm(CollectedForm)
    /// Whether they could be fetched or not.
    case keys
    case exchangeCode(CodeExchangeResult)
    case consumeToken(ReplayVerdict)
    case endBearer
    case checkToken(TokenUse)
    case provision(ProvisioningVerdict)
    case consumeLogoutToken(ReplayVerdict)
    /// False when a loop has no room to remember it.
    case revoke(Bool)
    case fetchSession(SessionAnswer, now: ClockReading)
    /// False when it is not known to be stored.
    case storeSession(Bool)
}

/// Takes steps until a request is decided. The proxy's exchange and the tests are drivers.
package protocol StepDriver: AnyObject {
    func perform(_ decision: Decision)

    /// Finds the answer, and calls ``answered(_:with:)`` with it: once, at any time, or not at all when nobody waits for
    /// the request any more.
    func find(answerTo question: Question)

    /// `Gate.resume` of the driver's gate and request.
    func resume(_ question: Question, with answer: Answer) -> Step
}

extension StepDriver {
    @inlinable package func take(_ step: Step) {
        switch step {
        case .done(let decision): perform(decision)
        case .ask(let question): find(answerTo: question)
        }
    }

    @inlinable package func answered(_ question: Question, with answer: Answer) {
        take(resume(question, with: answer))
    }
}
