// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import HTTP
import JWT
import Pages

// The way back from the IdP: the return path with the token, by GET query or by POST form.
extension Gate {
    /// The largest form that is read: a token of 16 KiB, percent-encoded, and room for more.
    static let formLimit = 64 * 1024

    func callback(_ request: borrowing AccessRequest) -> Decision {
        switch request.head.method {
        // Any status but 2xx: the browser drops it, and sends the request again when somebody opens the page.
        case .get where NavigationTest.isPrefetch(request.head):
            .respond(unauthenticatedJSON(request, nil))
        case .get: returned(request, form: nil)
        case .post:
            isForm(request)
                ? .collectBody(limit: Self.formLimit)
                : .respond(unsupportedMediaType(request))
        // HEAD too: a link preview must not spend the token.
        case .head, .put, .delete, .connect, .options, .trace, .patch, .other:
            .respond(methodNotAllowed(request, allow: "GET, POST"))
        }
    }

    /// The browser is back, with a token, or with something else.
    func returned(
        _ request: borrowing AccessRequest, form: [UInt8]?
    ) -> Decision {
        guard let origin = request.publicOrigin, let scope = request.cookieScope
        else {
            return .respond(hostMissing(request))
        }
        var parameters = Parameters(query: request.head)
        if let form {
            parameters = parameters.appending(Parameters(form: form))
        } else if parameters.values(tokenParameter).isEmpty {
            parameters = Parameters(doubledQuery: request.head)
        }
        let attempt = self.attempt(
            of: request, parameters, names(request), scope,
            isUnseen: NavigationTest.isSubresource(request.head)
                && SiteCheck.isFromOtherSite(request.head, on: request.site.targetSite(origin)))
        let named = parameters.returnTarget(on: request.site.targetSite(origin)) ?? nil
        let target = attempt.target ?? named ?? .root
        let tryAgain = Self.loginPath(target)

        let tokens = parameters.values(tokenParameter).filter { !$0.isEmpty }
        guard let token = tokens.first else {
            return .respond(signInRefused(.tokenMissing, status: 400, request, tryAgain: tryAgain))
        }
        // Twice, and someone else could read the other one. The same goes for the state.
        guard tokens.count == 1, Set(parameters.values("state")).count <= 1 else {
            return .respond(signInRefused(.tokenMalformed, status: 400, request, tryAgain: tryAgain))
        }
        let user: VerifiedUser
        do throws(SignInRefusal) {
            user = try verifiedUser(token.span, now: request.context.now)
        } catch {
            if awaitsKeys(after: error.reason, request) { return .awaitKeys }
            return .respond(signInRefused(error.reason, request, tryAgain: tryAgain))
        }
        let verdict = signInVerdict(on: user.fields)
        if case .refused(let reason) = verdict {
            return .respond(
                forbidden(
                    reason, user.fields, asJSON: NavigationTest.prefersJSON(request.head),
                    requestID: request.idText, returnTo: target, isSignIn: true))
        }

        var current: SessionState?
        var replacedSession: [UInt8]?
        if case .valid(let identity) = session(of: request) {
            current = identity.session
            replacedSession = identity.stored?.id
        }
        let isSameUser = current.map { $0.fields.isSameUser(as: user.fields) } ?? false
        // A good session, and yet this attempt began after it: another replica did not know the session.
        let isUnknownElsewhere = current.map { attempt.named?.isNavigation(after: $0.signedInAt) ?? false } ?? true
        let returns = isUnknownElsewhere ? countReturn(request, attempt, names(request), scope) : RedirectLoopCounter()
        if returns.isLoop { return .respond(loginLoop(request, tryAgain: tryAgain)) }

        var pending = PendingSignIn(
            replayKeys: replayKeys(user.token),
            retention: retention(of: user.token, now: request.context.now),
            user: user.fields.user, fields: user.fields, target: target, origin: origin, scope: scope,
            isSecure: request.origin.isSecure, answersJSON: NavigationTest.prefersJSON(request.head),
            requestID: request.idText, isSignedIn: isSameUser,
            spentAttempt: attempt.cookie, lastOldChunk: SessionCookiePlaces(request.head, names(request)).lastChunk,
            returns: returns)
        pending.replacedSession = replacedSession
        if attempt.isOurs, let named = attempt.named {
            pending.otherAttempts = othersOnlyWhenNamed(besides: named, request, names(request), scope)
        }
        pending.endsAppSession = endsAppSession(user.fields, request)

        // Signing in as who one is already is nobody's trick, and a reload of this page ends here too.
        if !attempt.isOurs, configuration.requiresState {
            guard isSameUser, attempt.named != nil else {
                return .respond(
                    signInRefused(attempt.refusal, request, account: user.fields.account, tryAgain: tryAgain)
                )
            }
        } else if !attempt.isOurs, !isSameUser {
            switch (configuration.initiated, attempt.needsQuestion) {
            case (.allow, _): break
            case (.deny, false):
                return .respond(
                    signInRefused(attempt.refusal, request, account: user.fields.account, tryAgain: tryAgain)
                )
            case (.deny, true), (.confirm, _):
                // Whom the app is told nothing of may come in unasked, unless that ends a session.
                if verdict == .visitor, current == nil {
                    pending.isForGuest = true
                } else {
                    pending.question = question(for: pending, request, names(request), request.context.now)
                }
            }
        }
        return consume(pending, request)
    }

    /// The app's session may be another user's: that of the browser's last session, or of one that nobody knows.
    func endsAppSession(_ fields: UserAttributes, _ request: borrowing AccessRequest) -> Bool {
        guard !appCookies.isEmpty else { return false }
        return lastUser(of: request).map { !$0.isSameUser(as: fields) } ?? true
    }

    private func endAppSession(_ pending: PendingSignIn, _ response: inout LocalResponse) {
        guard pending.endsAppSession else { return }
        let cookies = appCookies.ended(
            host: pending.origin.host, isSecure: pending.isSecure, page: pending.target.bytes)
        for cookie in cookies { response.add("Set-Cookie", cookie) }
    }

    /// On to the replay store, when tokens sign in once.
    func consume(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> Decision {
        guard configuration.singleUse else { return accept(pending, request) }
        return .consumeToken(pending)
    }

    /// After `.consumeToken`: the answer, now that the replay store has spoken.
    package func finishSignIn(
        _ pending: PendingSignIn, _ verdict: ReplayVerdict, _ request: borrowing AccessRequest
    ) -> Decision {
        switch verdict {
        case .fresh: return accept(pending, request)
        case .replayed:
            if pending.question?.wasAsked ?? false { return accept(pending, request) }
            // A reload, or the back button: the person is signed in by this very token or a later one.
            if pending.isSignedIn { return .respond(alreadySignedIn(pending)) }
            return .respond(signInRefused(.replayed, status: 403, pending))
        case .unavailable:
            switch configuration.replayFailure {
            case .allow: return accept(pending, request)
            case .deny: return .respond(signInRefused(.replayStoreUnavailable, status: 503, pending))
            }
        }
    }

    private func accept(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> Decision {
        if let question = pending.question { return .respond(confirmPage(pending, question, request)) }
        // Once more: the lists may have changed while the person was asked.
        switch signInVerdict(on: pending.fields) {
        case .refused(let reason):
            return .respond(
                forbidden(
                    reason, pending.fields, asJSON: pending.answersJSON, requestID: pending.requestID,
                    returnTo: pending.target, isSignIn: true))
        case .visitor: return .respond(visit(pending))
        case .allowed: if pending.isForGuest { return .respond(visit(pending)) }
        }
        if configuration.provisions { return .provision(provisioning(pending)) }
        return signIn(pending, request)
    }

    /// Nobody's session: on to where the user wanted to go, as everyone may (`access.default: guest`). The session of
    /// whoever was signed in before ends.
    private func visit(_ pending: PendingSignIn) -> LocalResponse {
        var response = seeOther(pending.target.bytes)
        let names = pending.isSecure ? secureNames : plainNames
        let cookie = setCookie(isSecure: pending.isSecure)
        for chunk in 0...pending.lastOldChunk {
            response.add("Set-Cookie", cookie.expired(names.session(chunk: chunk)))
        }
        endAttempt(pending, names, cookie, &response)
        endAppSession(pending, &response)
        // Coming back without a session is how it is meant to be here.
        response.add("Set-Cookie", returnsCookieEnd(names, isSecure: pending.isSecure))
        response.outcome = .guest
        response.user = pending.user
        return response
    }

    /// A new session, in place of any old one (CVE-2026-34454, CVE-2021-41230), and 303 to where the user wanted to go.
    func signIn(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> Decision {
        let state = SessionState(
            id: random.bytes(SessionState.idByteCount), signedInAt: request.context.now, seenAt: request.context.now,
            fields: pending.fields)
        if configuration.session.isStored { return keep(state, pending, now: request.context.now) }
        return .respond(signedIn(pending, state, sealed: nil, request))
    }

    /// - Parameter sealed: the cookie's text; nil: the session itself, sealed.
    func signedIn(
        _ pending: PendingSignIn, _ state: SessionState, sealed: [UInt8]?, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        let names = pending.isSecure ? secureNames : plainNames
        let cookie = setCookie(isSecure: pending.isSecure)
        let sealed = sealed ?? sessionSeal.seal(state.encoded, name: names.session, scope: pending.scope)
        guard
            let lines = sessionCookies(
                state, sealed: sealed, names, isSecure: pending.isSecure, lastOldChunk: pending.lastOldChunk,
                now: request.context.now)
        else { return signInRefused(.fieldInvalid, status: 403, pending) }
        var response = seeOther(pending.target.bytes)
        for line in lines { response.add("Set-Cookie", line) }
        endAttempt(pending, names, cookie, &response)
        endAppSession(pending, &response)
        response.add(
            "Set-Cookie", returnsCookie(pending.returns, names, pending.scope, isSecure: pending.isSecure))
        response.outcome = .signIn
        response.user = pending.user
        return response
    }

    private func alreadySignedIn(_ pending: PendingSignIn) -> LocalResponse {
        var response = seeOther(pending.target.bytes)
        let names = pending.isSecure ? secureNames : plainNames
        endAttempt(pending, names, setCookie(isSecure: pending.isSecure), &response)
        response.outcome = .signedIn
        response.user = pending.user
        return response
    }

    private func endAttempt(
        _ pending: PendingSignIn, _ names: CookieNames, _ cookie: SetCookie, _ response: inout LocalResponse
    ) {
        guard let attempt = pending.spentAttempt else { return }
        response.add("Set-Cookie", cookie.expired(attempt))
        for other in pending.otherAttempts { response.add("Set-Cookie", other) }
    }

    /// 303, or with `SameSite=Strict` a page that goes on: after a redirect that began at the IdP the browser would not
    /// send a strict cookie.
    private func seeOther(_ target: [UInt8]) -> LocalResponse {
        let isStrict = configuration.session.sameSite == .strict
        var response = LocalResponse(status: isStrict ? 200 : 303, body: redirectBody(target))
        if isStrict {
            var refresh: [UInt8] = []
            refresh.append("0;url=")
            refresh.append(contentsOf: target)
            response.add("Refresh", refresh)
        } else {
            response.add("Location", target)
        }
        addPageFields(&response)
        return response
    }

    /// How long a used token must be remembered: until it could no longer be accepted, by the time it was made for if the
    /// clock of now says otherwise, and as long as a page that asks about it.
    func retention(of token: VerifiedToken, now: Double) -> Retention {
        let end = token.expiresAt ?? 0
        let validity = token.issuedAt.map { end - $0 } ?? 0
        return Retention(
            until: max(end, now + LoginState.lifetime), atLeast: max(validity, LoginState.lifetime), now: now)
    }

    /// What single use is keyed on: SHA-256 of the signing input; where jti is required, of issuer and jti too.
    func replayKeys(_ token: VerifiedToken) -> [[UInt8]] {
        var keys = [[UInt8(ascii: "s")] + token.signingInputDigest]
        if configuration.replayByID, configuration.tokenPolicy.minimumIDLength > 0, let id = token.id {
            var text: [UInt8] = []
            text.appendCounted(Array((token.issuer ?? "").utf8))
            text.appendCounted(Array(id.utf8))
            keys.append([UInt8(ascii: "j")] + SHA256.hash(text.span))
        }
        return keys
    }
}
