// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

// The way to the IdP: redirects with a login cookie for each attempt, and the 401 for what cannot follow one.
extension Gate {
    /// The answer to a request without a session, and without a good reason to have none.
    func unauthenticated(
        _ request: RequestHead, _ context: RequestContext, _ reason: ReasonCode?, _ requestID: [UInt8]
    ) -> LocalResponse {
        guard NavigationTest.isNavigation(request) else {
            return isGRPC(request) ? grpcUnauthenticated(reason) : unauthenticatedJSON(request, context, reason)
        }
        let site = RequestSite(request, context, siteRules)
        guard let origin = site.origin(request, siteRules) else { return hostMissing(request, requestID) }
        let target = ReturnTarget(
            of: request, on: targetSite(origin), host: site.requestOrigin(request) ?? origin,
            tokenParameter: tokenParameter)
        return redirect(to: target, .navigation, request, context, site, origin, reason)
    }

    /// `/.sidegate/login?return_to=`
    func login(_ request: RequestHead, _ context: RequestContext, _ requestID: [UInt8]) -> LocalResponse {
        guard request.method == .get || request.method == .head else {
            return methodNotAllowed(request, requestID, allow: "GET, HEAD")
        }
        let site = RequestSite(request, context, siteRules)
        guard let origin = site.origin(request, siteRules) else { return hostMissing(request, requestID) }
        guard let target = Parameters(query: request).returnTarget(on: targetSite(origin)) else {
            return refused(.returnURLRefused, status: 400, request, requestID, tryAgain: Self.plainLoginPath)
        }
        return redirect(to: target ?? .root, .wish, request, context, site, origin, nil)
    }

    /// 302 to the IdP.
    private func redirect(
        to target: ReturnTarget, _ cause: AttemptID.Cause, _ request: RequestHead, _ context: RequestContext,
        _ site: RequestSite, _ origin: PublicOrigin, _ reason: ReasonCode?
    ) -> LocalResponse {
        let names = names(site)
        guard let binding = site.binding(request, siteRules) else { return hostMissing(request, []) }
        let attempt = AttemptID(cause, now: context.now, random: random.bytes(AttemptID.randomByteCount))
        let url = expandedLoginURL(attempt, target, origin)
        var response = LocalResponse(status: 302, body: redirectBody(url))
        response.add("Location", url)
        addPageFields(&response)
        let cookie = setCookie(isSecure: site.isSecure)
        let state = LoginState(startedAt: context.now, target: target)
        response.add("Set-Cookie", loginCookie(attempt, state, names, binding, cookie))
        for old in surplus(attempts(of: request, names).map(\.id)) {
            response.add("Set-Cookie", cookie.expired(names.login + old.text))
        }
        if reason == .sessionExpired || reason == .sessionIdle,
            min(limits.lifetime, limits.shortestIdle) < ReturnCount.window
        {
            // A session that lasts so briefly ends by itself: no sign of a loop.
            response.add("Set-Cookie", cookie.expired(names.returns))
        }
        response.decision = "redirect"
        response.reason = reason?.rawValue
        return response
    }

    func loginCookie(
        _ attempt: AttemptID, _ state: LoginState, _ names: CookieNames, _ binding: SiteBinding, _ cookie: SetCookie
    ) -> [UInt8] {
        let name = names.login + attempt.text
        return cookie.login(
            name, loginSeal.seal(state.encoded, name: name, site: binding), maxAge: LoginState.lifetime)
    }

    /// The oldest attempts of a browser, which end to make room for one more.
    func surplus(_ attempts: [AttemptID]) -> ArraySlice<AttemptID> {
        guard attempts.count >= LoginState.maximumCount else { return [] }
        return attempts.sorted { $0.isOlder(than: $1) }.prefix(attempts.count - LoginState.maximumCount + 1)
    }

    /// The attempts whose cookies came, and where their values stand. At most 64 are looked at.
    func attempts(of request: RequestHead, _ names: CookieNames) -> [(id: AttemptID, value: ByteRange)] {
        var attempts: [(id: AttemptID, value: ByteRange)] = []
        let bytes = request.bytes.span
        request.forEachCookie { name, value in
            guard attempts.count < 64, name.upperBound <= bytes.count,
                let attempt = names.attempt(bytes.extracting(name.range))
            else { return }
            attempts.append((attempt, value))
        }
        return attempts
    }

    /// `state` goes along in the return URL, unless the template carries it by itself.
    private func expandedLoginURL(_ attempt: AttemptID, _ target: ReturnTarget, _ origin: PublicOrigin) -> [UInt8] {
        let template = configuration.loginURL
        let carriesState = template.contains(.state)
        var url: [UInt8] = []
        url.reserveCapacity(512)
        template.expand(into: &url) { placeholder, value in
            switch placeholder {
            case .returnURL:
                origin.append(to: &value)
                value.append(contentsOf: returnPath)
                if !carriesState {
                    value.append("?state=")
                    value.append(contentsOf: attempt.text)
                }
            case .returnTo: target.appendAbsolute(to: &value, on: origin)
            case .state: value.append(contentsOf: attempt.text)
            case .email: break
            }
        }
        return url
    }

    /// Where a page's script can send the person to sign in: our own URL, which starts an attempt when it is opened.
    func loginURL(_ request: RequestHead, _ context: RequestContext) -> String {
        let site = RequestSite(request, context, siteRules)
        var url: [UInt8] = []
        if let origin = site.origin(request, siteRules) {
            origin.append(to: &url)
            url.append(contentsOf: Self.loginPath(referringPage(request, origin) ?? .root).utf8)
        } else {
            url.append(contentsOf: Self.plainLoginPath.utf8)
        }
        return String(decoding: url, as: UTF8.self)
    }

    /// The page that made the request, to come back to.
    private func referringPage(_ request: RequestHead, _ origin: PublicOrigin) -> ReturnTarget? {
        guard let referer = request.fields.first(where: { $0.known == .referer })?.value,
            referer.upperBound <= request.bytes.count
        else { return nil }
        let text = request.bytes.span.extracting(referer.range)
        guard WebScheme(prefixOf: text) != nil else { return nil }
        return ReturnTarget(untrusted: text, on: targetSite(origin))
    }

    /// `/.sidegate/login?return_to=…`, for the links of our pages.
    static func loginPath(_ target: ReturnTarget) -> String {
        var path = Array(plainLoginPath.utf8)
        path.append("?return_to=")
        path.appendPercentEncoded(target.bytes)
        return String(decoding: path, as: UTF8.self)
    }

    static let plainLoginPath = "/.sidegate/login"
}

extension SessionLimits {
    /// Without an idle limit, for ever.
    var shortestIdle: Double { idleTimeout > 0 ? idleTimeout : .infinity }
}
