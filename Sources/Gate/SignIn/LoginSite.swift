// SPDX-License-Identifier: Apache-2.0

import HTTP
import Pages

/// The parts of a redirect to the provider that depend on scheme and host alone, written out once: most requests of a gate
/// name the same.
final class LoginSite {
    /// The host as the request has it: the same bytes and the same scheme, the same site.
    private let authority: [UInt8]
    private let isSecure: Bool

    let origin: PublicOrigin
    let scope: CookieScope
    let target: ReturnTarget.Site
    /// The start of the target that this very request is for, whose host may be another one of the session's domain.
    let targetPrefix: [UInt8]
    let providerName: String
    /// The provider's answer must be tied to one attempt (``LoginProof``).
    let needsProof: Bool
    let loginURL: LoginURL
    let names: CookieNames
    let cookie: SetCookie
    /// The field lines of a redirect to the provider without a login cookie.
    let plainRedirectFields: PrerenderedTemplate
    /// The same with one, up to the cookie's value, and what follows that.
    let redirectFields: PrerenderedTemplate
    let loginCookieEnd: [UInt8]
    /// The redirect's page.
    let redirectPage: PrerenderedTemplate
    /// What the latest login cookie was bound to.
    private var loginBinding: [UInt8]

    /// Nil when neither the config nor the request says where the browser is, or it is not known where users sign in.
    init?(
        _ request: borrowing AccessRequest, _ provider: Provider, _ attempts: LoginAttempts,
        _ responses: Responses, _ cookies: OwnCookies
    ) {
        guard let origin = request.publicOrigin, let scope = request.cookieScope,
            let loginURL = provider.login.start(on: origin)
        else { return nil }
        authority = Array(request.head.bytes[Self.authority(request)])
        isSecure = request.origin.isSecure
        self.origin = origin
        self.scope = scope
        target = request.site.targetSite(origin)
        targetPrefix = target.prefix(of: request.requestOrigin ?? origin)
        providerName = provider.name
        needsProof = provider.login.needsAttempt
        self.loginURL = loginURL
        names = cookies.names(request)
        cookie = cookies.setCookie(isSecure: request.origin.isSecure)
        let template = responses.redirectTemplate
        var fields = PrerenderedTemplate()
        fields.append("Location: ".utf8)
        fields.append(loginURL.plain)
        fields.append("\r\n".utf8)
        fields.append(template.fields)
        plainRedirectFields = fields
        fields.append("Set-Cookie: ".utf8)
        fields.append(names.login)
        fields.append(.attempt)
        fields.append("=".utf8)
        redirectFields = fields
        var page = PrerenderedTemplate()
        for (index, piece) in template.pieces.enumerated() {
            if index > 0 { page.append(loginURL.escaped) }
            page.append(piece)
        }
        redirectPage = page
        loginBinding = attempts.binding(names, scope)
        loginCookieEnd = cookie.loginAttributes(maxAge: LoginState.lifetime) + Array("\r\n".utf8)
    }

    func isOf(_ request: borrowing AccessRequest) -> Bool {
        guard isSecure == request.origin.isSecure else { return false }
        let bytes = request.head.bytes.span
        let authority = authority
        let isSame = bytes.extracting(Self.authority(request)).equals(authority.span)
        return isSame
    }

    /// What an attempt's login cookie is bound to.
    func loginBinding(of attempt: LoginAttemptID) -> [UInt8] {
        loginBinding.overwrite(from: Seal.nameStart + names.login.count, with: attempt.bytes.span)
        return loginBinding
    }

    /// The host's place; empty when it lies outside the head.
    private static func authority(_ request: borrowing AccessRequest) -> Range<Int> {
        request.origin.host.upperBound <= request.head.bytes.count ? request.origin.host.range : 0..<0
    }
}
