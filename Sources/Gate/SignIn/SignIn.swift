// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT
import Pages

/// The way back from the provider: the return, the confirmation of a sign-in that did not begin here, single use,
/// provisioning, and the session.
struct SignIn {
    private let providers: Providers
    private let provisions: Bool
    private let replayFailure: ReplayFailurePolicy
    private let hasAppCookies: Bool
    private let attempts: LoginAttempts
    private let loops: RedirectLoops
    private let confirmation: Confirmation
    private let start: SessionStart
    private let sessions: Sessions
    private let bearer: BearerTokens
    private let authorization: Authorizer
    private let responses: Responses

    init(
        _ configuration: GateConfiguration, providers: Providers, attempts: LoginAttempts, loops: RedirectLoops,
        confirmation: Confirmation, start: SessionStart, sessions: Sessions, bearer: BearerTokens,
        authorization: Authorizer, responses: Responses
    ) {
        provisions = configuration.provisions
        replayFailure = configuration.replayFailure
        hasAppCookies = !configuration.session.appCookies.isEmpty
        self.providers = providers
        self.attempts = attempts
        self.loops = loops
        self.confirmation = confirmation
        self.start = start
        self.sessions = sessions
        self.bearer = bearer
        self.authorization = authorization
        self.responses = responses
    }

    // MARK: The return

    /// The return path.
    func callback(_ request: borrowing AccessRequest) -> Step {
        switch request.head.method {
        // Any status but 2xx: the browser drops it, and sends the request again when somebody opens the page.
        case .get where NavigationTest.isPrefetch(request.head):
            .respond(responses.unauthenticatedJSON(request, nil))
        case .get: returned(request, form: nil)
        case .post:
            ContentType.isForm(request.head)
                ? .ask(.content(limit: Self.formLimit)) : .respond(responses.unsupportedMediaType(request))
        // HEAD too: a link preview must not consume the token.
        case .head, .put, .delete, .connect, .options, .trace, .patch, .other:
            .respond(responses.methodNotAllowed(request, allow: "GET, POST"))
        }
    }

    /// The browser is back, with a proof of the provider or with something else.
    func returned(_ request: borrowing AccessRequest, form: [UInt8]?) -> Step {
        guard let provider = providers.returning(request) else { return .respond(responses.notFound(request)) }
        return returned(request, to: provider, form: form).concerning(provider.name)
    }

    private func returned(_ request: borrowing AccessRequest, to provider: Provider, form: [UInt8]?) -> Step {
        guard let origin = request.publicOrigin, let scope = request.cookieScope else {
            return .respond(responses.hostMissing(request))
        }
        let (login, initiated, requiresState) = (provider.login, provider.initiated, provider.requiresState)
        let site = request.site.targetSite(origin)
        let parameters = login.parameters(of: request, form: form)
        let attempt = attempts.returned(
            request, parameters, scope, to: provider,
            isUnseen: NavigationTest.isSubresource(request.head)
                && SiteCheck.isFromOtherSite(request.head, on: site))
        let named = parameters.returnTarget(on: site, without: request.site.tokenParameter) ?? nil
        let target = attempt.target ?? named ?? .root
        let tryAgain = LoginAddress.path(target)
        guard providers.offers.isOffered(provider.name, to: request) else {
            return .respond(responses.signInRefused(.providerNotAllowed, request, tryAgain: tryAgain))
        }
        // Before the protocol sees it: what one provider sent is never presented to another.
        guard !attempt.isOfOtherProvider else {
            return .respond(
                responses.signInRefused(
                    .loginStateMissing, request, tryAgain: tryAgain,
                    detail: "the attempt was begun at another identity provider, or before the configuration changed; "
                        + "fix: register at each provider the return path of its own", by: login.method))
        }

        // A reload, or the back button: nothing of it is presented to the provider again.
        if let finished = attempt.finished, case .valid(let identity) = sessions.session(of: request),
            providers.names.current(identity.provider) == provider.name
        {
            return .respond(start.returnedAgain(to: finished, identity, request))
        }
        let verified: VerifiedLogin
        switch login.finish(parameters, attempt, on: origin, request) {
        case .verified(let result): verified = result
        case .refused(let refusal, let status):
            var response = refused(refusal, status, tryAgain, request, by: login.method)
            // What the provider sent with it cannot be used again, unless it was not used at all.
            let isUnused = refusal.reason == .providerUnavailable && request.codeExchange == nil
            if login.needsAttempt, attempt.isOurs, !isUnused, let cookie = attempt.cookie {
                start.fail(cookie, at: provider.name, target, scope, request, &response)
            }
            return .respond(response)
        case .ask(let question): return .ask(question)
        }
        let fields = verified.fields
        let verdict = authorization.signInVerdict(on: fields, of: provider.name)
        if let refusal = authorization.signInRefusal(by: verdict, of: fields, at: provider.name, on: target, request) {
            return .respond(forbidden(refusal, fields, target, request, keyID: verified.keyID))
        }

        var current: SessionState?
        var replacedSession: [UInt8]?
        if case .valid(let identity) = sessions.session(of: request) {
            current = identity.session
            replacedSession = identity.stored?.id
        }
        let isSameUser = current?.isSameUser(as: fields, of: provider.name) ?? false
        // Another site's image or script could have the user asked, and spend the token, without anybody seeing it.
        let isUnseen =
            !attempt.isOurs && !isSameUser && (initiated != .allow || requiresState)
            && !NavigationTest.isProven(request.head)
        // A valid session, and yet this attempt began after it: another replica did not know the session.
        let isUnknownElsewhere = current.map { attempt.named?.isNavigation(after: $0.signedInAt) ?? false } ?? true
        let returns = isUnknownElsewhere && !isUnseen ? loops.count(request, attempt, scope) : RedirectLoopCounter()
        if returns.isLoop { return .respond(loops.response(to: request, tryAgain: tryAgain)) }

        var pending = PendingSignIn(
            replayKeys: verified.replayKeys, retention: verified.retention, user: fields.user,
            provider: provider.name, fields: fields, target: target, origin: origin, scope: scope,
            isSignedIn: isSameUser, spentAttempt: attempt.cookie,
            returns: returns)
        pending.replacedSession = replacedSession
        pending.keyID = verified.keyID
        pending.omissions = verified.omissions
        pending.providerSession = verified.providerSession
        pending.idToken = verified.idToken
        pending.endsAppSession = endsAppSession(fields, of: provider.name, request)
        pending.remembersAttempt = login.needsAttempt && attempt.isOurs
        if pending.remembersAttempt, let key = verified.responseKey {
            pending.response = AttemptResponse(
                key: key, replayKeys: verified.replayKeys.names, user: fields.user,
                subjects: sessions.revocationSubjects(
                    of: fields, by: provider.name, providerSession: verified.providerSession))
        }
        // Elsewhere a return without a state counts for nothing anyway.
        if attempt.isOurs, let named = attempt.named, !login.namesAttempts {
            pending.otherAttempts = attempts.othersOnlyWhenNamed(
                besides: named, at: provider.name, request, scope)
        }

        if isUnseen { return .respond(refused(attempt, pending, tryAgain, request)) }
        // Signing in as the present user gains an attacker nothing, and a reload of this page ends here too.
        if !attempt.isOurs, requiresState {
            guard isSameUser, attempt.named != nil else {
                return .respond(refused(attempt, pending, tryAgain, request))
            }
        } else if !attempt.isOurs, !isSameUser {
            switch (initiated, attempt.needsQuestion) {
            case (.allow, _): break
            case (.deny, false): return .respond(refused(attempt, pending, tryAgain, request))
            case (.deny, true), (.confirm, _):
                // A guest, of whom the app learns nothing, may come in without confirming, unless that ends a session.
                if verdict == .visitor, current == nil {
                    pending.isForGuest = true
                } else {
                    var needed = confirmation.needed(for: pending, request)
                    let elsewhere = ReturnedElsewhere(request)
                    needed.cause = elsewhere?.cause
                    needed.detail = elsewhere?.detail
                    pending.confirmation = needed
                }
            }
        }
        return consume(pending, request)
    }

    /// `/.sidegate/confirm`
    func confirm(_ request: borrowing AccessRequest) -> Step {
        guard request.head.method == .post else {
            return .respond(responses.methodNotAllowed(request, allow: "POST"))
        }
        guard ContentType.isForm(request.head) else { return .respond(responses.unsupportedMediaType(request)) }
        return .ask(.content(limit: Self.formLimit))
    }

    /// The form of the confirmation page.
    func confirmed(_ request: borrowing AccessRequest, form: [UInt8]) -> Step {
        do throws(Confirmation.Refusal) {
            var pending = try confirmation.confirmed(request, form: form)
            if case .valid = sessions.session(of: request) { pending.returns = RedirectLoopCounter() }
            pending.endsAppSession = endsAppSession(pending.fields, of: pending.provider, request)
            return consume(pending, request).concerning(pending.provider)
        } catch {
            return .respond(error.response)
        }
    }

    // MARK: Single use

    /// On to the replay store, when tokens sign in once.
    private func consume(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> Step {
        providers.named(pending.provider)?.isSingleUse ?? true
            ? .ask(.consumeToken(pending)) : accept(pending, request)
    }

    /// The replay store has answered. Before the sign-in proceeds, its token ends as bearer on every loop of the process.
    func consumed(_ pending: PendingSignIn, _ verdict: ReplayVerdict, _ request: borrowing AccessRequest) -> Step {
        bearer.end(with: verdict, of: pending.provider)
            ? .ask(.endBearer(SpentToken(pending, verdict))) : finish(pending, verdict, request)
    }

    func finish(_ pending: PendingSignIn, _ verdict: ReplayVerdict, _ request: borrowing AccessRequest) -> Step {
        outcome(pending, verdict, request).concerning(pending.provider)
    }

    private func outcome(
        _ pending: PendingSignIn, _ verdict: ReplayVerdict, _ request: borrowing AccessRequest
    ) -> Step {
        switch verdict {
        case .fresh: return accept(pending, request)
        // Whatever became of the first response: it may have reached nobody.
        case .repeated:
            return pending.isSignedIn ? .respond(start.alreadySignedIn(pending, request)) : accept(pending, request)
        case .replayed:
            if pending.confirmation?.wasShown ?? false { return accept(pending, request) }
            if pending.isSignedIn { return .respond(start.alreadySignedIn(pending, request)) }
            return .respond(start.refused(.replayed, status: 403, pending, request))
        case .unavailable: return notRemembered(.replayStoreUnavailable, pending, request)
        case .full: return notRemembered(.replayStoreFull, pending, request)
        }
    }

    /// The token may be used once more: `replay.onFailure` decides.
    private func notRemembered(_ reason: Reason, _ pending: PendingSignIn, _ request: borrowing AccessRequest) -> Step {
        switch replayFailure {
        case .allow: accept(pending, request)
        case .deny: .respond(start.refused(reason, status: 503, pending, request))
        }
    }

    private func accept(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> Step {
        if let needed = pending.confirmation { return .respond(confirmation.page(for: pending, needed, request)) }
        // Once more: the lists may have changed while the user was asked.
        let verdict = authorization.signInVerdict(on: pending.fields, of: pending.provider)
        if let refusal = authorization.signInRefusal(
            by: verdict, of: pending.fields, at: pending.provider, on: pending.target, request)
        {
            return .respond(forbidden(refusal, pending.fields, pending.target, request, keyID: pending.keyID))
        }
        if verdict == .visitor || pending.isForGuest { return .respond(start.visit(pending, request)) }
        guard provisions else { return start.step(pending, request) }
        return .ask(
            .provision(
                PendingProvisioning(
                    call: ProvisioningCall(pending.fields, of: pending.provider, requestID: request.idText),
                    pending: pending)))
    }

    // MARK: Provisioning and the session

    /// The app has answered. There is no session before it agreed.
    func provisioned(
        _ pending: PendingSignIn, _ verdict: ProvisioningVerdict, _ request: borrowing AccessRequest
    ) -> Step {
        let step: Step =
            switch verdict {
            case .agreed: start.step(pending, request)
            case .noSeat: .respond(noSeat(pending, request))
            case .failed: .respond(start.refused(.provisioningFailed, status: 502, pending, request))
            }
        return step.concerning(pending.provider)
    }

    /// The session store has answered. Without it the sign-in follows `replay.onFailure`: refused, or a session that lives
    /// in the cookie.
    func stored(_ session: NewStoredSession, _ isStored: Bool, _ request: borrowing AccessRequest) -> Step {
        Step.respond(signedIn(session, isStored, request)).concerning(session.pending.provider)
    }

    private func signedIn(
        _ session: NewStoredSession, _ isStored: Bool, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        guard isStored || replayFailure == .allow else {
            return start.refused(.replayStoreUnavailable, status: 503, session.pending, request)
        }
        return start.signedIn(session.pending, session.state, ticket: isStored ? session.ticket : nil, request)
    }

    // MARK: Responses

    /// The app's session may be another user's: that of the browser's last session, or of an unknown one.
    private func endsAppSession(
        _ fields: UserAttributes, of provider: String, _ request: borrowing AccessRequest
    ) -> Bool {
        guard hasAppCookies else { return false }
        return sessions.last(of: request).map { !$0.isSameUser(as: fields, of: provider) } ?? true
    }

    private func forbidden(
        _ refusal: (reason: Reason, allowed: [String]?), _ fields: UserAttributes, _ target: ReturnTarget,
        _ request: borrowing AccessRequest, keyID: String?
    ) -> LocalResponse {
        var response = responses.forbidden(
            refusal.reason, fields, request, asJSON: NavigationTest.prefersJSON(request.head), returnTo: target,
            isSignIn: true, at: refusal.allowed)
        response.detail = SignInRefusal.detail(nil, keyID: keyID)
        return response
    }

    /// The provider's proof is none.
    private func refused(
        _ refusal: SignInRefusal, _ status: UInt16, _ tryAgain: String, _ request: borrowing AccessRequest,
        by method: SignInMethod
    ) -> LocalResponse {
        if refusal.reason == .providerUnavailable {
            return responses.providerUnavailable(request, tryAgain: tryAgain, detail: refusal.detail)
        }
        var response = responses.signInRefused(
            refusal.reason, status: status, request, tryAgain: tryAgain, cause: refusal.cause, detail: refusal.detail,
            by: method)
        response.user = refusal.user
        return response
    }

    /// A verified sign-in that answers no attempt of this browser.
    private func refused(
        _ attempt: ReturnedAttempt, _ pending: PendingSignIn, _ tryAgain: String, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        let elsewhere = ReturnedElsewhere(request)
        var response = responses.signInRefused(
            attempt.refusal, request, account: pending.fields.account, tryAgain: tryAgain,
            cause: elsewhere?.cause,
            detail: SignInRefusal.detail(elsewhere?.detail, keyID: pending.keyID))
        response.user = pending.user
        return response
    }

    private func noSeat(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> LocalResponse {
        guard !NavigationTest.prefersJSON(request.head) else {
            return start.refused(.seatLimitReached, status: 403, pending, request)
        }
        var response = responses.page(
            403,
            .noSeat(
                account: pending.fields.account, requestID: request.idText,
                tryAgain: LoginAddress.path(pending.target)),
            for: request)
        response.outcome = .refused
        response.reason = .seatLimitReached
        response.user = pending.user
        return response
    }

    /// The largest form that is read: a token of 16 KiB, percent-encoded, and room for more.
    static let formLimit = 64 * 1024
}

extension Step {
    /// A response of the gate that is about a sign-in at that provider, for logs and metrics.
    fileprivate func concerning(_ provider: String) -> Step {
        guard !provider.isEmpty, case .done(.respond(var response)) = self else { return self }
        response.provider = provider
        return .respond(response)
    }
}
