// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

// `POST /.sidegate/backchannel-logout`: the identity provider says, by a signed token, that a user is signed out (OpenID
// Connect Back-Channel Logout 1.0, for providers of any kind).
extension Gate {
    func backchannelLogout(_ request: borrowing AccessRequest) -> Decision {
        guard request.head.method == .post else {
            return .respond(methodNotAllowed(request, allow: "POST"))
        }
        guard isForm(request) || isBareToken(request) else {
            return .respond(unsupportedMediaType(request))
        }
        return .collectBody(limit: Self.formLimit)
    }

    /// The form's `logout_token` or its parameter of the sign-in token's name; or the token alone.
    func backchannelLogout(_ request: borrowing AccessRequest, body: [UInt8]) -> Decision {
        let tokens: [[UInt8]]
        if isForm(request) {
            let parameters = Parameters(form: body)
            var named = parameters.values("logout_token")
            if tokenParameter != Array("logout_token".utf8) { named += parameters.values(tokenParameter) }
            tokens = named.filter { !$0.isEmpty }
        } else {
            let text = body.span
            let token = Array(copying: text.extracting(text.trimmed(0..<Self.lineEnd(body))))
            tokens = token.isEmpty ? [] : [token]
        }
        guard let token = tokens.first else { return .respond(invalidLogout(.tokenMissing)) }
        guard tokens.count == 1 else { return .respond(invalidLogout(.tokenMalformed)) }

        let verified: VerifiedToken
        do {
            verified = try verifier.verify(token.span, now: request.context.now)
        } catch {
            if awaitsKeys(after: error.reason, request) { return .awaitKeys }
            return .respond(invalidLogout(error.reason))
        }
        // §2.4: a token with a nonce is an ID token, which others may have come by.
        guard verified.claims["nonce"] == nil else { return .respond(invalidLogout(.claimsMalformed)) }
        let fields: UserAttributes
        do {
            fields = try logoutMapping.fields(of: verified.claims)
        } catch {
            return .respond(invalidLogout(error.reason))
        }
        var subjects = self.subjects(of: fields)
        let subject = verified.claims["sub"]?.string ?? ""
        guard ClaimMapping.isSound(subject) else { return .respond(invalidLogout(.fieldInvalid)) }
        if !subject.isEmpty, !subjects.contains(Revocation.subject(subject)) {
            subjects.append(Revocation.subject(subject))
        }
        guard !subjects.isEmpty else { return .respond(invalidLogout(.fieldMissing)) }
        return .consumeLogoutToken(
            PendingLogout(
                replayKeys: replayKeys(verified),
                retention: retention(of: verified, now: request.context.now),
                revocation: Revocation(
                    subjects: subjects, revokedAt: request.context.now,
                    expiresAt: request.context.now + limits.lifetime,
                    user: subject.isEmpty ? fields.account : subject)))
    }

    /// After `.consumeLogoutToken`: what to do, now that the replay store has spoken.
    ///
    /// Each token ends sessions once: whoever comes by an old one cannot keep a user out. Without the store's word they
    /// end all the same, since it is the safe side.
    package func finishLogout(
        _ pending: PendingLogout, _ verdict: ReplayVerdict, _ request: borrowing AccessRequest
    ) -> Decision {
        switch verdict {
        case .replayed: return .respond(invalidLogout(.replayed))
        case .fresh, .unavailable:
            var response = json(200, [])
            response.decision = "logout"
            response.user = pending.revocation.user
            return .revoke(pending.revocation, response)
        }
    }

    /// When `revoke` had no room: the provider shall try again.
    package func logoutNotRemembered(_ revocation: Revocation) -> LocalResponse {
        var response = json(503, [("error", "temporarily_unavailable")])
        response.add("Retry-After", "60")
        response.decision = "refused"
        response.user = revocation.user
        return response
    }

    /// §2.8: 400, and why.
    private func invalidLogout(_ reason: ReasonCode) -> LocalResponse {
        var response = json(400, [("error", "invalid_request"), ("error_description", .string(reason.rawValue))])
        response.decision = "refused"
        response.reason = reason.rawValue
        return response
    }

    /// Where the line breaks at the end of a body begin.
    private static func lineEnd(_ body: [UInt8]) -> Int {
        (body.lastIndex { $0 != 10 && $0 != 13 && $0 != 0x20 && $0 != 0x09 } ?? -1) + 1
    }
}

extension VerifiedToken {
    /// It says of itself that it signs somebody out.
    var isLogoutToken: Bool { claims["events"]?[Self.logoutEvent] != nil }

    static let logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
}
