// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// `POST /.sidegate/backchannel-logout`: an identity provider ends a user's sessions by a signed token (OpenID Connect
/// Back-Channel Logout 1.0, for providers of any kind). The token is of the first provider that accepts it, and ends
/// sessions of that provider's users alone.
struct BackchannelLogout {
    private struct Issuer {
        let tokens: TokenCheck
        let mapping: ClaimMapping
        let isOpenID: Bool
    }

    private let issuers: [Issuer]
    private let revocations: SessionRevocations
    private let limits: SessionLimits
    private let responses: Responses

    init(
        _ configuration: GateConfiguration, tokens: [TokenCheck], revocations: SessionRevocations,
        limits: SessionLimits, responses: Responses
    ) {
        issuers = zip(configuration.providers, tokens).map { provider, tokens in
            Issuer(
                tokens: tokens,
                mapping: ClaimMapping(
                    provider.claims, required: [], needsUser: false, acceptsUnverifiedEmail: true),
                isOpenID: provider.login.isOpenID)
        }
        self.revocations = revocations
        self.limits = limits
        self.responses = responses
    }

    func step(_ request: borrowing AccessRequest) -> Step {
        guard request.head.method == .post else {
            return .respond(responses.methodNotAllowed(request, allow: "POST"))
        }
        guard ContentType.isForm(request.head) || ContentType.isBareToken(request.head) else {
            return .respond(responses.unsupportedMediaType(request))
        }
        return .ask(.content(limit: SignIn.formLimit))
    }

    /// The form's `logout_token` or its parameter of the sign-in token's name; or the token alone.
    func step(_ request: borrowing AccessRequest, body: [UInt8]) -> Step {
        let present = Self.tokens(in: body, of: request)
        guard let token = present.first else { return .respond(invalid(.tokenMissing)) }
        guard present.count == 1 else { return .respond(invalid(.tokenMalformed)) }

        let now = request.context.now
        var refusals: [TokenCheck.Refusal] = []
        var unknown: [String] = []
        for issuer in issuers {
            do throws(SignInRefusal) {
                return step(try issuer.tokens.verifiedLogoutToken(token.span, now: now), of: issuer, now: now)
            } catch {
                if issuer.tokens.canRefreshKeys(after: error.reason, request) { unknown.append(issuer.tokens.provider) }
                refusals.append((issuer.tokens, error))
            }
        }
        if !unknown.isEmpty { return .ask(.keys(of: unknown)) }
        // It may well be one of a provider whose keys are not known yet, which is to try again.
        if issuers.contains(where: { $0.isOpenID && !$0.tokens.hasKeys }) {
            return .respond(unavailable(retryAfter: "5"))
        }
        let refusal = TokenCheck.mostTelling(refusals, on: token.span)
        var response = invalid(refusal.reason)
        (response.detail, response.user) = (refusal.detail, refusal.user)
        return .respond(response)
    }

    private func step(_ verified: VerifiedToken, of issuer: Issuer, now: Double) -> Step {
        let (tokens, provider) = (issuer.tokens, issuer.tokens.provider)
        // §2.4: a token with a nonce is an ID token, which others may have obtained.
        guard verified.claims["nonce"] == nil else { return .respond(invalid(.claimsMalformed)) }
        // §2.6: both are required there. Other providers' tokens may have another form.
        if issuer.isOpenID {
            for name in ["sub", "sid"] where verified.claims[name] != nil && verified.claims[name]?.string == nil {
                return .respond(invalid(.claimsMalformed))
            }
            guard verified.isLogoutTokenOfOpenID else { return .respond(invalid(.claimsMalformed)) }
            guard verified.issuedAt != nil else { return .respond(invalid(.issuedAtMissing)) }
        }
        let session = ProviderSession(verified)
        let subjects: [[UInt8]]
        let user: String
        do throws(ClaimMapping.Refusal) {
            (subjects, user) =
                try issuer.isOpenID && !session.id.isEmpty
                ? (
                    revocations.subjects(endedBy: session, of: provider),
                    session.subject.isEmpty ? "session \(session.id)" : session.subject
                ) : self.subjects(of: verified, session, issuer)
        } catch {
            return .respond(invalid(error.reason))
        }
        let subject = verified.claims["sub"]?.string ?? ""
        guard FieldValue.problem(subject) == nil else { return .respond(invalid(.fieldInvalid)) }
        guard !subjects.isEmpty else { return .respond(invalid(.fieldMissing)) }
        return .ask(
            .consumeLogoutToken(
                PendingLogout(
                    replayKeys: tokens.replayKeys(verified),
                    retention: tokens.retention(of: verified, isSignIn: false, now: now),
                    revocation: Revocation(
                        subjects: subjects, revokedAt: now, expiresAt: now + limits.lifetime, user: user),
                    provider: provider)))
    }

    /// All that the token's user is called by, and the name for logs.
    private func subjects(
        of token: VerifiedToken, _ session: ProviderSession, _ issuer: Issuer
    ) throws(ClaimMapping.Refusal) -> ([[UInt8]], String) {
        let provider = issuer.tokens.provider
        let fields = try issuer.mapping.map(token.claims).fields
        var subjects = revocations.subjects(of: fields, by: provider)
        let subject = token.claims["sub"]?.string ?? ""
        if !subject.isEmpty {
            subjects += revocations.subjects(subject, of: provider).filter { !subjects.contains($0) }
        }
        if issuer.isOpenID { subjects += revocations.subjects(endedBy: session, of: provider) }
        return (subjects, subject.isEmpty ? fields.account : subject)
    }

    /// The replay store has answered.
    ///
    /// Each token ends sessions once: nobody who obtains an old one can keep a user out. Without the store's answer they
    /// end all the same, which is the safe side.
    func consumed(_ pending: PendingLogout, _ verdict: ReplayVerdict) -> Step {
        switch verdict {
        case .replayed, .repeated: return .respond(invalid(.replayed))
        case .fresh, .unavailable, .full:
            var response = responses.json(200, [])
            response.outcome = .logout
            response.user = pending.revocation.user
            if !pending.provider.isEmpty { response.provider = pending.provider }
            return .ask(.revoke(PendingRevocation(pending.revocation, response)))
        }
    }

    /// The loops have applied the revocation, or had no room: then the provider must try again. A user who signs out loses
    /// the cookie all the same.
    func revoked(_ pending: PendingRevocation, isRemembered: Bool) -> LocalResponse {
        isRemembered || pending.revocation.isOfOneSession ? pending.response : notRemembered(pending.revocation)
    }

    private func notRemembered(_ revocation: Revocation) -> LocalResponse {
        var response = unavailable(retryAfter: "60")
        response.user = revocation.user
        return response
    }

    private func unavailable(retryAfter seconds: String) -> LocalResponse {
        var response = responses.json(503, [("error", "temporarily_unavailable")])
        response.add("Retry-After", seconds)
        response.outcome = .refused
        return response
    }

    /// §2.8: 400, with the reason.
    private func invalid(_ reason: Reason) -> LocalResponse {
        var response = responses.json(
            400, [("error", "invalid_request"), ("error_description", .string(reason.rawValue))])
        response.outcome = .refused
        response.reason = reason
        return response
    }

    private static func tokens(in body: [UInt8], of request: borrowing AccessRequest) -> [[UInt8]] {
        guard ContentType.isForm(request.head) else {
            let text = body.span
            let token = Array(copying: text.extracting(text.trimmed(0..<lineEnd(body))))
            return token.isEmpty ? [] : [token]
        }
        let parameters = Parameters(form: body)
        let names = request.site.tokenParameter.names
        var named = parameters.values("logout_token")
        for name in names where name != Array("logout_token".utf8) { named += parameters.values(name) }
        return named.filter { !$0.isEmpty }
    }

    /// The start of the line breaks at the end of a body.
    private static func lineEnd(_ body: [UInt8]) -> Int {
        (body.lastIndex { $0 != 10 && $0 != 13 && $0 != 0x20 && $0 != 0x09 } ?? -1) + 1
    }
}

/// A verified logout token that waits for the replay store's verdict.
package struct PendingLogout: Sendable {
    package let replayKeys: ReplayKeys
    /// How long the token must be remembered.
    package let retention: Retention
    let revocation: Revocation
    /// The name of the provider; empty while there is a single one.
    let provider: String
}

/// A revocation that must be applied before its response is sent.
package struct PendingRevocation: Sendable {
    package let revocation: Revocation
    let response: LocalResponse

    package init(_ revocation: Revocation, _ response: LocalResponse) {
        self.revocation = revocation
        self.response = response
    }
}
