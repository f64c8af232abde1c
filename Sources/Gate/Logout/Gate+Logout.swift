// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import JWT
import Pages

// Logout: the session and its cookies end, and the browser goes to the IdP's logout or sees that it is signed out.
extension Gate {
    /// `/.sidegate/logout`: by POST, or by GET from this site; else a page asks, or another site's image could sign
    /// people out.
    func logout(_ request: borrowing AccessRequest) -> Decision {
        guard let origin = request.publicOrigin else {
            return .respond(hostMissing(request))
        }
        let check = SiteCheck.of(request.head, on: request.site.targetSite(origin))
        let agreed: Bool
        switch request.head.method {
        case .post: agreed = check != .otherSite
        case .get: agreed = check == .thisSite
        case .head: agreed = false
        case .put, .delete, .connect, .options, .trace, .patch, .other:
            return .respond(methodNotAllowed(request, allow: "GET, HEAD, POST"))
        }
        guard let named = Parameters(query: request.head).returnTarget(on: request.site.targetSite(origin)) else {
            return .respond(signInRefused(.returnURLRefused, status: 400, request, tryAgain: nil))
        }
        var session: SessionState?
        var ticket: SessionTicket?
        switch self.session(of: request) {
        case .valid(let identity):
            session = identity.session
            ticket = identity.stored?.ticket
        // Whose it is cannot be known now, but it ends.
        case .storeUnavailable(let stored): ticket = stored.ticket
        case .none, .refused, .needsLookup, .unchecked: break
        }
        guard agreed else { return .respond(confirmLogout(session, returnTo: named)) }

        var response = signedOut(session, returnTo: named, origin, now: request.context.now)
        for cookie in endedCookies(of: request, origin, page: named?.bytes ?? []) {
            response.add("Set-Cookie", cookie)
        }
        response.decision = "logout"
        response.user = session?.fields.user
        guard let id = session?.id ?? ticket?.id, let signedInAt = session?.signedInAt ?? ticket?.signedInAt else {
            return .respond(response)
        }
        let revocation = revocation(
            id: id, signedInAt: signedInAt, user: session?.fields.user ?? "", ticket: ticket, now: request.context.now)
        return .revoke(revocation, response)
    }

    func revocation(of session: SessionState, ticket: SessionTicket?, now: Double) -> Revocation {
        revocation(
            id: session.id, signedInAt: session.signedInAt, user: session.fields.user, ticket: ticket, now: now)
    }

    /// The cookie may have been copied, and a WebSocket of the session may be open on any loop.
    private func revocation(
        id: [UInt8], signedInAt: Double, user: String, ticket: SessionTicket?, now: Double
    ) -> Revocation {
        var revocation = Revocation(
            subjects: [Revocation.subject(session: id)], revokedAt: max(now, signedInAt),
            expiresAt: signedInAt + limits.lifetime, user: user, isOfOneSession: true)
        revocation.storedSession = ticket?.id
        return revocation
    }

    /// Set-Cookie values that end our cookies and those of the app's session.
    ///
    /// - Parameter page: the path of a page of the app; empty: not known.
    func endedCookies(
        of request: borrowing AccessRequest, _ origin: PublicOrigin, page: [UInt8]
    ) -> [[UInt8]] {
        let cookie = setCookie(isSecure: request.origin.isSecure)
        return ownCookies(of: request, names(request)).map { cookie.expired($0) }
            + appCookies.ended(host: origin.host, isSecure: request.origin.isSecure, page: page)
    }

    private func confirmLogout(_ session: SessionState?, returnTo: ReturnTarget?) -> LocalResponse {
        var action: [UInt8] = Array("/.sidegate/logout".utf8)
        if let returnTo {
            action.append("?return_to=")
            action.appendPercentEncoded(returnTo.bytes)
        }
        var response = page(
            200,
            .confirmSignOut(account: session?.fields.account, action: String(decoding: action, as: UTF8.self)),
            hasForm: true)
        response.decision = "confirm"
        response.user = session?.fields.user
        return response
    }

    func signedOut(
        _ session: SessionState?, returnTo: ReturnTarget?, _ origin: PublicOrigin, now: Double
    ) -> LocalResponse {
        guard let logoutURL = configuration.logoutURL else {
            return page(200, .signedOut(signIn: Self.loginPath(returnTo ?? .root)))
        }
        var url: [UInt8] = []
        logoutURL.expand(into: &url) { placeholder, value in
            switch placeholder {
            case .returnTo: (returnTo ?? .root).appendAbsolute(to: &value, on: origin)
            case .email: value.append(contentsOf: (session?.fields["email"].first ?? "").utf8)
            case .logoutToken:
                // Without a session there is nobody to name: better no parameter than an empty one.
                guard let session, let minter = configuration.logoutTokenMinter else { return false }
                value.append(contentsOf: logoutToken(session.fields, minter, now: now).utf8)
            case .returnURL, .state: break
            }
            return true
        }
        var response = LocalResponse(status: 303, body: redirectBody(url))
        response.add("Location", url)
        addPageFields(&response)
        return response
    }

    /// Tells the IdP whom to sign out: good for a minute, and for nothing else (see ``VerifiedToken/isLogoutToken``).
    private func logoutToken(_ fields: UserAttributes, _ minter: TokenMinter, now: Double) -> String {
        let issuedAt = Int(max(0, min(now.rounded(.down), 9e15)))
        var claims: [(String, JSONValue)] = []
        if let email = fields["email"].first { claims.append(("email", .string(email))) }
        claims += [
            ("iat", .number(JSONNumber(issuedAt))), ("exp", .number(JSONNumber(issuedAt + Self.logoutTokenLifetime))),
            ("jti", .string(Hex.encodeToString(random.bytes(16)))), ("sub", .string(fields.user)),
            ("events", .object(JSONObject([(VerifiedToken.logoutEvent, JSONValue.object(JSONObject()))]))),
        ]
        return minter.mint(claims: claims)
    }

    /// In seconds.
    private static let logoutTokenLifetime = 60

    /// The session's cookie, whether it came or not, and all of ours that did.
    private func ownCookies(of request: borrowing AccessRequest, _ names: CookieNames) -> [[UInt8]] {
        var own = [names.session]
        let bytes = request.head.bytes.span
        request.head.forEachCookie { name, _ in
            guard own.count < 64, name.upperBound <= bytes.count else { return }
            let text = bytes.extracting(name.range)
            guard
                (names.sessionChunk(text) ?? 0) > 0 || names.attempt(text) != nil || text.equals(names.returns.span)
                    || text.equals(names.native.span)
            else { return }
            own.append(Array(copying: text))
        }
        return own
    }
}
