// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT
import Pages

// A sign-in that the user did not start here, with `initiated: confirm`: a page names the account and asks.
//
// The token is burnt before the page is shown, so that nobody else can use it meanwhile; what the page posts signs in
// once, by a key of its own.
extension Gate {
    /// What is needed for the page besides the sign-in itself.
    func question(
        for pending: PendingSignIn, _ request: RequestHead, _ names: CookieNames, _ now: Double
    ) -> PendingSignIn.Question {
        var wasAsked = false
        let attempts = attempts(of: request, names)
        for attempt in attempts {
            guard let state = state(of: attempt, request, names, pending.scope),
                now - state.startedAt < LoginState.lifetime
            else { continue }
            wasAsked = wasAsked || (!state.token.isEmpty && state.token == pending.replayKeys.first)
        }
        let surplus = surplus(attempts, of: request, names, pending.scope)
        return PendingSignIn.Question(wasAsked: wasAsked, endingAttempts: surplus.map { names.login + $0.text })
    }

    /// The page. What was verified goes along in a sealed field; a login cookie binds that field to this browser.
    func confirmPage(
        _ pending: PendingSignIn, _ question: PendingSignIn.Question, _ context: RequestContext
    ) -> LocalResponse {
        let names = pending.isSecure ? secureNames : plainNames
        let attempt = LoginAttemptID(.wish, now: context.now, random: random.nonce())
        let field = signInSeal.seal(pending.encoded(at: context.now), name: attempt.text, scope: pending.scope)
        var response = page(
            200,
            .confirmSignIn(
                account: pending.fields.account, action: Self.confirmPath,
                fields: [
                    HiddenField("attempt", String(decoding: attempt.text, as: UTF8.self)),
                    HiddenField("sign_in", String(decoding: field, as: UTF8.self)),
                ]), hasForm: true)
        let cookie = setCookie(isSecure: pending.isSecure)
        let state = LoginState(
            startedAt: context.now, target: pending.target, token: pending.replayKeys.first ?? [])
        let name = names.login + attempt.text
        response.add(
            "Set-Cookie",
            cookie.login(
                name, loginSeal.seal(state.encoded, name: name, scope: pending.scope), maxAge: LoginState.lifetime))
        for name in question.endingAttempts { response.add("Set-Cookie", cookie.expired(name)) }
        if !pending.returns.isEmpty {
            response.add(
                "Set-Cookie", returnsCookie(pending.returns, names, pending.scope, isSecure: pending.isSecure))
        }
        response.decision = "confirm"
        response.user = pending.user
        return response
    }

    /// `/.sidegate/confirm`
    func confirm(_ request: RequestHead, _ context: RequestContext, _ requestID: [UInt8]) -> Decision {
        guard request.method == .post else {
            return .respond(methodNotAllowed(request, requestID, allow: "POST"))
        }
        guard isForm(request) else { return .respond(unsupportedMediaType(request, requestID)) }
        return .collectBody(limit: Self.formLimit)
    }

    /// The person agreed, on our page, in the browser that was asked.
    func confirmed(
        _ request: RequestHead, form: [UInt8], _ context: RequestContext, _ requestID: [UInt8]
    ) -> Decision {
        let site = RequestOrigin(request, context, originRules)
        guard let origin = site.publicOrigin(request, originRules), let scope = site.cookieScope(request, originRules)
        else {
            return .respond(hostMissing(request, requestID))
        }
        let names = names(site)
        let parameters = Parameters(form: form)
        // Another site could post a field it was given for an account of its own.
        guard SiteCheck.of(request, on: targetSite(origin)) != .otherSite,
            let named = parameters.values("attempt").first, let attempt = LoginAttemptID(named),
            let field = parameters.values("sign_in").first,
            let place = attempts(of: request, names).first(where: { $0.id == attempt })?.value,
            place.upperBound <= request.bytes.count
        else { return .respond(signInRefused(.loginStateMissing, request, requestID, tryAgain: Self.plainLoginPath)) }
        let name = names.login + attempt.text
        guard
            let cookie = loginSeal.open(request.bytes.span.extracting(place.range), name: name, scope: scope),
            let state = LoginState(encoded: cookie),
            let encoded = signInSeal.open(field.span, name: attempt.text, scope: scope)
        else { return .respond(signInRefused(.loginStateMissing, request, requestID, tryAgain: Self.plainLoginPath)) }
        guard context.now - state.startedAt < LoginState.lifetime,
            var pending = PendingSignIn(
                encoded: encoded, origin: origin, scope: scope, isSecure: site.isSecure,
                answersJSON: NavigationTest.prefersJSON(request),
                requestID: String(decoding: requestID, as: UTF8.self), spentAttempt: name,
                lastOldChunk: SessionCookiePlaces(request, names).lastChunk,
                // Kept as the confirm page has set it: agreeing is no return from the IdP.
                returns: returnsCookies(of: request, names, scope, isSecure: site.isSecure).count
                    ?? RedirectLoopCounter(),
                now: context.now)
        else { return .respond(signInRefused(.loginStateExpired, request, requestID, tryAgain: Self.plainLoginPath)) }
        pending.endsAppSession = endsAppSession(pending.fields, request, site, now: context.now)
        return consume(pending, context)
    }

    static let confirmPath = "/.sidegate/confirm"
}

extension PendingSignIn {
    private static let version: UInt8 = 1

    /// What must survive until the person has agreed.
    func encoded(at now: Double) -> [UInt8] {
        var output: [UInt8] = [Self.version]
        output.appendTime(now)
        // Remembered at least as long as the page can be used, or it could be used twice.
        output.appendTime(max(retention.until, now + LoginState.lifetime))
        // Another key than the token's own, which is burnt by now.
        output.appendCounted([UInt8(ascii: "c")] + (replayKeys.first ?? []))
        output.appendCounted(target.bytes)
        fields.append(to: &output)
        return output
    }

    fileprivate init?(
        encoded: [UInt8], origin: PublicOrigin, scope: CookieScope, isSecure: Bool, answersJSON: Bool,
        requestID: String, spentAttempt: [UInt8], lastOldChunk: Int, returns: RedirectLoopCounter, now: Double
    ) {
        var reader = SealedReader(encoded)
        guard reader.byte() == Self.version, let madeAt = reader.time(), now - madeAt < LoginState.lifetime,
            let expiresAt = reader.time(), let key = reader.counted(), let target = reader.counted(),
            let fields = UserAttributes(from: &reader), reader.isAtEnd
        else { return nil }
        self.init(
            replayKeys: [key], retention: Retention(until: expiresAt, atLeast: LoginState.lifetime, now: now),
            user: fields.user, fields: fields,
            target: ReturnTarget(trusted: target), origin: origin, scope: scope, isSecure: isSecure,
            answersJSON: answersJSON, requestID: requestID, isSignedIn: false, spentAttempt: spentAttempt,
            lastOldChunk: lastOldChunk, returns: returns)
    }
}
