// SPDX-License-Identifier: Apache-2.0

import HTTP

/// All that follows from a scheme and the host a request names, worked out once: most requests of a gate name the same.
final class KnownSite {
    /// The host as the request has it: the same bytes and the same scheme, the same site.
    private let authority: [UInt8]
    private let isSecure: Bool

    let origin: PublicOrigin
    /// The host this very request is for, which may be another one of the session's domain.
    let requestOrigin: PublicOrigin
    let binding: SiteBinding
    let target: ReturnTarget.Site
    let loginURL: LoginURL
    let names: CookieNames
    let cookie: SetCookie
    /// What stands in a login cookie's line before the attempt's name, and behind the value.
    let loginCookieStart: [UInt8]
    let loginCookieEnd: [UInt8]

    /// Nil when neither the config nor the request says where the browser is.
    init?(_ site: RequestSite, _ request: RequestHead, _ gate: Gate) {
        guard let origin = site.origin(request, gate.siteRules), let binding = site.binding(request, gate.siteRules)
        else { return nil }
        authority = Array(request.bytes[Self.authority(site, request)])
        isSecure = site.isSecure
        self.origin = origin
        self.binding = binding
        requestOrigin = site.requestOrigin(request) ?? origin
        target = gate.targetSite(origin)
        loginURL = LoginURL(gate.configuration.loginURL, origin, returnPath: gate.returnPath)
        names = gate.names(site)
        cookie = gate.setCookie(isSecure: site.isSecure)
        loginCookieStart = Array("Set-Cookie: ".utf8) + names.login
        loginCookieEnd = cookie.loginAttributes(maxAge: LoginState.lifetime) + Array("\r\n".utf8)
    }

    func isOf(_ site: RequestSite, _ request: RequestHead) -> Bool {
        guard isSecure == site.isSecure else { return false }
        let bytes = request.bytes.span
        let authority = authority
        let isSame = bytes.extracting(Self.authority(site, request)).equals(authority.span)
        return isSame
    }

    /// The host's place; empty when it lies outside the head.
    private static func authority(_ site: RequestSite, _ request: RequestHead) -> Range<Int> {
        site.host.upperBound <= request.bytes.count ? site.host.range : 0..<0
    }
}

extension Gate {
    /// What is known of the request's site; nil when neither the config nor the request says where the browser is.
    func knownSite(_ site: RequestSite, _ request: RequestHead) -> KnownSite? {
        if let lastSite, lastSite.isOf(site, request) { return lastSite }
        guard let known = KnownSite(site, request, self) else { return nil }
        lastSite = known
        return known
    }
}
