// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor

// What the gate decided is done.
extension Exchange {
    package func perform(_ decision: Decision) {
        switch decision {
        case .forward(let identity, let renewal):
            record.outcome = identity == nil ? .open : .forward
            record.user = identity?.user
            forward(identity, renewal: renewal)
        case .forwardLogout(let identity, let signOut):
            record.outcome = .forward
            record.user = identity.user
            self.signOut = signOut
            forward(identity, renewal: nil)
        case .observed(let identity, let renewal, let observation):
            record.outcome = identity == nil ? .open : .forward
            record.user = identity?.user
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

    private func forward(_ identity: Identity?, renewal: [UInt8]?) {
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
            contentFollows = false
            answered(.content(limit: formLimit), with: .content(form))
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
        take(.ask(.revoke(PendingRevocation(signOut.revocation, answer))))
        return true
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
