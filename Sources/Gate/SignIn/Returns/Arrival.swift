// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import Pages

/// The page between a return and its target, where there is one: it puts the fragment back that the browser has kept
/// (`session.keepFragment`), or says that the address of the page was too long to be remembered.
///
/// Where it leads to stands in the login cookie of the attempt, which no other site can set: a link to this page leads
/// nowhere else.
struct Arrival {
    private let attempts: LoginAttempts
    private let responses: Responses
    private let keepsFragment: Bool

    init(_ attempts: LoginAttempts, _ responses: Responses, keepsFragment: Bool) {
        self.attempts = attempts
        self.responses = responses
        self.keepsFragment = keepsFragment
    }

    /// 303 to the page, with the attempt's cookie for it; nil: the browser goes to the target itself.
    func redirect(_ pending: PendingSignIn, isSecure: Bool, now: Double) -> LocalResponse? {
        guard keepsFragment || pending.target.isShortened, let attempt = pending.spentAttempt?.attempt else {
            return nil
        }
        var response = responses.redirect(303, to: Array("\(Self.path)?\(Self.attemptParameter)=".utf8) + attempt.text)
        let state = LoginState(
            startedAt: now, provider: pending.provider, target: pending.target,
            token: LoginState.arrived, fragmentAttempt: pending.fragmentAttempt)
        for line in attempts.lines(state, attempt, pending.scope, isSecure: isSecure, maxAge: Self.lifetime) {
            response.add("Set-Cookie", line)
        }
        return response
    }

    /// `/.sidegate/continue`
    func page(_ request: borrowing AccessRequest) -> LocalResponse {
        guard request.head.method == .get || request.head.method == .head else {
            return responses.methodNotAllowed(request, allow: "GET, HEAD")
        }
        guard let scope = request.cookieScope else { return responses.hostMissing(request) }
        guard let named = Parameters(query: request.head).values(Self.attemptParameter).first,
            let id = LoginAttemptID(named),
            let attempt = attempts.present(in: request).first(where: { $0.id == id }),
            let state = attempts.state(of: attempt, request, scope), state.token == LoginState.arrived
        else { return responses.redirect(303, to: ReturnTarget.root.bytes) }
        let url = String(decoding: state.target.bytes, as: UTF8.self)
        let isFrame = NavigationTest.isFrame(request.head)
        if state.target.isShortened {
            return responses.page(200, .addressTooLong(next: url), for: request, traits: isFrame ? .framed : [])
        }
        // With the script the page cannot be framed, and in a frame no fragment was kept.
        guard keepsFragment, !isFrame else { return responses.redirect(303, to: state.target.bytes) }
        let key = state.fragmentAttempt ?? id
        return responses.page(
            200, .arriving(at: url, attempt: String(decoding: key.text, as: UTF8.self)), for: request,
            traits: .returning)
    }

    static let path = "/.sidegate/continue"
    private static let attemptParameter = "attempt"
    /// Seconds for which the page can be loaded again.
    private static let lifetime: Double = 60
}
