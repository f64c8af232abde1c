// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT
import Pages

/// The end of a sign-in: a new session in place of any old one (CVE-2026-34454, CVE-2021-41230), its cookies, and the
/// redirect to the target.
struct SessionStart {
    private let seal: SessionSeal
    private let limits: SessionLimits
    private let cookies: OwnCookies
    private let appCookies: AppCookies
    private let loops: RedirectLoops
    private let attempts: LoginAttempts
    private let arrival: Arrival
    private let responses: Responses

    init(
        seal: SessionSeal, limits: SessionLimits, cookies: OwnCookies, appCookies: AppCookies, loops: RedirectLoops,
        attempts: LoginAttempts, arrival: Arrival, responses: Responses
    ) {
        self.attempts = attempts
        self.arrival = arrival
        self.seal = seal
        self.limits = limits
        self.cookies = cookies
        self.appCookies = appCookies
        self.loops = loops
        self.responses = responses
    }

    /// The new session: at once where it lives in the cookie, otherwise it goes to the store first.
    func step(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> Step {
        let now = request.context.now
        let state = seal.start(
            pending.fields, of: pending.provider, providerSession: pending.providerSession,
            idToken: seal.isStored ? pending.idToken : [], now: now)
        guard seal.isStored else { return .respond(signedIn(pending, state, ticket: nil, request)) }
        let (ticket, record) = seal.ticket(for: state)
        return .ask(
            .storeSession(
                NewStoredSession(
                    id: state.id, record: record,
                    timeToLive: limits.timeToLive(signedInAt: state.signedInAt, now: now),
                    replaced: pending.replacedSession, state: state, ticket: ticket, pending: pending)))
    }

    /// 303 with the session's cookies.
    ///
    /// - Parameter ticket: nil: the cookie holds the session itself.
    func signedIn(
        _ pending: PendingSignIn, _ state: SessionState, ticket: SessionTicket?, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        let isSecure = request.origin.isSecure
        guard
            let lines = seal.cookieLines(
                // Cookies have no room for a token.
                ticket == nil ? state.withoutIDToken : state, ticket: ticket, pending.scope, isSecure: isSecure,
                lastOldChunk: lastOldChunk(request),
                now: request.context.now)
        else { return tooLarge(pending, request) }
        var response = seeOther(pending, request)
        // First: for a browser that does not know the attribute both are one cookie.
        for line in cookies.endedUnpartitioned(lastChunk: lastOldChunk(request), isSecure: isSecure) {
            response.add("Set-Cookie", line)
        }
        for line in lines { response.add("Set-Cookie", line) }
        endAppSession(pending, isSecure, &response)
        response.add("Set-Cookie", loops.cookie(pending.returns, pending.scope, isSecure: isSecure))
        response.outcome = .signIn
        response.user = pending.user
        response.detail = pending.remark
        return response
    }

    /// No session: on to the target, as everyone may (`access.default: guest`). The session of the user who was signed in
    /// before ends.
    func visit(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> LocalResponse {
        let isSecure = request.origin.isSecure
        var response = seeOther(pending, request)
        let names = cookies.names(request)
        let cookie = cookies.setCookie(isSecure: isSecure)
        let lastChunk = lastOldChunk(request)
        for chunk in 0...lastChunk { response.add("Set-Cookie", cookie.expired(names.session(chunk: chunk))) }
        for line in cookies.endedUnpartitioned(lastChunk: lastChunk, isSecure: isSecure) {
            response.add("Set-Cookie", line)
        }
        endAppSession(pending, isSecure, &response)
        // Coming back without a session is intended here.
        response.add("Set-Cookie", loops.cookieEnd(isSecure: isSecure))
        response.outcome = .guest
        response.user = pending.user
        response.detail = pending.remark
        return response
    }

    /// A reload, or the back button: the user is signed in by this very token or a later one.
    func alreadySignedIn(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> LocalResponse {
        var response = seeOther(pending, request)
        response.outcome = .signedIn
        response.user = pending.user
        return response
    }

    /// The same, by the response to an attempt that has ended with the session that came.
    func returnedAgain(
        to target: ReturnTarget, _ identity: Identity, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        var response =
            cookies.sameSite == .strict
            ? responses.refresh(to: target.bytes, for: request) : responses.redirect(303, to: target.bytes)
        response.outcome = .signedIn
        response.user = identity.user
        return response
    }

    /// A verified sign-in that is refused after all.
    ///
    /// - Parameters:
    ///   - cause: as in `Responses.signInRefused`.
    ///   - words: the cause in words, for the log.
    func refused(
        _ reason: Reason, status: UInt16, _ pending: PendingSignIn, _ request: borrowing AccessRequest,
        cause: RefusalCause? = nil, words: String? = nil
    ) -> LocalResponse {
        var response = responses.signInRefused(
            reason, status: status, request, account: pending.fields.account,
            tryAgain: LoginAddress.path(pending.target), cause: cause,
            detail: SignInRefusal.detail(words, keyID: pending.keyID))
        response.user = pending.user
        return response
    }

    /// The session does not fit the cookies that a browser keeps for it.
    private func tooLarge(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> LocalResponse {
        let sizes = pending.fields.fields.map { ($0.name, $0.values.reduce(0) { $0 + $1.utf8.count }) }
        let largest = sizes.max { $0.1 < $1.1 } ?? ("user", 0)
        let problem = FieldProblem.session(bytes: largest.1, limit: SessionCookie.maximumChunks)
        return refused(
            .fieldInvalid, status: 403, pending, request, cause: .field(largest.0, problem),
            words: problem.sentence(about: largest.0))
    }

    /// The last chunk of the session that came with the request.
    private func lastOldChunk(_ request: borrowing AccessRequest) -> Int {
        SessionCookiePlaces(request.head, cookies.names(request)).lastChunk
    }

    /// The attempt is over, although nobody is signed in. It leaves a mark, as one that has led to a sign-in does.
    func fail(
        _ cookie: LoginCookie, at provider: String, _ target: ReturnTarget, _ scope: CookieScope,
        _ request: borrowing AccessRequest, _ response: inout LocalResponse
    ) {
        let (isSecure, now) = (request.origin.isSecure, request.context.now)
        let lines =
            cookie.attempt.map { attempt in
                mark(LoginState.failed, attempt, provider, target, scope, isSecure: isSecure, now: now)
            } ?? attempts.ended(cookie, isSecure: isSecure)
        for line in lines { response.add("Set-Cookie", line) }
    }

    /// Set-Cookie values that end the attempt, or leave the mark by which a return that names it again is known.
    private func endOfAttempt(_ pending: PendingSignIn, isSecure: Bool, now: Double) -> [[UInt8]] {
        guard let spent = pending.spentAttempt else { return [] }
        guard pending.remembersAttempt, let attempt = spent.attempt else {
            return attempts.ended(spent, isSecure: isSecure)
        }
        return mark(
            LoginState.arrived, attempt, pending.provider, pending.target, pending.scope, isSecure: isSecure, now: now)
    }

    /// Set-Cookie values by which an attempt that is over is known for a while.
    private func mark(
        _ outcome: [UInt8], _ attempt: LoginAttemptID, _ provider: String, _ target: ReturnTarget,
        _ scope: CookieScope, isSecure: Bool, now: Double
    ) -> [[UInt8]] {
        let state = LoginState(startedAt: now, provider: provider, target: target, token: outcome)
        return attempts.lines(state, attempt, scope, isSecure: isSecure, maxAge: LoginState.finishedLifetime)
    }

    private func endAppSession(_ pending: PendingSignIn, _ isSecure: Bool, _ response: inout LocalResponse) {
        guard pending.endsAppSession else { return }
        for cookie in appCookies.ended(host: pending.origin.host, isSecure: isSecure, page: pending.target.bytes) {
            response.add("Set-Cookie", cookie)
        }
    }

    /// 303, or with `SameSite=Strict` a page that goes on by itself: after a redirect that began at the provider the
    /// browser would not send a strict cookie. The attempt ends with it.
    private func seeOther(_ pending: PendingSignIn, _ request: borrowing AccessRequest) -> LocalResponse {
        let isSecure = request.origin.isSecure
        var response: LocalResponse
        if let page = arrival.redirect(pending, isSecure: isSecure, now: request.context.now) {
            response = page
        } else {
            let target = pending.target.bytes
            response =
                cookies.sameSite == .strict
                ? responses.refresh(to: target, for: request) : responses.redirect(303, to: target)
            for line in endOfAttempt(pending, isSecure: isSecure, now: request.context.now) {
                response.add("Set-Cookie", line)
            }
        }
        if pending.spentAttempt != nil {
            for other in pending.otherAttempts { response.add("Set-Cookie", other) }
        }
        return response
    }
}
