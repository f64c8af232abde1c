// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

// `Authorization: Bearer`, for API and mobile clients: the same checks as at sign-in but for single use; no cookie.
extension Gate {
    func bearer(of request: RequestHead, now: Double) -> IdentityVerdict {
        let bytes = request.bytes.span
        var token: ByteRange?
        var count = 0
        for index in request.fields.indices where request.fields[index].known == .authorization {
            count += 1
            let value = request.fields[index].value
            guard value.count > 7,
                bytes.extracting(value.lowerBound..<value.lowerBound + 7).equalsIgnoringCase("bearer ")
            else { continue }
            var start = value.lowerBound + 7
            while start < value.upperBound, bytes[start] == 0x20 { start += 1 }
            token = ByteRange(start..<value.upperBound)
        }
        guard let token else { return .none }
        // The app and we could each read another one (CVE-2020-25017).
        guard count == 1 else { return .refused(.tokenMalformed) }
        let text = bytes.extracting(token.range)
        let nowhere = bytes.extracting(0..<0)
        if let known = bearers.identity(text, host: nowhere, isSecure: false, now: now) { return .valid(known) }
        do throws(SignInRefusal) {
            let user = try verifiedUser(text, now: now)
            let identity = Identity(
                fields: user.fields, headerBlock: rendering.block(for: user.fields), session: nil)
            // CVE-2026-33496: this cache is one policy's and one key set's. A clock set back asks again.
            bearers.keep(
                identity, text, host: nowhere, isSecure: false, validFrom: now,
                validUntil: min(user.token.expiresAt ?? now, now + Self.bearerVerdictLifetime))
            return .valid(identity)
        } catch {
            return .refused(error.reason)
        }
    }

    /// 401, with what was wrong.
    func invalidBearer(_ reason: ReasonCode, _ request: RequestHead, _ context: RequestContext) -> LocalResponse {
        if isGRPC(request) { return grpcUnauthenticated(reason) }
        var response = json(
            401,
            [
                ("error", "invalid_token"), ("error_description", .string(reason.rawValue)),
                ("login_url", .string(loginURL(request, context))),
            ])
        response.add(
            "WWW-Authenticate", "Bearer error=\"invalid_token\", error_description=\"\(reason.rawValue)\"")
        response.decision = "unauthenticated"
        response.reason = reason.rawValue
        return response
    }

    /// A verdict is taken anew after this many seconds at the latest.
    private static let bearerVerdictLifetime: Double = 60
}

/// A verified token, and the user it is about.
struct VerifiedUser {
    let token: VerifiedToken
    let fields: UserFields
}

/// Why nobody is signed in by this token.
struct SignInRefusal: Error {
    let reason: ReasonCode
}

extension Gate {
    /// Everything that a token must pass, but for single use.
    func verifiedUser(_ token: Span<UInt8>, now: Double) throws(SignInRefusal) -> VerifiedUser {
        let verified: VerifiedToken
        do {
            verified = try verifier.verify(token, now: now)
        } catch {
            throw SignInRefusal(reason: error.reason)
        }
        // OpenID Connect Back-Channel Logout 1.0 §2.4: the claim keeps a logout token from signing in, ours above all,
        // which go through a browser and are signed with the same key.
        guard !verified.isLogoutToken else { throw SignInRefusal(reason: .claimsMalformed) }
        do {
            return VerifiedUser(token: verified, fields: try matching.fields(of: verified.claims))
        } catch {
            throw SignInRefusal(reason: error.reason)
        }
    }
}
