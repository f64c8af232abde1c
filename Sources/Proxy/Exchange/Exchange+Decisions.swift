// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor

/// What the gate decided is done, and what it must know first is asked for: each wait has an end, and nothing is done
/// for a browser that went away meanwhile.
extension Exchange {
    func perform(_ decision: Decision, contentFollows: Bool) {
        switch decision {
        case .forward(let identity, let renewal):
            record.outcome = identity == nil ? .open : .forward
            record.user = identity?.user
            forward(identity, renewal: renewal, contentFollows: contentFollows)
        case .forwardLogout(let identity, let signOut):
            record.outcome = .forward
            record.user = identity.user
            self.signOut = signOut
            forward(identity, renewal: nil, contentFollows: contentFollows)
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

    private func forward(_ identity: Identity?, renewal: [UInt8]?, contentFollows: Bool) {
        self.identity = identity
        self.renewal = renewal
        updateCount = worker.updateCount
        if hasContent, !contentFollows, defersToContent {
            machine.defers()
            downstream?.resumeRequest()
            return
        }
        machine.forwarded()
        acquireUpstream(fresh: false, contentFollows: contentFollows)
    }

    /// A connection to the app is taken when the first content is here: a head alone holds none. Not so where the client
    /// may wait for the app before it sends content.
    private var defersToContent: Bool {
        guard case .length = request.framing, !request.expectsContinue, !isRequestComplete,
            case .gate(let gate, _) = worker.service, let pool = worker.pool(of: gate.app(for: access))
        else { return false }
        return pool.defersToContent
    }

    // MARK: The form

    /// Reads the content before anything is decided.
    func collect(limit: Int, contentFollows: Bool) {
        machine.collects()
        formLimit = limit
        guard hasContent else { return formReceived() }
        if case .length(let length) = request.framing, length > UInt64(limit) { return answer(refusal(413)) }
        // RFC 9110 §10.1.1: nobody else will say it, since the app does not get this request.
        if request.expectsContinue, !contentFollows {
            mayContinue = true
            downstream?.sendContinue()
        }
        downstream?.resumeRequest()
    }

    func formReceived() {
        switch worker.service {
        case .handler(let respond):
            let body = form
            form = []
            answer(respond(request, body, context.now))
        case .asyncHandler(let respond):
            form = []
            let request = request
            ask(.answer, within: worker.services.limits.answer, otherwise: LocalResponse(status: 503)) { done in
                respond(request, done)
            } then: { [self] in
                answer($0)
            }
        case .gate:
            hasForm = true
            decideAgain()
        }
    }

    /// Asks the gate about the same request, with its form when there is one.
    private func decideAgain(contentFollows: Bool = false) {
        guard case .gate(let gate, _) = worker.service else { return }
        let decision =
            hasForm
            ? gate.decide(form: form, of: &access)
            : gate.decide(&access)
        perform(decision, contentFollows: contentFollows)
    }

    // MARK: What others must say first

    private func claim(_ pending: PendingSignIn) {
        ask(.claim, within: worker.services.limits.claim, otherwise: .unavailable) { done in
            worker.replayStore.consume(pending.replayKeys, for: pending.retention, now: context.clock, done)
        } then: { [self] (verdict: ReplayVerdict) in
            spend(pending, verdict)
        }
    }

    /// Before a sign-in goes on, its token ends as bearer on every loop of the process.
    private func spend(_ pending: PendingSignIn, _ verdict: ReplayVerdict) {
        guard case .gate(let gate, _) = worker.service else { return }
        guard gate.endsBearer(verdict) else {
            return perform(gate.finishSignIn(pending, verdict, access), contentFollows: false)
        }
        guard let revocations = worker.services.revocations else {
            gate.tokenSpent(pending.replayKeys)
            return perform(gate.finishSignIn(pending, verdict, access), contentFollows: false)
        }
        ask(.revocation, within: worker.services.limits.revocation, otherwise: false) { done in
            revocations.tokenSpent(pending.replayKeys) { done(true) }
        } then: { [self] (_: Bool) in
            guard case .gate(let gate, _) = worker.service else { return }
            perform(gate.finishSignIn(pending, verdict, access), contentFollows: false)
        }
    }

    /// Asked once for a request.
    private func check(_ question: TokenQuestion, contentFollows: Bool) {
        if let use = worker.replayStore.knownUse(of: question.replayKeys) {
            return checked(question, use, contentFollows: contentFollows)
        }
        ask(.claim, within: worker.services.limits.claim, otherwise: .unavailable) { done in
            worker.replayStore.use(of: question.replayKeys, until: question.expiresAt, done)
        } then: { [self] (use: TokenUse) in
            checked(question, use, contentFollows: false)
        }
    }

    private func checked(_ question: TokenQuestion, _ use: TokenUse, contentFollows: Bool) {
        guard case .gate(let gate, _) = worker.service else { return }
        context.tokenLookup = gate.tokenChecked(question, use, now: context.clock)
        decideAgain(contentFollows: contentFollows)
    }

    private func claim(_ pending: PendingLogout) {
        ask(.claim, within: worker.services.limits.claim, otherwise: .unavailable) { done in
            worker.replayStore.consume(pending.replayKeys, for: pending.retention, now: context.clock, done)
        } then: { [self] (verdict: ReplayVerdict) in
            guard case .gate(let gate, _) = worker.service else { return }
            perform(gate.finishLogout(pending, verdict, access), contentFollows: false)
        }
    }

    /// Asked once for a request: what the keys then say counts, whether they could be fetched or not.
    private func awaitKeys() {
        guard context.canRefreshKeys, let keys = worker.services.keys else { return answer(refusal(503)) }
        context.canRefreshKeys = false
        ask(.keys, within: worker.services.limits.keys, otherwise: true) { done in
            keys.refresh { done(true) }
        } then: { [self] _ in
            decideAgain()
        }
    }

    private func provision(_ pending: PendingProvisioning) {
        guard case .gate(let gate, _) = worker.service else { return }
        guard let provisioner = worker.services.provisioner else {
            return perform(gate.finishProvisioning(pending, .failed, access), contentFollows: false)
        }
        ask(.provisioning, within: worker.services.limits.provisioning, otherwise: .failed) { done in
            provisioner.provision(pending.call, done)
        } then: { [self] (outcome: ProvisioningOutcome) in
            if outcome == .told { record.isProvisioned = true }
            perform(gate.finishProvisioning(pending, outcome.verdict, access), contentFollows: false)
        }
    }

    /// Asked once for a request, and again for further tickets.
    private func fetch(_ session: SessionReference) {
        ask(.session, within: worker.services.limits.session, otherwise: .unavailable) { done in
            guard let sessions = worker.services.sessions else { return done(.unavailable) }
            sessions.fetch(session, done)
        } then: { [self] (answer: SessionAnswer) in
            guard case .gate(let gate, _) = worker.service else { return }
            gate.sessionFetched(session, answer, now: worker.clock)
            sessionLookups += 1
            // Another cookie may hold the ticket of a session that is there.
            context.sessionLookup =
                switch answer {
                case .unavailable: .failed
                case .gone where sessionLookups < Gate.maximumLookups: .notAsked
                case .gone, .found: .answered
                }
            decideAgain()
        }
    }

    private func keep(_ session: NewStoredSession) {
        ask(.session, within: worker.services.limits.session, otherwise: false) { done in
            guard let sessions = worker.services.sessions else { return done(false) }
            sessions.keep(session, done)
        } then: { [self] (isKept: Bool) in
            guard case .gate(let gate, _) = worker.service else { return }
            answer(gate.sessionStored(session, isKept, access))
        }
    }

    /// The app has answered the request by which its user signs out: ends the session too.
    ///
    /// - Returns: false when the app's own response goes to the browser.
    func finish(_ signOut: SignOut) -> Bool {
        guard var answer = signOut.answer else {
            record.signedOut()
            guard let revocations = worker.services.revocations else {
                _ = worker.revoke(signOut.revocation)
                return false
            }
            revocations.revoke(signOut.revocation) { _ in }
            return false
        }
        // Those of the app come first: what ends its session must not be undone by it.
        for field in response.fields where field.known == .setCookie {
            answer.add("Set-Cookie", Array(response.bytes[field.value.range]))
        }
        answer.add(block: signOut.cookies)
        releaseUpstream()
        revoke(signOut.revocation, answer)
        return true
    }

    private func revoke(_ revocation: Revocation, _ response: LocalResponse) {
        record.isBackchannelLogout = !revocation.isOfOneSession
        if record.user == nil { record.user = revocation.user }
        guard case .gate(let gate, _) = worker.service else { return }
        let finish = { [self] (isRemembered: Bool) in
            // Who sent the logout token must know that it is to be sent again: the answer is no success. A user who
            // signs out loses the cookie all the same.
            answer(isRemembered || revocation.isOfOneSession ? response : gate.logoutNotRemembered(revocation))
        }
        guard let revocations = worker.services.revocations else { return finish(worker.revoke(revocation)) }
        ask(.revocation, within: worker.services.limits.revocation, otherwise: false) { done in
            revocations.revoke(revocation, done)
        } then: { (isRemembered: Bool) in
            finish(isRemembered)
        }
    }

    /// Asks somebody off this loop, and goes on with the answer, or with `late` when none comes within `limit`. An
    /// answer that comes after the browser has gone, or after its time, is for nobody.
    private func ask<Answer: Sendable>(
        _ what: ExchangeStateMachine.Awaited, within limit: Nanoseconds, otherwise late: Answer,
        _ question: (@escaping @Sendable (Answer) -> Void) -> Void, then proceed: @escaping (Answer) -> Void
    ) {
        machine.awaits(what)
        generation &+= 1
        let generation = generation
        let loop = worker.loop
        let settle = { [self] (answer: Answer) in
            guard self.generation == generation, machine.state == .awaiting(what) else { return }
            // Whatever comes of it, it is not asked again with this generation.
            self.generation &+= 1
            stopTimer()
            proceed(answer)
        }
        overdue = { settle(late) }
        setTimer(loop.now.advanced(by: limit))
        let waiter = loop.bind(settle)
        question { answer in loop.submit { waiter.assumeOnLoop { $0(answer) } } }
    }

    // MARK: Time

    func setTimer(_ deadline: MonotonicTime) {
        let timer = timer ?? worker.loop.makeTimer { [unowned self] in timedOut() }
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
}
