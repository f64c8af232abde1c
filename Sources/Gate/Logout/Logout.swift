// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import HTTP
import JWT
import Pages

/// The end of a session by its user: the session and its cookies end, and the browser goes to the provider's logout or
/// sees that it is signed out.
struct Logout {
    /// What follows the logout of a provider's users.
    private struct Target {
        /// The page that the configuration names; nil: none.
        let url: URLTemplate?
        let minter: TokenMinter?
        let login: any LoginProtocol
    }

    /// By the provider's name.
    private let targets: [String: Target]
    /// For a browser whose provider is not known: that of the only one.
    private let standard: Target?
    private let sessions: Sessions
    private let revocations: SessionRevocations
    private let cookies: OwnCookies
    private let appCookies: AppCookies
    private let responses: Responses
    private let random: RandomPool
    private let target: LogoutTarget

    init(
        _ configuration: GateConfiguration, providers: Providers, sessions: Sessions,
        revocations: SessionRevocations, cookies: OwnCookies, appCookies: AppCookies, responses: Responses,
        random: RandomPool, target: LogoutTarget
    ) {
        let all = configuration.providers.compactMap { provider in
            providers.configured(provider.name).map {
                (provider.name, Target(url: provider.logoutURL, minter: provider.logoutTokenMinter, login: $0.login))
            }
        }
        targets = Dictionary(all) { first, _ in first }
        standard = all.count == 1 ? all.first?.1 : nil
        self.sessions = sessions
        self.revocations = revocations
        self.cookies = cookies
        self.appCookies = appCookies
        self.responses = responses
        self.random = random
        self.target = target
    }

    /// `/.sidegate/logout`: by POST, or by GET from this site; otherwise a page asks, or another site's image could sign
    /// people out.
    func step(_ request: borrowing AccessRequest) -> Step {
        guard let origin = request.publicOrigin else { return .respond(responses.hostMissing(request)) }
        let site = request.site.targetSite(origin)
        let check = SiteCheck.of(request.head, on: site)
        let agreed: Bool
        switch request.head.method {
        case .post: agreed = check != .otherSite
        case .get: agreed = check == .thisSite
        case .head: agreed = false
        case .put, .delete, .connect, .options, .trace, .patch, .other:
            return .respond(responses.methodNotAllowed(request, allow: "GET, HEAD, POST"))
        }
        guard let named = Parameters(query: request.head).returnTarget(on: site, without: request.site.tokenParameter)
        else {
            return .respond(responses.signInRefused(.returnURLRefused, status: 400, request, tryAgain: nil))
        }
        var session: SessionState?
        var ticket: SessionTicket?
        switch sessions.session(of: request) {
        case .valid(let identity):
            session = identity.session
            ticket = identity.stored?.ticket
        // Whose session it is cannot be known now, but it ends.
        case .storeUnavailable(let stored): ticket = stored.ticket
        case .none, .refused, .needsLookup: break
        }
        guard agreed else { return .respond(confirmation(session, returnTo: named, request)) }

        var response = signedOut(session, returnTo: named, origin, request)
        // The provider sends the browser back to one address, whatever the target is.
        let kept = response.status == 303 ? named.flatMap { target.cookie($0, request) } : nil
        let targetCookie = cookies.names(request).logoutTarget
        for cookie in endedCookies(request, origin, page: named?.bytes ?? [])
        where kept == nil || !cookie.starts(with: targetCookie + [UInt8(ascii: "=")]) {
            response.add("Set-Cookie", cookie)
        }
        if let kept { response.add("Set-Cookie", kept) }
        response.outcome = .logout
        response.user = session?.fields.user
        if let provider = session?.provider, !provider.isEmpty { response.provider = provider }
        guard let id = session?.id ?? ticket?.id, let signedInAt = session?.signedInAt ?? ticket?.signedInAt else {
            return .respond(response)
        }
        let revocation = revocations.logout(
            id: id, signedInAt: signedInAt, user: session?.fields.user ?? "", ticket: ticket, now: request.context.now)
        return .ask(.revoke(PendingRevocation(revocation, response)))
    }

    /// `/.sidegate/signed-out`: where the provider sends the browser when the session there has ended.
    func signedOut(_ request: borrowing AccessRequest) -> LocalResponse {
        guard request.head.method == .get || request.head.method == .head else {
            return responses.methodNotAllowed(request, allow: "GET, HEAD")
        }
        return responses.page(
            200, .signedOut(signIn: LoginAddress.path(target.target(of: request) ?? .root)), for: request)
    }

    /// The end of the session that comes with the app's response to `request`.
    func signOut(
        _ identity: Identity, _ session: SessionState, _ request: borrowing AccessRequest, _ origin: PublicOrigin
    ) -> SignOut {
        let now = request.context.now
        var answer: LocalResponse?
        if NavigationTest.isShown(request.head) {
            var page = signedOut(session, returnTo: nil, origin, request)
            page.outcome = .logout
            page.user = identity.user
            if !identity.provider.isEmpty { page.provider = identity.provider }
            answer = page
        }
        let path = Array(request.head.bytes[request.path.place.range])
        var block: [UInt8] = []
        for cookie in endedCookies(request, origin, page: path) {
            block.append("Set-Cookie: ")
            block.append(contentsOf: cookie)
            block.append("\r\n")
        }
        let revocation = revocations.logout(
            id: session.id, signedInAt: session.signedInAt, user: session.fields.user,
            ticket: identity.stored?.ticket, now: now)
        return SignOut(revocation: revocation, answer: answer, cookies: block)
    }

    /// Set-Cookie values that end the gate's cookies and those of the app's session.
    ///
    /// - Parameter page: the path of a page of the app; empty: not known.
    private func endedCookies(
        _ request: borrowing AccessRequest, _ origin: PublicOrigin, page: [UInt8]
    ) -> [[UInt8]] {
        cookies.ended(in: request)
            + appCookies.ended(host: origin.host, isSecure: request.origin.isSecure, page: page)
    }

    private func confirmation(
        _ session: SessionState?, returnTo: ReturnTarget?, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        var action: [UInt8] = Array("/.sidegate/logout".utf8)
        if let returnTo {
            action.append("?return_to=")
            action.appendPercentEncoded(returnTo.bytes)
        }
        var response = responses.page(
            200,
            .confirmSignOut(account: session?.fields.account, action: String(decoding: action, as: UTF8.self)),
            for: request, hasForm: true)
        response.outcome = .confirm
        response.user = session?.fields.user
        return response
    }

    private func signedOut(
        _ session: SessionState?, returnTo: ReturnTarget?, _ origin: PublicOrigin,
        _ request: borrowing AccessRequest
    ) -> LocalResponse {
        let target = session.flatMap { targets[$0.provider] } ?? standard
        guard let template = target?.url else {
            if let url = target?.login.endOfSession(on: origin, idToken: session?.idToken ?? []) {
                return responses.redirect(303, to: url)
            }
            return responses.page(200, .signedOut(signIn: LoginAddress.path(returnTo ?? .root)), for: request)
        }
        let now = request.context.now
        var url: [UInt8] = []
        template.expand(into: &url) { placeholder, value in
            switch placeholder {
            case .returnTo: (returnTo ?? .root).appendAbsolute(to: &value, on: origin)
            case .email: value.append(contentsOf: (session?.fields["email"].first ?? "").utf8)
            case .logoutToken:
                // Without a session there is no user to name: the parameter is omitted rather than empty.
                guard let session, let minter = target?.minter else { return false }
                value.append(contentsOf: token(session.fields, minter, now: now).utf8)
            case .returnURL, .state: break
            }
            return true
        }
        return responses.redirect(303, to: url)
    }

    /// Names the user to the provider: valid for a minute, and for nothing else (see ``VerifiedToken/isLogoutToken``).
    private func token(_ fields: UserAttributes, _ minter: TokenMinter, now: Double) -> String {
        let issuedAt = Int(max(0, min(now.rounded(.down), 9e15)))
        var claims: [(String, JSONValue)] = []
        if let email = fields["email"].first { claims.append(("email", .string(email))) }
        claims += [
            ("iat", .number(JSONNumber(issuedAt))), ("exp", .number(JSONNumber(issuedAt + Self.tokenLifetime))),
            ("jti", .string(Hex.encodeToString(random.bytes(16)))), ("sub", .string(fields.user)),
            ("events", .object(JSONObject([(VerifiedToken.logoutEvent, JSONValue.object(JSONObject()))]))),
        ]
        return minter.mint(claims: claims)
    }

    /// In seconds.
    private static let tokenLifetime = 60
}
