// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT
import Pages

// The way to the IdP: redirects with a login cookie for each attempt, and the 401 for what cannot follow one.
extension Gate {
    /// The answer to a request without a session, and without a good reason to have none.
    func unauthenticated(
        _ request: borrowing AccessRequest, _ reason: ReasonCode?,
        as wanted: AccessRule.Unauthenticated? = nil
    ) -> LocalResponse {
        let navigation = NavigationTest.of(request.head)
        let mayRedirect: Bool =
            switch wanted {
            case .unauthorized: false
            // What is not read by a redirected request must not be lost silently.
            case .redirect: request.head.method == .get || request.head.method == .head
            case nil: navigation != .notNavigation
            }
        guard mayRedirect else {
            return isGRPC(request) ? grpcUnauthenticated(reason) : unauthenticatedJSON(request, reason)
        }
        guard let known = siteCache(request) else { return hostMissing(request) }
        let target = ReturnTarget(of: request, prefix: known.targetPrefix, origin: known.origin)
        return redirect(to: target, .navigation, request, known, reason, isProven: navigation == .navigation)
    }

    /// `/.sidegate/login?return_to=`: like any other page to a browser without a session, so that neither an image nor
    /// a prefetch of another site begins an attempt.
    func login(_ request: borrowing AccessRequest) -> LocalResponse {
        guard request.head.method == .get || request.head.method == .head else {
            return methodNotAllowed(request, allow: "GET, HEAD")
        }
        guard let known = siteCache(request) else { return hostMissing(request) }
        guard let target = Parameters(query: request.head).returnTarget(on: known.target) else {
            return signInRefused(.returnURLRefused, status: 400, request, tryAgain: Self.plainLoginPath)
        }
        let navigation = NavigationTest.of(request.head)
        guard navigation != .notNavigation else {
            var url: [UInt8] = []
            known.origin.append(to: &url)
            url.append(contentsOf: Self.loginPath(target ?? .root).utf8)
            return unauthenticatedJSON(url, nil)
        }
        return redirect(
            to: target ?? .root, .wish, request, known, nil, isProven: navigation == .navigation)
    }

    /// 302 to the IdP.
    ///
    /// - Parameter isProven: a person looks at the result, as far as that shows; without it there is no login cookie, and
    ///   the return is one that did not begin here.
    private func redirect(
        to target: ReturnTarget, _ cause: LoginAttemptID.Cause, _ request: borrowing AccessRequest,
        _ site: SiteCache, _ reason: ReasonCode?, isProven: Bool
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
        let bound = site.loginBinding(of: attempt)
        loginSeal.seal(boundTo: bound.span, into: &block) { state.append(to: &$0) }
        block.append(contentsOf: site.loginCookieEnd)
        for old in surplus(attempts(of: request, site.names)) {
            appendEnd(of: site.names.login + old.text, site, to: &block)
        }
        if reason == .sessionExpired || reason == .sessionIdle,
            min(limits.lifetime, limits.shortestIdle) < RedirectLoopCounter.window
        {
            // A session that lasts so briefly ends by itself: no sign of a loop.
            appendEnd(of: site.names.returns, site, to: &block)
        }
        return redirect(attempt, text, block, site, reason)
    }

    private func redirect(
        _ attempt: LoginAttemptID, _ text: [UInt8], _ block: [UInt8], _ site: SiteCache, _ reason: ReasonCode?
    ) -> LocalResponse {
        var body: [UInt8] = []
        body.reserveCapacity(site.redirectPage.byteCount + 2 * text.count)
        site.redirectPage.append(attempt, target: text, to: &body)
        return LocalResponse(
            status: 302, fieldBlock: block, body: body, decision: "redirect", reason: reason?.rawValue)
    }

    /// The line that ends a cookie.
    private func appendEnd(of cookie: [UInt8], _ site: SiteCache, to block: inout [UInt8]) {
        var line = LocalResponse(status: 302)
        line.add("Set-Cookie", site.cookie.expired(cookie))
        block.append(contentsOf: line.fieldBlock)
    }

    /// The oldest attempts of a browser, which end to make room for one more.
    func surplus(_ attempts: [(id: LoginAttemptID, value: ByteRange)]) -> ArraySlice<LoginAttemptID> {
        guard attempts.count >= LoginState.maximumCount else { return [] }
        return attempts.map(\.id).sorted { $0.isOlder(than: $1) }.prefix(attempts.count - LoginState.maximumCount + 1)
    }

    /// The attempts whose cookies came, and where their values stand. Their number is bounded.
    func attempts(of request: borrowing AccessRequest, _ names: CookieNames) -> [(id: LoginAttemptID, value: ByteRange)]
    {
        var attempts: [(id: LoginAttemptID, value: ByteRange)] = []
        let bytes = request.head.bytes.span
        request.head.forEachCookie { name, value in
            guard attempts.count < SessionCookie.maximumCandidates, name.upperBound <= bytes.count,
                let attempt = names.attempt(bytes.extracting(name.range))
            else { return }
            attempts.append((attempt, value))
        }
        return attempts
    }

    /// Where a page's script can send the person to sign in: our own URL, which starts an attempt when it is opened.
    func loginURL(_ request: borrowing AccessRequest) -> String {
        var url: [UInt8] = []
        if let origin = request.publicOrigin {
            origin.append(to: &url)
            url.append(contentsOf: Self.loginPath(referringPage(request, origin) ?? .root).utf8)
        } else {
            url.append(contentsOf: Self.plainLoginPath.utf8)
        }
        return String(decoding: url, as: UTF8.self)
    }

    /// The page that made the request, to come back to.
    private func referringPage(_ request: borrowing AccessRequest, _ origin: PublicOrigin) -> ReturnTarget? {
        guard let referer = request.head.fields.first(where: { $0.known == .referer })?.value,
            referer.upperBound <= request.head.bytes.count
        else { return nil }
        let text = request.head.bytes.span.extracting(referer.range)
        guard WebScheme(prefixOf: text) != nil else { return nil }
        return ReturnTarget(untrusted: text, on: request.site.targetSite(origin))
    }

    /// `/.sidegate/login?return_to=…`, for the links of our pages.
    static func loginPath(_ target: ReturnTarget) -> String {
        var path = Array(plainLoginPath.utf8)
        path.append("?return_to=")
        path.appendPercentEncoded(target.asParameter)
        return String(decoding: path, as: UTF8.self)
    }

    static let plainLoginPath = "/.sidegate/login"
}

extension SessionLimits {
    /// Without an idle limit, for ever.
    var shortestIdle: Double { idleTimeout > 0 ? idleTimeout : .infinity }
}
