// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT
import Pages

/// The page that names the account and asks, for a sign-in that the user did not start here (`initiated: confirm`).
///
/// The token is consumed before the page is shown, so that nobody else can use it meanwhile; the form that the page posts
/// signs in once, by a key of its own. It holds what was verified, sealed, and a login cookie binds it to the browser.
struct Confirmation {
    /// Why a posted form signs nobody in.
    struct Refusal: Error, CustomStringConvertible {
        let response: LocalResponse

        var description: String { response.reason?.rawValue ?? "the form is refused" }
    }

    private let seal: Seal
    private let attempts: LoginAttempts
    private let loops: RedirectLoops
    private let responses: Responses
    private let keepsFragment: Bool
    private let random: RandomPool
    private let providers: ProviderNames

    init(
        seal: Seal, attempts: LoginAttempts, loops: RedirectLoops, responses: Responses, keepsFragment: Bool,
        random: RandomPool, providers: ProviderNames
    ) {
        self.seal = seal
        self.attempts = attempts
        self.loops = loops
        self.responses = responses
        self.keepsFragment = keepsFragment
        self.random = random
        self.providers = providers
    }

    /// What the page needs besides the sign-in itself.
    func needed(for pending: PendingSignIn, _ request: borrowing AccessRequest) -> PendingSignIn.NeededConfirmation {
        var wasShown = false
        let present = attempts.present(in: request)
        for attempt in present {
            guard let state = attempts.state(of: attempt, request, pending.scope),
                request.context.now - state.startedAt < LoginState.lifetime
            else { continue }
            wasShown = wasShown || (!state.token.isEmpty && state.token == pending.replayKeys.names.first)
        }
        let surplus = attempts.surplus(
            present, plain: state(of: pending, at: request.context.now).byteCount, request, pending.scope)
        return PendingSignIn.NeededConfirmation(
            wasShown: wasShown, endingAttempts: surplus.map { attempts.cookie($0, request) })
    }

    /// What the page's login cookie holds. The page may answer an attempt under which the browser keeps a fragment.
    private func state(of pending: PendingSignIn, at now: Double) -> LoginState {
        LoginState(
            startedAt: now, provider: pending.provider, target: pending.target,
            token: pending.replayKeys.names.first ?? [],
            fragmentAttempt: keepsFragment ? pending.spentAttempt?.attempt : nil)
    }

    func page(
        for pending: PendingSignIn, _ needed: PendingSignIn.NeededConfirmation, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        let now = request.context.now
        let isSecure = request.origin.isSecure
        let attempt = LoginAttemptID(.wish, now: now, random: random.nonce())
        let field = seal.seal(pending.encoded(at: now), name: attempt.text, scope: pending.scope)
        var response = responses.page(
            200,
            .confirmSignIn(
                account: pending.fields.account, action: Self.path,
                fields: [
                    HiddenField("attempt", String(decoding: attempt.text, as: UTF8.self)),
                    HiddenField("sign_in", String(decoding: field, as: UTF8.self)),
                ], cause: needed.cause), for: request, hasForm: true)
        for line in attempts.lines(state(of: pending, at: now), attempt, pending.scope, isSecure: isSecure) {
            response.add("Set-Cookie", line)
        }
        for cookie in needed.endingAttempts {
            for line in attempts.ended(cookie, isSecure: isSecure) { response.add("Set-Cookie", line) }
        }
        response.outcome = .confirm
        response.user = pending.user
        response.detail = needed.detail ?? pending.remark
        return response
    }

    /// The sign-in that a posted form confirms, on the page of the gate, in the browser that was asked.
    func confirmed(_ request: borrowing AccessRequest, form: [UInt8]) throws(Refusal) -> PendingSignIn {
        guard let origin = request.publicOrigin, let scope = request.cookieScope else {
            throw Refusal(response: responses.hostMissing(request))
        }
        let parameters = Parameters(form: form)
        // Another site could post a field that it was given for an account of its own.
        guard SiteCheck.of(request.head, on: request.site.targetSite(origin)) != .otherSite,
            let named = parameters.values("attempt").first, let id = LoginAttemptID(named),
            let field = parameters.values("sign_in").first,
            let attempt = attempts.present(in: request).first(where: { $0.id == id }),
            let state = attempts.state(of: attempt, request, scope),
            let encoded = seal.open(field.span, name: id.text, scope: scope)
        else { throw refusal(.loginStateMissing, request) }
        guard request.context.now - state.startedAt < LoginState.lifetime,
            var pending = PendingSignIn(
                encoded: encoded, providers, origin: origin, scope: scope,
                spentAttempt: attempts.cookie(attempt, request), isShortened: state.target.isShortened,
                returns: loops.current(request, scope).adding(request.context.now), now: request.context.now)
        else { throw refusal(.loginStateExpired, request) }
        pending.fragmentAttempt = state.fragmentAttempt
        return pending
    }

    private func refusal(_ reason: Reason, _ request: borrowing AccessRequest) -> Refusal {
        Refusal(response: responses.signInRefused(reason, request, tryAgain: LoginAddress.path))
    }

    private static let path = "/.sidegate/confirm"
}
