// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor

/// Performs what the gate decides.
extension GateExchange {
    package func perform(_ decision: Decision) {
        if service.isVerbose { note(decision) }
        switch decision {
        case .forward(let identity, let renewal):
            record.outcome = identity == nil ? .open : .forward
            record.signedIn(identity)
            forward(identity, renewal: renewal)
        case .forwardLogout(let identity, let signOut):
            record.outcome = .forward
            record.signedIn(identity)
            forward(identity, signOut: signOut)
        case .observed(let identity, let renewal, let observation):
            record.outcome = identity == nil ? .open : .forward
            record.signedIn(identity)
            record.observed(observation)
            forward(identity, renewal: renewal)
        case .nativeLogin(let cookie):
            record.outcome = .nativeLogin
            if cookie != nil { record.opensNativeLogin = true }
            forward(nil, renewal: cookie)
        case .respond(let response):
            answer(response)
        }
    }

    private func forward(
        _ identity: Identity?, renewal: [UInt8]? = nil, signOut: SignOut? = nil
    ) {
        if let identity, identity.headerBlock.count > service.leastIdentityLimit,
            service.forwarding.isTooLarge(identity, for: access)
        {
            return refuseTooLarge(identity, renewal, signOut)
        }
        pass(identity, renewal, signOut)
    }

    /// The identity is more than the app takes. Not inlined: a request that passes makes no room for a response.
    @inline(never)
    private func refuseTooLarge(_ identity: Identity, _ renewal: [UInt8]?, _ signOut: SignOut?) {
        let refusal = service.gate.responses.forbidden(.identityHeadTooLarge, identity, access)
        guard !service.gate.isEnforcing else {
            if renewal != nil { identity.renewalNotSent() }
            return answer(refusal)
        }
        // Nothing is refused: the app gets the request without what would be too much for it.
        record.observed(Observation(insteadOf: refusal))
        pass(identity.withoutHeaders, renewal, signOut)
    }

    private func pass(_ identity: Identity?, _ renewal: [UInt8]?, _ signOut: SignOut?) {
        letPass(
            Passage(identity: identity, renewal: renewal, signOut: signOut, updateCount: service.updateCount))
        if machine.forwardedForm() { return sendCollected() }
        if hasContent, let limit = collectionLimit { return collect(whole: limit) }
        if hasContent, !contentFollows, defersToContent {
            machine.deferred()
            downstream?.resumeRequest()
            return
        }
        machine.forwarded()
        acquireUpstream(fresh: false, contentFollows: contentFollows)
    }

    /// A connection to the app is taken when the first content has arrived, so that a head alone holds none. Not if the
    /// client may wait for the app before it sends content.
    private var defersToContent: Bool {
        guard case .length = request.framing, !request.expectsContinue, !isRequestComplete else { return false }
        return service.pool(of: service.forwarding.app(for: access)).defersToContent
    }

    // MARK: The form

    /// Reads the content before anything is decided.
    func collect(limit: Int) {
        guard machine.collects(limit: limit) else { return formReceived() }
        if case .length(let length) = request.framing, length > UInt64(limit) { return answer(refusal(413)) }
        // RFC 9110 §10.1.1: the app does not get this request, so it cannot agree to the content.
        if request.expectsContinue, !contentFollows {
            agreedToContent()
            downstream?.sendContinue()
        }
        downstream?.resumeRequest()
    }

    /// Reads the content before anything is decided, as far as it is not too long. The app may get it after all.
    func collectForm(limit: Int) {
        let question = Question.collectForm(limit: limit)
        if case .length(let length) = request.framing, length > UInt64(limit) {
            return answered(question, with: .collectForm(.tooLarge))
        }
        guard machine.collectsForm(limit: limit) else {
            return answered(question, with: .collectForm(.whole([])))
        }
        beginFormMemory(limit: limit)
        if request.expectsContinue, !contentFollows {
            agreedToContent()
            downstream?.sendContinue()
        }
        downstream?.resumeRequest()
    }

    func formReceived() {
        guard formLimit != nil, machine.isRequestComplete, let count = machine.form?.count,
            !service.formTurns.take(count)
        else { return decideWithForm() }
        let turns = service.formTurns
        ask(.turn, within: Self.longestWaitForTurn, otherwise: true) { done in
            turns.wait(count) { done(true) }
        } then: { [self] (_: Bool) in
            decideWithForm()
        }
    }

    private func decideWithForm() {
        let form = machine.form ?? []
        noContentFollows()
        if let limit = formLimit {
            let collected: CollectedForm =
                lacksFormMemory ? .noRoom : machine.isRequestComplete && form.count <= limit ? .whole(form) : .tooLarge
            return answered(.collectForm(limit: limit), with: .collectForm(collected))
        }
        answered(.content(limit: form.count), with: .content(form))
    }

    private static let longestWaitForTurn = Nanoseconds.seconds(30)

    // MARK: Signing out of the app

    /// The app has answered the request by which its user signs out, and its response goes to the client: ends the session
    /// too.
    func endSession(_ signOut: SignOut) {
        record.signedOut()
        guard let revocations = service.services.revocations else {
            _ = service.revoke(signOut.revocation)
            return
        }
        revocations.revoke(signOut.revocation) { _ in }
    }

    /// The app has answered the request by which its user signs out: ends the session, and answers in its place.
    func finish(_ signOut: SignOut, _ head: borrowing ResponseHead) {
        guard var answer = signOut.answer else { return }
        // The app's cookies first: those that end the gate's session must not be overwritten by them.
        for field in head.fields where field.known == .setCookie {
            answer.add("Set-Cookie", Array(head.bytes[field.value.range]))
        }
        answer.add(block: signOut.cookies)
        releaseUpstream()
        take(.ask(.revoke(PendingRevocation(signOut.revocation, answer))))
    }
}
