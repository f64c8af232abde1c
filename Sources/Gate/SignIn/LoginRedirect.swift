// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT
import Pages

/// The way to a provider: redirects with a login cookie for each attempt, the page that asks which one where there are
/// several, and the 401 for requests that cannot follow a redirect.
final class LoginRedirect {
    private let providers: Providers
    private let chooser: ProviderChooser
    private let attempts: LoginAttempts
    private let responses: Responses
    private let cookies: OwnCookies
    private let random: RandomPool
    private let keepsFragment: Bool
    /// Sessions end by themselves within the time in which returns count as a loop.
    private let hasShortSessions: Bool
    /// The site of the latest redirect to each provider; see ``LoginSite``.
    private var lastSites: [LoginSite?]
    /// There is nothing to choose from.
    private let isSingle: Bool

    init(
        _ providers: Providers, _ attempts: LoginAttempts, _ responses: Responses, _ cookies: OwnCookies,
        _ limits: SessionLimits, _ random: RandomPool, keepsFragment: Bool
    ) {
        self.keepsFragment = keepsFragment
        self.providers = providers
        isSingle = providers.offers.isSingle
        chooser = ProviderChooser(providers.offers, cookies, responses, keepsFragment: keepsFragment)
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
            if NavigationTest.isFrame(request.head) {
                return wanted != .unauthorized && signsInFrames(request)
                    ? begin(request, reason, at: allowed, isProven: true, isFramed: true)
                    : responses.framed(
                        request, reason,
                        signIn: LoginAddress.path(LoginAddress.targetOfFrame(request), at: allowed ?? []))
            }
            return ContentType.isGRPC(request.head)
                ? responses.grpcUnauthenticated(reason) : responses.unauthenticatedJSON(request, reason, at: allowed)
        }
        return begin(request, reason, at: allowed, isProven: navigation == .navigation, isFramed: false)
    }

    /// On to the provider, or to the page on which people choose one.
    ///
    /// - Parameters:
    ///   - isProven: a person looks at the result, as far as that shows; without it there is no login cookie, and the return
    ///     counts as one that did not begin here.
    ///   - isFramed: it may be another site's page that shows it, so the attempt counts only when a return names it.
    @inline(__always)
    private func begin(
        _ request: borrowing AccessRequest, _ reason: Reason?, at allowed: [String]?, isProven: Bool, isFramed: Bool
    ) -> LocalResponse {
        switch selection(request, allowed) {
        case .nothing: return chooser.nothingOffered(request, status: 403, nil)
        case .choice: return chooser.redirect(request, reason, at: allowed)
        case .provider(let index):
            guard let site = site(of: request, index) else {
                return unavailable(request, ReturnTarget(of: request) ?? .root)
            }
            let target = ReturnTarget(of: request, prefix: site.targetPrefix, origin: site.origin)
            return redirect(
                to: target, .navigation, request, site, reason, isProven: isProven, isFramed: isFramed)
        }
    }

    /// In a frame the browser keeps cookies that are partitioned, and no others.
    private func signsInFrames(_ request: borrowing AccessRequest) -> Bool {
        cookies.isPartitioned && request.origin.isSecure
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
            let named = parameters.signInTarget(
                on: request.site.targetSite(origin), without: request.site.tokenParameter)
        else {
            return responses.signInRefused(.returnURLRefused, status: 400, request, tryAgain: LoginAddress.path)
        }
        let target = named ?? .root
        let wanted = ProviderChooser.Wanted(parameters)
        let navigation = NavigationTest.of(request.head)
        let isFrame = navigation == .notNavigation && NavigationTest.isFrame(request.head)
        if isFrame, !signsInFrames(request) {
            let names = wanted.names == nil ? [] : responses.choice(request, wanted.names).map(\.name)
            return responses.framed(request, nil, signIn: LoginAddress.path(target, at: names))
        }
        // A link of ours on a page that another site can frame is clicked as that site pleases.
        let isFramed = isFrame || !parameters.values(LoginAddress.framedParameter).isEmpty
        guard navigation != .notNavigation || isFrame else {
            return responses.unauthenticatedJSON(
                LoginAddress.url(target, on: origin), nil, responses.choice(request, wanted.names))
        }
        switch selection(request, wanted.names) {
        case .nothing: return chooser.nothingOffered(request, status: 400, wanted.names == nil ? nil : target)
        case .choice(let offered): return chooser.page(offered, target, request, isFramed: isFramed)
        case .provider(let index):
            guard let site = site(of: request, index) else { return unavailable(request, target) }
            var response = redirect(
                to: target, .wish, request, site, nil, isProven: navigation == .navigation || isFrame,
                isFramed: isFramed)
            if case .one(let name) = wanted, navigation == .navigation || isFrame, !isSingle {
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

    /// 302 to the provider. The parameters are those of ``begin(_:_:at:isProven:isFramed:)``.
    private func redirect(
        to target: ReturnTarget, _ cause: LoginAttemptID.Cause, _ request: borrowing AccessRequest, _ site: LoginSite,
        _ reason: Reason?, isProven: Bool, isFramed: Bool
    ) -> LocalResponse {
        let attempt = LoginAttemptID(cause, now: request.context.now, random: random.nonce())
        let proof = site.needsProof ? LoginProof(random.bytes(LoginProof.secretByteCount)) : nil
        let text = site.loginURL.text(of: target)
        guard isProven else { return redirect(attempt, text, proof, site, reason) }
        let isFromOtherSite = isFramed || SiteCheck.isFromOtherSite(request.head, on: site.target)
        // The state is made where it is written: passed on whole, it would be copied on the way that most requests take.
        let plain = LoginState.byteCount(target: target, provider: site.providerName, secret: proof?.secret ?? [])
        if plain > LoginCookie.largestPlain || keepsFragment || target.isShortened {
            return departure(
                attempt, to: target, plain, isFromOtherSite: isFromOtherSite, text, proof, request, site, reason)
        }
        var block: [UInt8] = []
        block.reserveCapacity(
            site.redirectFields.byteCount + text.count + 2 * target.bytes.count + site.loginCookieEnd.count + 64)
        site.redirectFields.append(attempt, target: text, proof: proof, to: &block)
        let binding = site.loginBinding(of: attempt)
        attempts.appendSealed(
            LoginState(
                startedAt: request.context.now, provider: site.providerName, target: target,
                isFromOtherSite: isFromOtherSite, secret: proof?.secret ?? []),
            boundTo: binding.span, to: &block)
        block.append(contentsOf: site.loginCookieEnd)
        appendEnds(plain, request, site, reason, to: &block)
        return redirect(attempt, text, proof, block, site, reason)
    }

    /// Ends attempts for which there is no room beside a new one.
    @inline(__always)
    private func appendEnds(
        _ plain: Int, _ request: borrowing AccessRequest, _ site: LoginSite, _ reason: Reason?,
        to block: inout [UInt8]
    ) {
        for old in attempts.surplus(attempts.present(in: request), plain: plain, request, site.scope) {
            for line in attempts.ended(attempts.cookie(old, request), isSecure: site.cookie.isSecure) {
                appendEnd(line, to: &block)
            }
        }
        if hasShortSessions, reason == .sessionExpired || reason == .sessionIdle {
            // A session that lasts so briefly ends by itself: no sign of a loop.
            appendEnd(
                cookies.hostCookie(isSecure: site.cookie.isSecure).expired(site.names.returns), to: &block)
        }
    }

    /// The redirects that are not written out ahead: with a target that needs two cookies, or is too long for them, or by a
    /// page that keeps the fragment of the target's address.
    @inline(never)
    private func departure(
        _ attempt: LoginAttemptID, to target: ReturnTarget, _ plain: Int, isFromOtherSite: Bool, _ text: [UInt8],
        _ proof: LoginProof?, _ request: borrowing AccessRequest, _ site: LoginSite, _ reason: Reason?
    ) -> LocalResponse {
        let state = LoginState(
            startedAt: request.context.now, provider: site.providerName, target: target,
            isFromOtherSite: isFromOtherSite, secret: proof?.secret ?? [])
        var response: LocalResponse
        // The page cannot be framed.
        if keepsFragment, !NavigationTest.isFrame(request.head) {
            var url: [UInt8] = []
            site.loginURL.plain.append(attempt, target: text, proof: proof, to: &url)
            response = responses.page(
                200,
                .leaving(
                    for: String(decoding: url, as: UTF8.self), attempt: String(decoding: attempt.text, as: UTF8.self)),
                for: request, traits: .script)
            response.outcome = .redirect
            response.reason = reason
            if !site.providerName.isEmpty { response.provider = site.providerName }
        } else {
            response = redirect(attempt, text, proof, site, reason)
        }
        for line in attempts.lines(state, attempt, site.scope, isSecure: site.cookie.isSecure) {
            response.add("Set-Cookie", line)
        }
        var ends: [UInt8] = []
        appendEnds(plain, request, site, reason, to: &ends)
        response.add(block: ends)
        if target.isShortened {
            let length = Int(request.head.path.count) + Int(request.head.query.map { $0.count + 1 } ?? 0)
            response.detail =
                "the address of the page is too long to be remembered: at most \(ReturnTarget.maximumLength) bytes are"
                + (length > ReturnTarget.maximumLength ? "; the request's address has \(length)" : "")
        }
        return response
    }

    /// Without a login cookie.
    @inline(never)
    private func redirect(
        _ attempt: LoginAttemptID, _ text: [UInt8], _ proof: LoginProof?, _ site: LoginSite, _ reason: Reason?
    ) -> LocalResponse {
        var block: [UInt8] = []
        site.plainRedirectFields.append(attempt, target: text, proof: proof, to: &block)
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
            request, tryAgain: LoginAddress.path(target),
            detail: "the provider's discovery document and keys are not known yet; fix: the log names failed fetches; "
                + "sidegate doctor tries them from here")
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
