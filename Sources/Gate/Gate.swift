// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import HTTP
import JWT
import Pages

/// Decides what becomes of each request: the heart of Sidegate.
///
/// Pure: no input or output, no clock (the time comes with each request), no randomness but the injected one. One gate
/// belongs to one event loop and is confined to it.
package final class Gate {
    private let requestRules: RequestRules
    private let nativeLogin: NativeLogin?
    private let authorization: Authorizer
    private let sessions: Sessions
    private let revocations: SessionRevocations
    private let sightings: Sightings
    /// Of each provider, in their order.
    private let tokens: [TokenCheck]
    private let providers: Providers
    private let bearer: BearerTokens
    private let admission: Admission
    private let redirect: LoginRedirect
    private let signIn: SignIn
    private let arrival: Arrival
    private let strayReturns: StrayReturns
    private let keptForms: KeptForms
    private let logout: Logout
    private let backchannelLogout: BackchannelLogout
    private let forwardAuth: ForwardAuth
    private let notes: JudgementNotes
    private let assertions: AssertionSigner?
    private let sessionDocument: SessionDocument
    /// What becomes of a request that may pass.
    package let forwarding: Forwarding
    package let responses: Responses

    /// - Parameter random: makes that many unpredictable bytes; in production `Random.bytes`.
    package init(_ configuration: GateConfiguration, random: @escaping (Int) -> [UInt8] = { Random.bytes($0) }) {
        let parts = GateParts(configuration, RandomPool(random))
        requestRules = RequestRules(configuration, parts.tokenParameter)
        nativeLogin = parts.nativeLogin
        authorization = parts.authorization
        sessions = parts.sessions
        revocations = parts.revocations
        sightings = parts.sightings
        tokens = parts.tokens
        providers = parts.providers
        bearer = parts.bearer
        (redirect, signIn, arrival) = parts.signIn()
        strayReturns = parts.strayReturns
        keptForms = parts.keptForms
        logout = parts.logout
        admission = Admission(parts, parts.appLogout)
        backchannelLogout = parts.backchannelLogout
        forwardAuth = parts.forwardAuth
        notes = JudgementNotes(parts.authorization, parts.sessions, parts.forwardAuth)
        forwarding = Forwarding(configuration, parts.tokenParameter, parts.assertions, parts.random)
        assertions = parts.assertions
        sessionDocument = SessionDocument(parts.sessions, parts.authorization, parts.responses, parts.limits)
        responses = parts.responses
    }

    // MARK: The judgement

    /// What becomes of a request.
    package func decide(_ request: inout AccessRequest) -> Step {
        read(&request)
        // TRACE would send the identity headers back to the client; CONNECT is for forward proxies.
        if request.head.method == .trace || request.head.method == .connect {
            return .respond(responses.methodNotAllowed(request))
        }
        if case .outside = request.path.form { return .respond(responses.badRequest(400, of: request)) }
        if let reserved = request.path.reserved {
            // A proxy's query is about another request, perhaps of another host.
            if reserved != .auth, let session = sessions.reference(in: request) {
                return .ask(.fetchSession(session))
            }
            return answer(reserved, request)
        }
        return admit(request)
    }

    /// What becomes of a request for an app, in the order: native login, rules, session, bearer token, guest, sign-in.
    private func admit(_ request: borrowing AccessRequest) -> Step {
        // Before all else, and in observe mode too: it is not the app's.
        if strayReturns.mayBeMisdirected(request), let step = strayReturns.misdirected(request) { return step }
        if let open = nativeLogin?.admission(of: request) { return .done(.nativeLogin(cookie: open.cookie)) }
        let step =
            forwarding.isReadable(request)
            ? judge(request) : strayReturns.step(request) ?? .respond(responses.unreadable(request))
        return authorization.isEnforced ? step : admission.observed(step, request)
    }

    private func judge(_ request: borrowing AccessRequest) -> Step {
        let ruling = authorization.ruling(on: request)
        switch ruling {
        case .open: return admission.open(request)
        case .denied: return admission.denied(request)
        case .unreadable: return strayReturns.step(request) ?? .respond(responses.unreadable(request))
        case .unruled, .needs: break
        }
        var reason: Reason?
        switch sessions.session(of: request) {
        case .valid(let identity): return admission.admit(identity, ruling, request)
        case .refused(let code): reason = code
        case .needsLookup(let session): return .ask(.fetchSession(session))
        case .storeUnavailable: return .respond(responses.sessionUnknown(request))
        case .none: break
        }
        switch bearer.verdict(on: request) {
        case .valid(let identity): return admission.admit(identity, ruling, request)
        case .refused(let refusal, let unknown):
            if !unknown.isEmpty { return .ask(.keys(of: unknown)) }
            guard authorization.admitsGuests(by: ruling), let guest = admission.guest(request) else {
                return .respond(responses.invalidBearer(refusal, request))
            }
            return strayReturns.step(request) ?? guest
        case .unchecked(let question): return .ask(.checkToken(question))
        case .none: break
        }
        if request.head.query != nil, let refusal = strayReturns.refusal(of: request) { return .respond(refusal) }
        if authorization.admitsGuests(by: ruling) { return .done(.forward(nil, renewal: nil)) }
        if request.head.method == .post, authorization.isEnforced {
            if strayReturns.mayBeForm(request) { return .ask(.content(limit: SignIn.formLimit)) }
            if let refusal = strayReturns.refusal(ofCollected: request) { return .respond(refusal) }
        }
        return unauthenticated(request, reason, ruling)
    }

    @inline(__always)
    private func unauthenticated(_ request: borrowing AccessRequest, _ reason: Reason?, _ ruling: Ruling) -> Step {
        let allowed = authorization.providers(by: ruling)
        if request.head.method == .post, authorization.isEnforced,
            let step = keptForms.step(request, reason, at: allowed)
        {
            return step
        }
        return .respond(
            redirect.unauthenticated(request, reason, as: authorization.unauthenticated(by: ruling), at: allowed))
    }

    /// A form for an app, of a browser without a session, from another site.
    private func unauthenticated(_ request: borrowing AccessRequest, form: [UInt8]) -> Step {
        if let refusal = strayReturns.refusal(of: request, form: form) { return .respond(refusal) }
        var reason: Reason?
        if case .refused(let code) = sessions.session(of: request) { reason = code }
        return unauthenticated(request, reason, authorization.ruling(on: request))
    }

    private func answer(_ reserved: ReservedPath, _ request: borrowing AccessRequest) -> Step {
        if reserved != .callback, reserved != .auth, let step = strayReturns.step(request) { return step }
        return switch reserved {
        case .callback: signIn.callback(request)
        case .confirm: signIn.confirm(request)
        case .login: .respond(redirect.login(request))
        case .arrival: .respond(arrival.page(request))
        case .logout: logout.step(request)
        case .signedOut: .respond(logout.signedOut(request))
        case .session: .respond(sessionDocument.response(to: request))
        case .form: keptForms.reserved(request)
        case .auth: forwardAuth.step(request, judge: { admit($0) }, reserved: { strayReturns.step($0) })
        case .backchannelLogout: backchannelLogout.step(request)
        case .keys: .respond(assertions?.keySet(request, responses) ?? responses.notFound(request))
        case .nothing:
            strayReturns.misdirectedForm(request)
                ?? (strayReturns.isForm(request)
                    ? .ask(.content(limit: SignIn.formLimit)) : .respond(responses.notFound(request)))
        case .unreadable: .respond(responses.unreadable(request))
        }
    }

    /// The next step, with the answer to the last question.
    package func resume(_ request: inout AccessRequest, _ question: Question, with answer: Answer) -> Step {
        switch (question, answer) {
        case (.content, .content(let form)): request.formReceived(form)
        case (.collectForm, .collectForm(let form)): request.formCollected(form)
        case (.keys, .keys): request.keysRefreshed()
        case (.exchangeCode, .exchangeCode(let result)): request.codeExchanged(result)
        case (.fetchSession(let session), .fetchSession(let result, let now)):
            sessions.fetched(session, result, now: now)
            request.sessionLookedUp(isAnswered: result != .unavailable, isGone: result == .gone)
        case (.checkToken(let token), .checkToken(let use)):
            request.tokenLookedUp(bearer.checked(token, use, now: request.context.clock))
        case (.consumeToken(let pending), .consumeToken(let verdict)):
            return signIn.consumed(pending, verdict, request)
        case (.endBearer(let spent), .endBearer): return signIn.finish(spent.pending, spent.verdict, request)
        case (.provision(let pending), .provision(let verdict)):
            return signIn.provisioned(pending.pending, verdict, request)
        case (.storeSession(let session), .storeSession(let isStored)):
            return signIn.stored(session, isStored, request)
        case (.consumeLogoutToken(let pending), .consumeLogoutToken(let verdict)):
            return backchannelLogout.consumed(pending, verdict)
        case (.revoke(let pending), .revoke(let isRemembered)):
            return .respond(backchannelLogout.revoked(pending, isRemembered: isRemembered))
        default: preconditionFailure("the answer is to another question")
        }
        return request.form == nil ? decide(&request) : decideForm(&request)
    }

    /// The same request with its form.
    private func decideForm(_ request: inout AccessRequest) -> Step {
        read(&request)
        let form = request.form ?? []
        switch request.path.reserved {
        case .callback: return signIn.returned(request, form: form)
        case .confirm: return signIn.confirmed(request, form: form)
        case .backchannelLogout: return backchannelLogout.step(request, body: form)
        case nil: return unauthenticated(request, form: form)
        case .nothing:
            return .respond(strayReturns.refusal(of: request, form: form) ?? responses.notFound(request))
        case .login, .arrival, .logout, .signedOut, .session, .auth, .keys, .form, .unreadable:
            return .respond(responses.notFound(request))
        }
    }

    // MARK: For the proxy

    /// Derives what a request is judged by. ``decide(_:)`` does so itself.
    package func read(_ request: inout AccessRequest) {
        request.read(by: requestRules)
    }

    /// What is decided is done; not so while it is only observed.
    package var isEnforcing: Bool { authorization.isEnforced }

    /// The client's address behind the trusted proxies; nil when that cannot be determined.
    package func client(of request: borrowing AccessRequest) -> IPAddress? {
        ClientAddress.of(request.head, request.context, trusted: requestRules.trustedProxies)
    }

    /// The response to a form for which there is no more memory.
    package func formLost(_ request: borrowing AccessRequest) -> LocalResponse { keptForms.lostForRoom(request) }

    /// The request is a return to a provider whose responses answer attempts of this browser (``LoginProtocol/needsAttempt``).
    package func answersAttempt(_ request: borrowing AccessRequest) -> Bool {
        request.path.reserved == .callback && providers.returning(request)?.login.needsAttempt ?? false
    }

    /// What the request is about, for metrics.
    package func purpose(of request: inout AccessRequest) -> RequestPurpose {
        read(&request)
        return RequestPurpose(request.path)
    }

    /// What a request is judged by, for the log.
    package func note(on request: inout AccessRequest) -> JudgementNote {
        read(&request)
        return notes.note(on: request)
    }

    // MARK: Updates, on the gate's loop

    /// The keys of the provider of this name from now on. What was verified by the old ones is verified again.
    package func replaceKeys(_ keys: KeySet, of provider: String = "") {
        for check in tokens where check.provider == provider { check.replaceKeys(keys) }
    }

    /// What discovery says of the OpenID provider of this name, and its keys, from now on.
    package func replaceProvider(_ name: String, _ metadata: OpenIDMetadata, keys: KeySet) {
        // A reload may have changed the issuer under the same name while this was on its way.
        guard let login = providers.configured(name)?.login as? OpenIDLogin, login.issuer == metadata.issuer else {
            return
        }
        replaceKeys(keys, of: name)
        login.replaceMetadata(metadata)
        redirect.providerChanged()
        responses.allowForms(to: metadata.formTargets, of: name)
    }

    /// The addresses of an `emailsFile` from now on; a user who is no longer listed is refused at the next request.
    ///
    /// - Parameter provider: the name of the one whose `users` they are; nil: they are those of `access.users`.
    package func replaceListedEmails(_ emails: [String], of provider: String? = nil) {
        authorization.replaceListedEmails(emails, of: provider)
    }

    /// Ends sessions, from the next request on; false when there is no room to remember it.
    package func revoke(_ revocation: Revocation, now: ClockReading) -> Bool {
        guard revocations.add(revocation, now: now) else { return false }
        if revocation.isByOperator { bearer.forgetEnded() }
        return true
    }

    /// From now on the gate collects which sessions are used; `observer` is called when there is something to take, after
    /// there was nothing. Nil: it collects nothing.
    package func observeSessions(_ observer: (() -> Void)?) {
        sightings.observe(observer)
    }

    package func takeSightings() -> [SessionSighting] { sightings.take() }

    /// The user has something open that needs no requests, such as a WebSocket: the session counts as seen.
    package func noteOpen(_ identity: Identity, now: Double) {
        sightings.noteOpen(identity, now: now)
    }

    /// A token has signed in, on any loop: it is no bearer token any more.
    package func tokenSpent(_ replayKeys: [[UInt8]]) { bearer.spent(replayKeys) }

    /// This gate replaces `other`, on the same loop: what was revoked stays revoked.
    package func takeOver(from other: Gate) { revocations.takeOver(from: other.revocations) }

    /// The session of this identity is over, or its user may no longer pass: what is still open for it is to be closed.
    /// Cheap while nothing has changed.
    package func hasEnded(_ identity: Identity, now: Double) -> Bool {
        revocations.isOver(identity, now: now) || authorization.hasEnded(identity)
    }

    /// When the session ends at the latest, in seconds since 1970; nil for a bearer token.
    package func endOfSession(_ identity: Identity) -> Double? { revocations.endOfSession(identity) }
}
