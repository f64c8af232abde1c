// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// The way to the provider: redirects with a login cookie for each attempt, and the 401 for requests that cannot follow
/// one.
final class LoginRedirect {
    private let login: any LoginProtocol
    private let attempts: LoginAttempts
    private let responses: Responses
    private let cookies: OwnCookies
    private let random: RandomPool
    /// Sessions end by themselves within the time in which returns count as a loop.
    private let hasShortSessions: Bool
    /// The site of the latest redirect; see ``LoginSite``.
    private var lastSite: LoginSite?

    init(
        _ login: any LoginProtocol, _ attempts: LoginAttempts, _ responses: Responses, _ cookies: OwnCookies,
        _ limits: SessionLimits, _ random: RandomPool
    ) {
        self.login = login
        self.attempts = attempts
        self.responses = responses
        self.cookies = cookies
        self.random = random
        hasShortSessions = min(limits.lifetime, limits.shortestIdle) < RedirectLoopCounter.window
    }

    /// The response to a request without a session.
    ///
    /// - Parameter reason: why the session that came with it does not count.
    func unauthenticated(
        _ request: borrowing AccessRequest, _ reason: Reason?, as wanted: AccessRule.Unauthenticated?
    ) -> LocalResponse {
        let navigation = NavigationTest.of(request.head)
        let mayRedirect: Bool =
            switch wanted {
            case .unauthorized: false
            // Content that a redirected request does not read must not be lost silently.
            case .redirect: request.head.method == .get || request.head.method == .head
            case nil: navigation != .notNavigation
            }
        guard mayRedirect else {
            return ContentType.isGRPC(request.head)
                ? responses.grpcUnauthenticated(reason) : responses.unauthenticatedJSON(request, reason)
        }
        guard let site = site(of: request) else { return responses.hostMissing(request) }
        let target = ReturnTarget(of: request, prefix: site.targetPrefix, origin: site.origin)
        return redirect(to: target, .navigation, request, site, reason, isProven: navigation == .navigation)
    }

    /// `/.sidegate/login?return_to=`: like any other page to a browser without a session, so that neither an image nor a
    /// prefetch of another site begins an attempt.
    func login(_ request: borrowing AccessRequest) -> LocalResponse {
        guard request.head.method == .get || request.head.method == .head else {
            return responses.methodNotAllowed(request, allow: "GET, HEAD")
        }
        guard let site = site(of: request) else { return responses.hostMissing(request) }
        guard
            let target = Parameters(query: request.head).returnTarget(
                on: site.target, without: request.site.tokenParameter)
        else {
            return responses.signInRefused(.returnURLRefused, status: 400, request, tryAgain: LoginAddress.path)
        }
        let navigation = NavigationTest.of(request.head)
        guard navigation != .notNavigation else {
            return responses.unauthenticatedJSON(LoginAddress.url(target ?? .root, on: site.origin), nil)
        }
        return redirect(to: target ?? .root, .wish, request, site, nil, isProven: navigation == .navigation)
    }

    /// 302 to the provider.
    ///
    /// - Parameter isProven: a person looks at the result, as far as that shows; without it there is no login cookie, and
    ///   the return counts as one that did not begin here.
    private func redirect(
        to target: ReturnTarget, _ cause: LoginAttemptID.Cause, _ request: borrowing AccessRequest, _ site: LoginSite,
        _ reason: Reason?, isProven: Bool
    ) -> LocalResponse {
        let attempt = LoginAttemptID(cause, now: request.context.now, random: random.nonce())
        let text = site.loginURL.text(of: target)
        var block: [UInt8] = []
        guard isProven else {
            site.plainRedirectFields.append(attempt, target: text, to: &block)
            return redirect(attempt, text, block, site, reason)
        }
        block.reserveCapacity(
            site.redirectFields.byteCount + text.count + 2 * target.bytes.count + site.loginCookieEnd.count + 64)
        site.redirectFields.append(attempt, target: text, to: &block)
        let state = LoginState(
            startedAt: request.context.now, target: target,
            isFromOtherSite: SiteCheck.isFromOtherSite(request.head, on: site.target))
        let binding = site.loginBinding(of: attempt)
        attempts.appendSealed(state, boundTo: binding.span, to: &block)
        block.append(contentsOf: site.loginCookieEnd)
        for old in attempts.surplus(attempts.present(in: request), request, site.scope) {
            appendEnd(site.cookie.expired(site.names.login + old.text), to: &block)
        }
        if hasShortSessions, reason == .sessionExpired || reason == .sessionIdle {
            // A session that lasts so briefly ends by itself: no sign of a loop.
            appendEnd(
                cookies.hostCookie(isSecure: site.cookie.isSecure).expired(site.names.returns), to: &block)
        }
        return redirect(attempt, text, block, site, reason)
    }

    private func redirect(
        _ attempt: LoginAttemptID, _ text: [UInt8], _ block: [UInt8], _ site: LoginSite, _ reason: Reason?
    ) -> LocalResponse {
        var body: [UInt8] = []
        body.reserveCapacity(site.redirectPage.byteCount + 2 * text.count)
        site.redirectPage.append(attempt, target: text, to: &body)
        return LocalResponse(
            status: 302, fieldBlock: block, body: body, outcome: .redirect, reason: reason)
    }

    /// The line that ends a cookie.
    private func appendEnd(_ expired: [UInt8], to block: inout [UInt8]) {
        var line = LocalResponse(status: 302)
        line.add("Set-Cookie", expired)
        block.append(contentsOf: line.fieldBlock)
    }

    /// Nil when neither the configuration nor the request names the site.
    private func site(of request: borrowing AccessRequest) -> LoginSite? {
        if let lastSite, lastSite.isOf(request) { return lastSite }
        guard let site = LoginSite(request, login, attempts, responses, cookies) else { return nil }
        lastSite = site
        return site
    }
}
