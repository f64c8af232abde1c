// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor

/// Performs what the gate decides, and asks for what it must know first. Each wait has a time limit, and nothing more is
/// done for a client that is gone.
extension GateExchange {
    func perform(_ decision: Decision, contentFollows: Bool) {
        switch decision {
        case .forward(let identity, let renewal):
            record.outcome = identity == nil ? .open : .forward
            record.user = identity?.user
            forward(identity, renewal: renewal, contentFollows: contentFollows)
        case .forwardLogout(let identity, let signOut):
            record.outcome = .forward
            record.user = identity.user
            forward(identity, signOut: signOut, contentFollows: contentFollows)
        case .observed(let identity, let renewal, let observation):
            record.outcome = identity == nil ? .open : .forward
            record.user = identity?.user
            record.observed(observation)
            forward(identity, renewal: renewal, contentFollows: contentFollows)
        case .nativeLogin(let cookie):
            record.outcome = .nativeLogin
            if cookie != nil { record.opensNativeLogin = true }
            forward(nil, renewal: cookie, contentFollows: contentFollows)
        case .respond(let response):
            answer(response)
        case .collectBody(let limit):
            collect(limit: limit, contentFollows: contentFollows)
        case .consumeToken(let pending):
            claim(pending)
        case .checkToken(let question):
            check(question, contentFollows: contentFollows)
        case .awaitKeys:
            awaitKeys()
        case .provision(let pending):
            provision(pending)
        case .consumeLogoutToken(let pending):
            claim(pending)
        case .revoke(let revocation, let response):
            revoke(revocation, response)
        case .fetchSession(let session):
            fetch(session)
        case .storeSession(let session):
            keep(session)
        }
    }

    private func forward(
        _ identity: Identity?, renewal: [UInt8]? = nil, signOut: SignOut? = nil, contentFollows: Bool
    ) {
        letPass(
            Passage(identity: identity, renewal: renewal, signOut: signOut, updateCount: service.updateCount))
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
        return service.pool(of: service.gate.app(for: access)).defersToContent
    }

    // MARK: The form

    /// Reads the content before anything is decided.
    private func collect(limit: Int, contentFollows: Bool) {
        guard machine.collects(limit: limit) else { return decideAgain() }
        if case .length(let length) = request.framing, length > UInt64(limit) { return answer(refusal(413)) }
        // RFC 9110 §10.1.1: the app does not get this request, so it cannot agree to the content.
        if request.expectsContinue, !contentFollows {
            agreedToContent()
            downstream?.sendContinue()
        }
        downstream?.resumeRequest()
    }

    /// Asks the gate about the same request, with its form when there is one.
    func decideAgain(contentFollows: Bool = false) {
        let (gate, form) = (service.gate, machine.form)
        let decision = withAccess { access in
            if let form { gate.decide(form: form, of: &access) } else { gate.decide(&access) }
        }
        perform(decision, contentFollows: contentFollows)
    }

    // MARK: Questions

    private func claim(_ pending: PendingSignIn) {
        ask(.claim, within: service.services.limits.claim, otherwise: .unavailable) { done in
            service.replayStore.consume(pending.replayKeys, for: pending.retention, now: context.clock, done)
        } then: { [self] (verdict: ReplayVerdict) in
            spend(pending, verdict)
        }
    }

    /// Before a sign-in continues, every loop of the process stops accepting its token as bearer token.
    private func spend(_ pending: PendingSignIn, _ verdict: ReplayVerdict) {
        let gate = service.gate
        guard gate.endsBearer(verdict) else {
            return perform(gate.finishSignIn(pending, verdict, access), contentFollows: false)
        }
        guard let revocations = service.services.revocations else {
            gate.tokenSpent(pending.replayKeys)
            return perform(gate.finishSignIn(pending, verdict, access), contentFollows: false)
        }
        ask(.revocation, within: service.services.limits.revocation, otherwise: false) { done in
            revocations.tokenSpent(pending.replayKeys) { done(true) }
        } then: { [self] (_: Bool) in
            let gate = service.gate
            perform(gate.finishSignIn(pending, verdict, access), contentFollows: false)
        }
    }

    /// At most once for each request.
    private func check(_ question: TokenQuestion, contentFollows: Bool) {
        if let use = service.replayStore.knownUse(of: question.replayKeys) {
            return checked(question, use, contentFollows: contentFollows)
        }
        ask(.claim, within: service.services.limits.claim, otherwise: .unavailable) { done in
            service.replayStore.use(of: question.replayKeys, done)
        } then: { [self] (use: TokenUse) in
            checked(question, use, contentFollows: false)
        }
    }

    private func checked(_ question: TokenQuestion, _ use: TokenUse, contentFollows: Bool) {
        let gate = service.gate
        let lookup = gate.tokenChecked(question, use, now: context.clock)
        withAccess { $0.context.tokenLookup = lookup }
        decideAgain(contentFollows: contentFollows)
    }

    private func claim(_ pending: PendingLogout) {
        ask(.claim, within: service.services.limits.claim, otherwise: .unavailable) { done in
            service.replayStore.consume(pending.replayKeys, for: pending.retention, now: context.clock, done)
        } then: { [self] (verdict: ReplayVerdict) in
            let gate = service.gate
            perform(gate.finishLogout(pending, verdict, access), contentFollows: false)
        }
    }

    /// At most once for each request: the keys in force afterwards decide, whether they could be fetched or not.
    private func awaitKeys() {
        guard context.canRefreshKeys, let keys = service.services.keys else { return answer(refusal(503)) }
        withAccess { $0.context.canRefreshKeys = false }
        ask(.keys, within: service.services.limits.keys, otherwise: true) { done in
            keys.refresh { done(true) }
        } then: { [self] _ in
            decideAgain()
        }
    }

    private func provision(_ pending: PendingProvisioning) {
        let gate = service.gate
        guard let provisioner = service.services.provisioner else {
            return perform(gate.finishProvisioning(pending, .failed, access), contentFollows: false)
        }
        ask(.provisioning, within: service.services.limits.provisioning, otherwise: .failed) { done in
            provisioner.provision(pending.call, done)
        } then: { [self] (outcome: ProvisioningOutcome) in
            if outcome == .told { record.isProvisioned = true }
            perform(gate.finishProvisioning(pending, outcome.verdict, access), contentFollows: false)
        }
    }

    /// Once for each request, and again for further tickets.
    private func fetch(_ session: SessionReference) {
        ask(.session, within: service.services.limits.session, otherwise: .unavailable) { done in
            guard let sessions = service.services.sessions else { return done(.unavailable) }
            sessions.fetch(session, done)
        } then: { [self] (answer: SessionAnswer) in
            let gate = service.gate
            gate.sessionFetched(session, answer, now: service.clock)
            countSessionLookup()
            // Another cookie may hold the ticket of a session that exists.
            let lookup: RequestContext.SessionLookup =
                switch answer {
                case .unavailable: .failed
                case .gone where sessionLookups < Gate.maximumLookups: .notAsked
                case .gone, .found: .answered
                }
            withAccess { $0.context.sessionLookup = lookup }
            decideAgain()
        }
    }

    private func keep(_ session: NewStoredSession) {
        ask(.session, within: service.services.limits.session, otherwise: false) { done in
            guard let sessions = service.services.sessions else { return done(false) }
            sessions.keep(session, done)
        } then: { [self] (isKept: Bool) in
            let gate = service.gate
            answer(gate.sessionStored(session, isKept, access))
        }
    }

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
        revoke(signOut.revocation, answer)
    }

    private func revoke(_ revocation: Revocation, _ response: LocalResponse) {
        record.isBackchannelLogout = !revocation.isOfOneSession
        if record.user == nil { record.user = revocation.user }
        let gate = service.gate
        let finish = { [self] (isRemembered: Bool) in
            // The provider must learn that it has to send the logout token again, so this is not a success. A user who
            // signs out loses the cookie in any case.
            answer(isRemembered || revocation.isOfOneSession ? response : gate.logoutNotRemembered(revocation))
        }
        guard let revocations = service.services.revocations else { return finish(service.revoke(revocation)) }
        ask(.revocation, within: service.services.limits.revocation, otherwise: false) { done in
            revocations.revoke(revocation, done)
        } then: { (isRemembered: Bool) in
            finish(isRemembered)
        }
    }
}
