// SPDX-License-Identifier: Apache-2.0

import HTTP
import Pages

/// All that follows from a scheme and the host a request names, worked out once: most requests of a gate name the same.
final class SiteCache {
    /// The host as the request has it: the same bytes and the same scheme, the same site.
    private let authority: [UInt8]
    private let isSecure: Bool

    let origin: PublicOrigin
    let scope: CookieScope
    let target: ReturnTarget.Site
    /// What the target begins with that this very request is for, whose host may be another one of the session's domain.
    let targetPrefix: [UInt8]
    let loginURL: LoginURL
    let names: CookieNames
    let cookie: SetCookie
    /// The field lines of a redirect to the IdP without a login cookie.
    let plainRedirectFields: PrerenderedTemplate
    /// The same with one, up to the cookie's value, and what follows that.
    let redirectFields: PrerenderedTemplate
    let loginCookieEnd: [UInt8]
    /// The redirect's page.
    let redirectPage: PrerenderedTemplate
    /// What the latest login cookie was bound to.
    private var loginBinding: [UInt8]

    /// Nil when neither the config nor the request says where the browser is.
    init?(_ site: RequestOrigin, _ request: RequestHead, _ gate: Gate) {
        guard let origin = site.publicOrigin(request, gate.originRules),
            let scope = site.cookieScope(request, gate.originRules)
        else { return nil }
        authority = Array(request.bytes[Self.authority(site, request)])
        isSecure = site.isSecure
        self.origin = origin
        self.scope = scope
        target = gate.targetSite(origin)
        targetPrefix = target.prefix(of: site.requestOrigin(request) ?? origin)
        loginURL = LoginURL(gate.configuration.loginURL, origin, returnPath: gate.returnPath)
        names = gate.names(site)
        cookie = gate.setCookie(isSecure: site.isSecure)
        var fields = PrerenderedTemplate()
        fields.append("Location: ".utf8)
        fields.append(loginURL.plain)
        fields.append("\r\n".utf8)
        fields.append(gate.pageFields)
        plainRedirectFields = fields
        fields.append("Set-Cookie: ".utf8)
        fields.append(names.login)
        fields.append(.attempt)
        fields.append("=".utf8)
        redirectFields = fields
        var page = PrerenderedTemplate()
        for (index, piece) in gate.configuration.pages.redirectPieces.enumerated() {
            if index > 0 { page.append(loginURL.escaped) }
            page.append(piece)
        }
        redirectPage = page
        let anyName = names.login + Array(repeating: 0, count: LoginAttemptID.length)
        loginBinding = gate.loginSeal.authenticated(anyName.span, scope)
        loginCookieEnd = cookie.loginAttributes(maxAge: LoginState.lifetime) + Array("\r\n".utf8)
    }

    func isOf(_ site: RequestOrigin, _ request: RequestHead) -> Bool {
        guard isSecure == site.isSecure else { return false }
        let bytes = request.bytes.span
        let authority = authority
        let isSame = bytes.extracting(Self.authority(site, request)).equals(authority.span)
        return isSame
    }

    /// What an attempt's login cookie is bound to.
    func loginBinding(of attempt: LoginAttemptID) -> [UInt8] {
        loginBinding.overwrite(from: Seal.nameStart + names.login.count, with: attempt.bytes.span)
        return loginBinding
    }

    /// The host's place; empty when it lies outside the head.
    private static func authority(_ site: RequestOrigin, _ request: RequestHead) -> Range<Int> {
        site.host.upperBound <= request.bytes.count ? site.host.range : 0..<0
    }
}

extension Gate {
    /// What is known of the request's site; nil when neither the config nor the request says where the browser is.
    func siteCache(_ site: RequestOrigin, _ request: RequestHead) -> SiteCache? {
        if let lastSite, lastSite.isOf(site, request) { return lastSite }
        guard let known = SiteCache(site, request, self) else { return nil }
        lastSite = known
        return known
    }
}
