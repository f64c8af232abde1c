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
        for pending: PendingSignIn, _ request: borrowing AccessRequest, _ names: CookieNames, _ now: Double
    ) -> PendingSignIn.Question {
        var wasAsked = false
        let attempts = attempts(of: request, names)
        for attempt in attempts where attempt.value.upperBound <= request.head.bytes.count {
            let value = request.head.bytes.span.extracting(attempt.value.range)
            guard let encoded = loginSeal.open(value, name: names.login + attempt.id.text, scope: pending.scope),
                let state = LoginState(encoded: encoded), now - state.startedAt < LoginState.lifetime
            else { continue }
            wasAsked = wasAsked || (!state.token.isEmpty && state.token == pending.replayKeys.first)
        }
        return PendingSignIn.Question(
            wasAsked: wasAsked, endingAttempts: surplus(attempts).map { names.login + $0.text })
    }

    /// The page. What was verified goes along in a sealed field; a login cookie binds that field to this browser.
    func confirmPage(
        _ pending: PendingSignIn, _ question: PendingSignIn.Question, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        let names = pending.isSecure ? secureNames : plainNames
        let attempt = LoginAttemptID(.wish, now: request.context.now, random: random.nonce())
        let field = signInSeal.seal(pending.encoded(at: request.context.now), name: attempt.text, scope: pending.scope)
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
            startedAt: request.context.now, target: pending.target, token: pending.replayKeys.first ?? [])
        let name = names.login + attempt.text
        response.add(
            "Set-Cookie",
            cookie.login(
                name, loginSeal.seal(state.encoded, name: name, scope: pending.scope), maxAge: LoginState.lifetime))
        for name in question.endingAttempts { response.add("Set-Cookie", cookie.expired(name)) }
        if !pending.returns.isEmpty {
            response.add(
                "Set-Cookie", cookie.login(names.returns, pending.returns.cookie, maxAge: RedirectLoopCounter.window))
        }
        response.decision = "confirm"
        response.user = pending.user
        return response
    }

    /// `/.sidegate/confirm`
    func confirm(_ request: borrowing AccessRequest) -> Decision {
        guard request.head.method == .post else {
            return .respond(methodNotAllowed(request, allow: "POST"))
        }
        guard isForm(request) else { return .respond(unsupportedMediaType(request)) }
        return .collectBody(limit: Self.formLimit)
    }

    /// The person agreed, on our page, in the browser that was asked.
    func confirmed(
        _ request: borrowing AccessRequest, form: [UInt8]
    ) -> Decision {
        guard let origin = request.publicOrigin, let scope = request.cookieScope
        else {
            return .respond(hostMissing(request))
        }
        let names = names(request)
        let parameters = Parameters(form: form)
        // Another site could post a field it was given for an account of its own.
        guard SiteCheck.of(request.head, on: request.site.targetSite(origin)) != .otherSite,
            let named = parameters.values("attempt").first, let attempt = LoginAttemptID(named),
            let field = parameters.values("sign_in").first,
            let place = attempts(of: request, names).first(where: { $0.id == attempt })?.value,
            place.upperBound <= request.head.bytes.count
        else { return .respond(signInRefused(.loginStateMissing, request, tryAgain: Self.plainLoginPath)) }
        let name = names.login + attempt.text
        guard
            let cookie = loginSeal.open(request.head.bytes.span.extracting(place.range), name: name, scope: scope),
            let state = LoginState(encoded: cookie),
            let encoded = signInSeal.open(field.span, name: attempt.text, scope: scope)
        else { return .respond(signInRefused(.loginStateMissing, request, tryAgain: Self.plainLoginPath)) }
        guard request.context.now - state.startedAt < LoginState.lifetime,
            var pending = PendingSignIn(
                encoded: encoded, origin: origin, scope: scope, isSecure: request.origin.isSecure,
                answersJSON: NavigationTest.prefersJSON(request.head),
                requestID: request.idText, spentAttempt: name,
                lastOldChunk: SessionCookiePlaces(request.head, names).lastChunk, returns: returns(of: request, names),
                now: request.context.now)
        else { return .respond(signInRefused(.loginStateExpired, request, tryAgain: Self.plainLoginPath)) }
        pending.endsAppSession = endsAppSession(pending.fields, request)
        return consume(pending, request)
    }

    /// The count that the confirm page has set, kept as it is: agreeing is no return from the IdP.
    private func returns(of request: borrowing AccessRequest, _ names: CookieNames) -> RedirectLoopCounter {
        var count = RedirectLoopCounter()
        let bytes = request.head.bytes.span
        request.head.forEachCookie { name, value in
            guard name.upperBound <= bytes.count, value.upperBound <= bytes.count,
                bytes.extracting(name.range).equals(names.returns.span)
            else { return }
            count = RedirectLoopCounter(cookie: bytes.extracting(value.range))
        }
        return count
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
