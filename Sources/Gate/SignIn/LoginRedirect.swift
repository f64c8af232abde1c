// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// The way to a provider: redirects with a login cookie for each attempt, the page that asks which one where there are
/// several, and the 401 for requests that cannot follow a redirect.
final class LoginRedirect {
    private let providers: Providers
    private let chooser: ProviderChooser
    private let attempts: LoginAttempts
    private let responses: Responses
    private let cookies: OwnCookies
    private let random: RandomPool
    /// Sessions end by themselves within the time in which returns count as a loop.
    private let hasShortSessions: Bool
    /// The site of the latest redirect to each provider; see ``LoginSite``.
    private var lastSites: [LoginSite?]
    /// There is nothing to choose from.
    private let isSingle: Bool

    init(
        _ providers: Providers, _ attempts: LoginAttempts, _ responses: Responses, _ cookies: OwnCookies,
        _ limits: SessionLimits, _ random: RandomPool
    ) {
        self.providers = providers
        isSingle = providers.offers.isSingle
        chooser = ProviderChooser(providers.offers, cookies, responses)
        lastSites = Array(repeating: nil, count: providers.count)
        self.attempts = attempts
        self.responses = responses
        self.cookies = cookies
        self.random = random
        hasShortSessions = min(limits.lifetime, limits.shortestIdle) < RedirectLoopCounter.window
    }

    /// The response to a request without a session.
    ///
    /// - Parameters:
    ///   - reason: why the session that came with it does not count.
    ///   - allowed: the names of the providers that the rules allow; nil: all.
    func unauthenticated(
        _ request: borrowing AccessRequest, _ reason: Reason?, as wanted: AccessRule.Unauthenticated?,
        at allowed: [String]?
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
                ? responses.grpcUnauthenticated(reason) : responses.unauthenticatedJSON(request, reason, at: allowed)
        }
        switch selection(request, allowed) {
        case .nothing: return chooser.nothingOffered(request, status: 403, nil)
        case .choice: return chooser.redirect(request, reason, at: allowed)
        case .provider(let index):
            guard let site = site(of: request, index) else {
                return unavailable(request, ReturnTarget(of: request) ?? .root)
            }
            let target = ReturnTarget(of: request, prefix: site.targetPrefix, origin: site.origin)
            return redirect(to: target, .navigation, request, site, reason, isProven: navigation == .navigation)
        }
    }

    /// `/.sidegate/login?return_to=`: like any other page to a browser without a session, so that neither an image nor a
    /// prefetch of another site begins an attempt.
    ///
    /// `provider` names the one to sign in at, `providers` those to choose from.
    func login(_ request: borrowing AccessRequest) -> LocalResponse {
        guard request.head.method == .get || request.head.method == .head else {
            return responses.methodNotAllowed(request, allow: "GET, HEAD")
        }
        guard let origin = request.publicOrigin else { return responses.hostMissing(request) }
        let parameters = Parameters(query: request.head)
        guard
            let named = parameters.returnTarget(
                on: request.site.targetSite(origin), without: request.site.tokenParameter)
        else {
            return responses.signInRefused(.returnURLRefused, status: 400, request, tryAgain: LoginAddress.path)
        }
        let target = named ?? .root
        let wanted = ProviderChooser.Wanted(parameters)
        let navigation = NavigationTest.of(request.head)
        guard navigation != .notNavigation else {
            return responses.unauthenticatedJSON(
                LoginAddress.url(target, on: origin), nil, responses.choice(request, wanted.names))
        }
        switch selection(request, wanted.names) {
        case .nothing: return chooser.nothingOffered(request, status: 400, wanted.names == nil ? nil : target)
        case .choice(let offered): return chooser.page(offered, target, request)
        case .provider(let index):
            guard let site = site(of: request, index) else { return unavailable(request, target) }
            var response = redirect(to: target, .wish, request, site, nil, isProven: navigation == .navigation)
            if case .one(let name) = wanted, navigation == .navigation, !isSingle {
                response.add("Set-Cookie", chooser.remembering(name, request))
            }
            return response
        }
    }

    /// Where a request signs in.
    private enum Selection {
        case provider(Int)
        /// People choose one of these.
        case choice([ProviderOffers.Offer])
        case nothing
    }

    /// - Parameter wanted: the names of the providers that come into question; nil: all.
    @inline(__always)
    private func selection(_ request: borrowing AccessRequest, _ wanted: [String]?) -> Selection {
        isSingle ? .provider(0) : selectionOfSeveral(request, wanted)
    }

    @inline(never)
    private func selectionOfSeveral(_ request: borrowing AccessRequest, _ wanted: [String]?) -> Selection {
        let offered = providers.offers.offered(to: request, wanted)
        guard let first = offered.first, let index = providers.index(of: first.name) else { return .nothing }
        return offered.count == 1 ? .provider(index) : .choice(offered)
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
        let proof = site.needsProof ? LoginProof(random.bytes(LoginProof.secretByteCount)) : nil
        let text = site.loginURL.text(of: target)
        var block: [UInt8] = []
        guard isProven else {
            site.plainRedirectFields.append(attempt, target: text, proof: proof, to: &block)
            return redirect(attempt, text, proof, block, site, reason)
        }
        block.reserveCapacity(
            site.redirectFields.byteCount + text.count + 2 * target.bytes.count + site.loginCookieEnd.count + 64)
        site.redirectFields.append(attempt, target: text, proof: proof, to: &block)
        let state = LoginState(
            startedAt: request.context.now, provider: site.providerName, target: target,
            isFromOtherSite: SiteCheck.isFromOtherSite(request.head, on: site.target), secret: proof?.secret ?? [])
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
        return redirect(attempt, text, proof, block, site, reason)
    }

    private func redirect(
        _ attempt: LoginAttemptID, _ text: [UInt8], _ proof: LoginProof?, _ block: [UInt8], _ site: LoginSite,
        _ reason: Reason?
    ) -> LocalResponse {
        var body: [UInt8] = []
        body.reserveCapacity(site.redirectPage.byteCount + 2 * text.count)
        site.redirectPage.append(attempt, target: text, proof: proof, to: &body)
        var response = LocalResponse(status: 302, fieldBlock: block, body: body, outcome: .redirect, reason: reason)
        if !site.providerName.isEmpty { response.provider = site.providerName }
        return response
    }

    /// 400 where nothing says where the browser is, otherwise 503: users who are signed in do not come here.
    private func unavailable(_ request: borrowing AccessRequest, _ target: ReturnTarget) -> LocalResponse {
        guard request.publicOrigin != nil, request.cookieScope != nil else { return responses.hostMissing(request) }
        return responses.providerUnavailable(
            request, tryAgain: LoginAddress.path(target), detail: "the discovery document is not known yet")
    }

    /// It has become known where users sign in, or that has changed.
    func providerChanged() { lastSites = Array(repeating: nil, count: providers.count) }

    /// The line that ends a cookie.
    private func appendEnd(_ expired: [UInt8], to block: inout [UInt8]) {
        var line = LocalResponse(status: 302)
        line.add("Set-Cookie", expired)
        block.append(contentsOf: line.fieldBlock)
    }

    /// Nil when neither the configuration nor the request names the site, or it is not known where users sign in.
    private func site(of request: borrowing AccessRequest, _ index: Int) -> LoginSite? {
        guard lastSites.indices.contains(index) else { return nil }
        if let last = lastSites[index], last.isOf(request) { return last }
        guard let provider = providers[index],
            let site = LoginSite(request, provider, attempts, responses, cookies)
        else { return nil }
        lastSites[index] = site
        return site
    }
}
