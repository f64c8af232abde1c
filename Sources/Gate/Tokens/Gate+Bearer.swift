// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

// `Authorization: Bearer`, for API and mobile clients: the same checks as at sign-in, but it spends nothing and sets no
// cookie. A token that signed in was seen by a browser, its history and perhaps logs: it is refused here, which the replay
// store is asked about before a token counts, and at most a minute after each answer again.
extension Gate {
    func bearer(of request: borrowing AccessRequest) -> IdentityVerdict {
        let now = request.context.now
        let bytes = request.head.bytes.span
        var token: ByteRange?
        var count = 0
        for index in request.head.fields.indices where request.head.fields[index].known == .authorization {
            count += 1
            let value = request.head.fields[index].value
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
        let known = bearers.identity(text, host: nowhere, isSecure: false, now: now)
        // CVE-2026-33496: a verdict is one policy's and one key set's.
        if let known, known.verifiedWith == keyCount {
            if request.context.monotonic < known.freshUntil { return .valid(known) }
            if request.context.tokenLookup != .notAsked { return verdict(on: known, request) }
        }
        do throws(SignInRefusal) {
            let user = try verifiedUser(text, now: now)
            let identity = Identity(
                fields: user.fields, headerBlock: rendering.block(for: user.fields), session: nil,
                freshUntil: -.infinity, replayKeys: configuration.singleUse ? replayKeys(user.token) : [])
            identity.isKnownUnused = known?.isKnownUnused ?? false
            identity.verifiedWith = keyCount
            identity.tokenExpiresAt = user.token.expiresAt ?? now
            // A clock set back verifies again.
            bearers.keep(
                identity, text, host: nowhere, isSecure: false, validFrom: now,
                validUntil: user.token.expiresAt ?? now)
            return verdict(on: identity, request)
        } catch {
            bearers.forget(text)
            return .refused(error.reason)
        }
    }

    /// On a token that is good in itself.
    private func verdict(on identity: Identity, _ request: borrowing AccessRequest) -> IdentityVerdict {
        guard configuration.singleUse else {
            identity.freshUntil = request.context.monotonic + Self.bearerVerdictLifetime
            return .valid(identity)
        }
        switch request.context.tokenLookup {
        case .notAsked:
            return .unchecked(
                TokenQuestion(
                    replayKeys: identity.replayKeys, expiresAt: identity.tokenExpiresAt, identity: identity,
                    spentCount: spentCount))
        case .unused: return .valid(identity)
        case .used: return .refused(.replayed)
        case .failed:
            guard identity.isKnownUnused || configuration.replayFailure == .allow else {
                return .refused(.replayStoreUnavailable)
            }
            // Not each request waits for a store that does not answer.
            identity.freshUntil = request.context.monotonic + Self.pauseAfterFailure
            return .valid(identity)
        }
    }

    /// After `.checkToken`: the store's answer is known, and the same `decide` is asked again, with the result in
    /// `request.context.tokenLookup`.
    package func tokenChecked(
        _ question: TokenQuestion, _ use: TokenUse, now: ClockReading
    ) -> RequestContext.TokenLookup {
        switch use {
        case .unused:
            // Else some token signed in meanwhile, perhaps this one: the answer is for this request alone.
            if question.spentCount == spentCount {
                question.identity.freshUntil = now.monotonic + Self.bearerVerdictLifetime
                question.identity.isKnownUnused = true
            }
            return .unused
        case .used:
            bearers.forget { $0 === question.identity }
            return .used
        case .lastKnownUnused:
            // Another loop asked before the outage.
            if question.spentCount == spentCount { question.identity.isKnownUnused = true }
            return .failed
        case .unavailable:
            return .failed
        }
    }

    /// A sign-in with that verdict ends the token's use as bearer: every loop is to forget what it knows of it.
    package func endsBearer(_ verdict: ReplayVerdict) -> Bool {
        guard configuration.bearer, configuration.singleUse else { return false }
        return switch verdict {
        case .fresh, .replayed: true
        case .unavailable: configuration.replayFailure == .allow
        }
    }

    /// 401, with what was wrong; 503 when that is not known.
    func invalidBearer(_ reason: Reason, _ request: borrowing AccessRequest) -> LocalResponse {
        if reason == .replayStoreUnavailable { return bearerUnknown(request) }
        if isGRPC(request) { return grpcUnauthenticated(reason) }
        var response = json(
            401,
            [
                ("error", "invalid_token"), ("error_description", .string(reason.rawValue)),
                ("login_url", .string(loginURL(request))),
            ])
        response.add(
            "WWW-Authenticate", "Bearer error=\"invalid_token\", error_description=\"\(reason.rawValue)\"")
        response.outcome = .unauthenticated
        response.reason = reason
        return response
    }

    /// The token may be good, but nobody can say whether it has signed in: the client is to keep it and try again.
    private func bearerUnknown(_ request: borrowing AccessRequest) -> LocalResponse {
        let reason = Reason.replayStoreUnavailable
        var response =
            isGRPC(request)
            ? grpc(.refused, 503, reason.rawValue)
            : json(503, [("error", "temporarily_unavailable"), ("error_description", .string(reason.rawValue))])
        response.add("Retry-After", "2")
        response.outcome = .refused
        response.reason = reason
        return response
    }

    /// A verdict is renewed after this many seconds at the latest.
    private static let bearerVerdictLifetime: Double = 60
}

/// A verified token, and the user it is about.
struct VerifiedUser {
    let token: VerifiedToken
    let fields: UserAttributes
}

/// Why nobody is signed in by this token.
struct SignInRefusal: Error {
    let reason: Reason
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
