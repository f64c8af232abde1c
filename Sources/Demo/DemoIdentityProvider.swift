// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import JWT
import Pages

/// The demo's identity provider: a login page with a few users, who sign in by a click, and no other features of a real
/// one. It signs with a shared secret (HS256), and by OpenID Connect with a key of its own (``DemoOpenIDProvider``).
///
/// All its paths are below `base`, so that one address serves it and the app.
///
/// | path | |
/// |---|---|
/// | `/login?return_url=URL` | the login page; redirects back with `?jwt=` at once if the browser is already signed in
/// here |
/// | `POST /login` | signs in and redirects back |
/// | `/logout?return_to=URL` | ends its own session |
/// | `/` | an explanation, and unsolicited sign-in (a login that starts at the provider) |
/// | `/authorize`, `/token`, `/end-session`, `/keys`, `/.well-known/openid-configuration` | OpenID Connect |
package struct DemoIdentityProvider: Sendable {
    private let minter: TokenMinter
    private let forger: TokenMinter
    private let cookieKey: [UInt8]
    private let issuer: String
    private let returnURLs: [String]
    /// What its paths begin with, without a slash at the end.
    private let base: String
    private let openID: DemoOpenIDProvider?
    private let pages: DemoPages

    /// - Parameters:
    ///   - returnURLs: where sign-ins may lead, without query; there are no other redirects. The first is used for a
    ///   login that starts here.
    ///   - secret: the secret with which the gate verifies tokens, as text of 32 bytes or more.
    ///   - issuer: the tokens' `iss`.
    ///   - base: what its paths begin with, without a slash at the end.
    ///   - openID: the other way to sign in; nil: none.
    package init(
        returnURLs: [String], secret: [UInt8], issuer: String, base: String = "", openID: DemoOpenIDProvider? = nil
    ) throws(KeyError) {
        minter = try TokenMinter(secret: VerificationKey(secret: secret))
        forger = try TokenMinter(secret: VerificationKey(secret: Random.bytes(32)))
        cookieKey = HKDF.sha256(secret: secret, salt: [], info: Array("demo identity provider cookie".utf8), length: 32)
        self.issuer = issuer
        self.returnURLs = returnURLs
        self.base = base
        self.openID = openID
        pages = DemoPages(
            party: "Demo identity provider", colours: Self.colours, templates: DemoIdentityProviderTemplates.all,
            formOrigins: returnURLs.map(Self.origin))
    }

    package func respond(to head: RequestHead, body: [UInt8], now: Double) -> LocalResponse {
        let request = DemoRequest(head, body: body)
        let isReading = request.method == .get || request.method == .head
        let path = request.path.hasPrefix(base + "/") ? String(request.path.dropFirst(base.count)) : ""
        switch (path, isReading, request.method) {
        case ("/", true, _): return welcome(request, now)
        case ("/login", true, _): return login(request, now)
        case ("/login", false, .post): return signIn(request, now)
        case ("/logout", true, _), ("/logout", false, .post): return logout(request)
        case ("/authorize", true, _): return authorize(request, now)
        case ("/token", false, .post): return openID?.token(request, now) ?? notFound
        case ("/end-session", true, _), ("/end-session", false, .post): return endSession(request)
        case ("/keys", true, _): return openID?.keys ?? notFound
        case ("/.well-known/openid-configuration", true, _): return openID?.discovery ?? notFound
        case ("/", _, _), ("/login", _, _), ("/logout", _, _):
            return page("note", ["title": .text("Method not allowed")], status: 405)
        default: return notFound
        }
    }

    private var notFound: LocalResponse { page("note", ["title": .text("Page not found")], status: 404) }

    private func page(_ template: String, _ values: [String: TemplateValue], status: UInt16 = 200) -> LocalResponse {
        pages.respond(template, values.merging(["base": .text(base)]) { $1 }, status: status)
    }

    private func welcome(_ request: DemoRequest, _ now: Double) -> LocalResponse {
        let user = session(request, now)
        return page(
            "welcome",
            [
                "title": .text("Sign in here"), "people": people, "returnURL": .text(returnURLs.first ?? ""),
                "user": .text(user?.givenName ?? ""), "faults": faults, "hasFaults": .flag(true),
            ])
    }

    private func login(_ request: DemoRequest, _ now: Double) -> LocalResponse {
        guard let target = returnTarget(request.parameter("return_url")) else { return refused() }
        if let user = session(request, now) { return goBack(to: target, user, fault: nil, now) }
        return page(
            "login",
            [
                "title": .text("Sign in"), "people": people, "returnURL": .text(target), "faults": faults,
                "hasFaults": .flag(true),
            ])
    }

    private func signIn(_ request: DemoRequest, _ now: Double) -> LocalResponse {
        let authorization = authorizationTarget(request.field("return_url"))
        guard let target = authorization ?? returnTarget(request.field("return_url")) else { return refused() }
        guard let user = request.field("user").flatMap(DemoUser.named) else {
            return page(
                "login",
                [
                    "title": .text("Choose a user"), "people": people, "returnURL": .text(target),
                    "faults": faults, "hasFaults": .flag(authorization == nil),
                ], status: 400)
        }
        let fault = authorization == nil ? request.field("fault").flatMap(DemoFault.init) : nil
        // The authorization endpoint finds the session and sends the browser back.
        var response = authorization.map(Self.redirect(to:)) ?? goBack(to: target, user, fault: fault, now)
        // After a simulated fault the next attempt shows the page again.
        response.add("Set-Cookie", fault == nil ? sessionCookie(user, now) : endedCookie)
        return response
    }

    private func logout(_ request: DemoRequest) -> LocalResponse {
        let target = request.parameter("return_to").flatMap { text in
            returnURLs.contains { text == Self.origin(of: $0) || text.hasPrefix(Self.origin(of: $0) + "/") }
                && Self.isPlain(text) ? text : nil
        }
        var response = page(
            "signed-out",
            [
                "title": .text("You are signed out"),
                "returnTo": .text(target ?? Self.origin(of: returnURLs.first ?? "")),
            ])
        response.add("Set-Cookie", endedCookie)
        return response
    }

    private func refused() -> LocalResponse {
        page(
            "note",
            [
                "title": .text("This sign-in cannot continue"),
                "message": .text("The return URL is missing, or is not registered with this provider."),
            ], status: 400)
    }

    private func goBack(to target: String, _ user: DemoUser, fault: DemoFault?, _ now: Double) -> LocalResponse {
        Self.redirect(to: target + (target.contains("?") ? "&" : "?") + "jwt=" + token(user, fault, now))
    }

    private func token(_ user: DemoUser, _ fault: DemoFault?, _ now: Double) -> String {
        let issued = (now - (fault == .expired ? 600 : 0)).rounded(.down)
        var claims = user.claims.filter { $0.0 != "email" || fault != .nameless }
        claims += [
            ("iss", .string(fault == .issuer ? issuer + "-other" : issuer)), ("iat", number(issued)),
            ("exp", number(issued + Self.tokenLifetime)),
            ("jti", .string(Base64URL.encodeToString(Random.bytes(16)))),
        ]
        if fault == .future { claims.append(("nbf", number(issued + 86_400))) }
        return (fault == .forged ? forger : minter).mint(claims: claims)
    }

    private func number(_ seconds: Double) -> JSONValue {
        .number(JSONNumber(Int(exactly: seconds) ?? 0))
    }

    /// The text if it is, up to its query, one of the return URLs.
    private func returnTarget(_ text: String?) -> String? {
        guard let text, Self.isPlain(text) else { return nil }
        let base = text.prefix { $0 != "?" }
        return returnURLs.contains(String(base)) ? text : nil
    }

    /// No characters that a browser drops, trims or normalises; no fragment.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "#") }
    }

    private static func origin(of url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return "" }
        return String(url[..<scheme.upperBound] + url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" })
    }

    private var people: TemplateValue {
        .list(
            DemoUser.all.map { user in
                [
                    "id": .text(user.name), "initial": .text(String(user.givenName.prefix(1))),
                    "fullName": .text(user.givenName + " " + user.familyName),
                    "about": .text(user.email + " · " + user.note),
                ]
            })
    }

    private var faults: TemplateValue {
        .list(DemoFault.allCases.map { ["id": .text($0.rawValue), "label": .text($0.label)] })
    }

    private static let tokenLifetime: Double = 180
    private static let sessionLifetime: Double = 3600
    private static let cookieName = "demo-idp"

    private static let colours = """
        :root{--accent:#6d3bd1;--accent-soft:#f0eafc}
        @media (prefers-color-scheme:dark){:root{--accent:#c2a5ff;--on-accent:#1e0f3d;--accent-soft:#2b2047}}
        """
}

// OpenID Connect: the pages and the session are the same.
extension DemoIdentityProvider {
    private func authorize(_ request: DemoRequest, _ now: Double) -> LocalResponse {
        guard let openID, let authorization = openID.authorization(request) else { return refused() }
        if let user = session(request, now) { return openID.grant(authorization, user, now) }
        return page(
            "login",
            [
                "title": .text("Sign in"), "people": people,
                "returnURL": .text("\(base)\(Self.authorizePath)?\(request.query)"), "faults": .list([]),
                "hasFaults": .flag(false),
            ])
    }

    private func endSession(_ request: DemoRequest) -> LocalResponse {
        guard let openID else { return notFound }
        guard let target = openID.signedOutTarget(request) else { return logout(request) }
        var response = Self.redirect(to: target)
        response.add("Set-Cookie", endedCookie)
        return response
    }

    /// The text if it is a URL of this provider's own authorization endpoint, as the login page holds it.
    private func authorizationTarget(_ text: String?) -> String? {
        guard openID != nil, let text, text.hasPrefix("\(base)\(Self.authorizePath)?"), Self.isPlain(text) else {
            return nil
        }
        return text
    }

    private static func redirect(to target: String) -> LocalResponse {
        var response = LocalResponse(status: 303)
        response.add("Location", target)
        response.add("Cache-Control", "no-store")
        response.add("Referrer-Policy", "no-referrer")
        return response
    }

    private static let authorizePath = "/authorize"
}

// The provider's own session, so that a second sign-in needs no click: user and expiry, authenticated by a code.
extension DemoIdentityProvider {
    private var endedCookie: String { "\(Self.cookieName)=; Path=\(base)/; Max-Age=0; HttpOnly; SameSite=Lax" }

    private func sessionCookie(_ user: DemoUser, _ now: Double) -> String {
        let text = "\(user.name).\(Int(now + Self.sessionLifetime))"
        let limits = "Path=\(base)/; Max-Age=\(Int(Self.sessionLifetime)); HttpOnly; SameSite=Lax"
        return "\(Self.cookieName)=\(text).\(code(text)); \(limits)"
    }

    private func session(_ request: DemoRequest, _ now: Double) -> DemoUser? {
        guard let cookie = request.cookie(Self.cookieName) else { return nil }
        let parts = cookie.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let end = Double(parts[1]), now < end,
            constantTimeEquals(Array(parts[2].utf8).span, Array(code(parts[0] + "." + parts[1]).utf8).span)
        else { return nil }
        return DemoUser.named(String(parts[0]))
    }

    private func code(_ text: some StringProtocol) -> String {
        Base64URL.encodeToString(
            HMAC.authenticationCode(for: Array(text.utf8).span, key: cookieKey.span, .sha256))
    }
}
