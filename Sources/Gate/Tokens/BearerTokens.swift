// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// What a request's `Authorization` amounts to.
enum BearerVerdict {
    case none
    /// Rare, and larger than the others.
    ///
    /// - Parameter unknownKeysOf: the providers by whose keys, not known yet, the token may be valid.
    indirect case refused(SignInRefusal, unknownKeysOf: [String])
    case valid(Identity)
    /// The token is valid, and the replay store must be asked first whether it has signed in.
    case unchecked(TokenQuestion)
}

/// A verified bearer token of which the replay store must be asked whether it has signed in.
package struct TokenQuestion {
    /// The token's keys in the replay store.
    package let replayKeys: ReplayKeys
    /// When the token expires, in seconds since 1970.
    package let expiresAt: Double
    fileprivate let identity: Identity
    /// ``BearerTokens/spentCount`` when it is asked: a sign-in since then may be missing in the answer.
    fileprivate let spentCount: UInt64
}

/// `Authorization: Bearer`, for API and mobile clients: the same checks as at a sign-in, but it consumes nothing and sets
/// no cookie.
///
/// A token that signed in was seen by a browser, its history and perhaps logs: it is refused here. The replay store is
/// asked about that before a token counts, and again at most a minute after each answer.
///
/// Each provider that allows it is asked, in their order; the token is of the first that accepts it.
final class BearerTokens {
    private let isEnabled: Bool
    private let issuers: [Issuer]
    private let replayFailure: ReplayFailurePolicy
    private let epoch: KeyEpoch
    private let rendering: HeaderRendering
    private var known = IdentityCache()
    /// Counts the tokens that signed in while this gate ran.
    private var spentCount: UInt64 = 0
    /// The sessions of the token's user were ended after it was issued.
    private let isEnded: (Identity) -> Bool

    /// A provider whose tokens are accepted as bearer tokens.
    private struct Issuer {
        let tokens: TokenCheck
        let isSingleUse: Bool
    }

    /// - Parameter checks: of each provider, in their order.
    init(
        _ configuration: GateConfiguration, _ checks: [TokenCheck], _ epoch: KeyEpoch, _ rendering: HeaderRendering,
        isEnded: @escaping (Identity) -> Bool
    ) {
        self.isEnded = isEnded
        issuers = zip(configuration.providers, checks).compactMap { provider, tokens in
            provider.bearer ? Issuer(tokens: tokens, isSingleUse: provider.singleUse) : nil
        }
        isEnabled = !issuers.isEmpty
        replayFailure = configuration.replayFailure
        self.epoch = epoch
        self.rendering = rendering
    }

    /// The user of the request's token. Nothing where bearer tokens are off.
    func verdict(on request: borrowing AccessRequest) -> BearerVerdict {
        guard isEnabled else { return .none }
        let bytes = request.head.bytes.span
        var token: ByteRange?
        var count = 0
        for index in request.head.fields.indices where request.head.fields[index].known == .authorization {
            count += 1
            token = Self.token(in: request.head.fields[index].value, bytes) ?? token
        }
        guard let token else { return .none }
        // The app and the gate could each read another one (CVE-2020-25017).
        guard count == 1 else { return .refused(SignInRefusal(.tokenMalformed), unknownKeysOf: []) }
        return verdict(on: bytes.extracting(token.range), request)
    }

    /// A bearer token came that one of the loaded keys has signed, accepted or not. Any other is the app's, where the app
    /// serves requests without a user too. Of many, not all are verified: then one may be the provider's.
    func carriesSignedToken(_ request: borrowing AccessRequest) -> Bool {
        guard isEnabled else { return false }
        let bytes = request.head.bytes.span
        var count = 0
        for index in request.head.fields.indices where request.head.fields[index].known == .authorization {
            let value = request.head.fields[index].value
            guard let token = Self.token(in: value, bytes) else { continue }
            count += 1
            if count > Self.maximumFields { return true }
            for issuer in issuers where issuer.tokens.isSigned(bytes.extracting(token.range)) { return true }
        }
        return false
    }

    /// What follows `Bearer`; nil: it is another scheme.
    private static func token(in value: ByteRange, _ bytes: Span<UInt8>) -> ByteRange? {
        guard value.count > 7,
            bytes.extracting(value.lowerBound..<value.lowerBound + 7).equalsIgnoringCase("bearer ")
        else { return nil }
        var start = value.lowerBound + 7
        while start < value.upperBound, bytes[start] == 0x20 { start += 1 }
        return ByteRange(start..<value.upperBound)
    }

    private func verdict(on text: Span<UInt8>, _ request: borrowing AccessRequest) -> BearerVerdict {
        let now = request.context.now
        let nowhere = text.extracting(0..<0)
        let cached = known.identity(text, host: nowhere, isSecure: false, now: now)
        // CVE-2026-33496: a verdict is one policy's and one key set's.
        if let cached, cached.verifiedWith == epoch.value {
            if request.context.monotonic < cached.freshUntil { return .valid(cached) }
            if request.tokenLookup != .notAsked { return verdict(on: cached, keyID: nil, request) }
        }
        var refusals: [TokenCheck.Refusal] = []
        var unknown: [String] = []
        for issuer in issuers {
            do throws(SignInRefusal) {
                let user = try issuer.tokens.verifiedUser(text, now: now)
                let identity = Identity(
                    fields: user.fields, provider: issuer.tokens.provider,
                    headerBlock: rendering.block(for: user.fields),
                    session: nil, freshUntil: -.infinity,
                    replayKeys: issuer.isSingleUse ? issuer.tokens.replayKeys(user.token) : .none)
                identity.isKnownUnused = cached?.isKnownUnused ?? false
                identity.verifiedWith = epoch.value
                identity.tokenExpiresAt = user.token.expiresAt ?? now
                identity.tokenIssuedAt = min(user.token.issuedAt ?? now, now)
                guard !isEnded(identity) else {
                    let refusal = SignInRefusal(
                        .sessionRevoked, "the token was issued before the sessions of its user were ended",
                        identity.user, user.token.keyID)
                    refusals.append((issuer.tokens, refusal))
                    continue
                }
                // When the clock is set back, it is verified again.
                known.keep(
                    identity, text, host: nowhere, isSecure: false, validFrom: now,
                    validUntil: user.token.expiresAt ?? now)
                return verdict(on: identity, keyID: user.token.keyID, request)
            } catch {
                refusals.append((issuer.tokens, error))
                if issuer.tokens.canRefreshKeys(after: error.reason, request) { unknown.append(issuer.tokens.provider) }
            }
        }
        known.forget(text)
        return .refused(TokenCheck.mostTelling(refusals, on: text), unknownKeysOf: unknown)
    }

    /// On a token that is valid in itself.
    ///
    /// - Parameter keyID: for the log, where it is known.
    private func verdict(
        on identity: Identity, keyID: String?, _ request: borrowing AccessRequest
    ) -> BearerVerdict {
        guard !identity.replayKeys.names.isEmpty else {
            identity.freshUntil = request.context.monotonic + Self.verdictLifetime
            return .valid(identity)
        }
        switch request.tokenLookup {
        case .notAsked:
            return .unchecked(
                TokenQuestion(
                    replayKeys: identity.replayKeys, expiresAt: identity.tokenExpiresAt, identity: identity,
                    spentCount: spentCount))
        case .unused: return .valid(identity)
        case .used:
            return .refused(
                SignInRefusal(.replayed, "the token has signed in", identity.user, keyID), unknownKeysOf: [])
        case .failed:
            guard identity.isKnownUnused || replayFailure == .allow else {
                return .refused(
                    SignInRefusal(.replayStoreUnavailable, nil, identity.user, keyID), unknownKeysOf: [])
            }
            // Not each request waits for a store that does not answer.
            identity.freshUntil = request.context.monotonic + Self.pauseAfterFailure
            return .valid(identity)
        }
    }

    /// The store has answered.
    func checked(_ question: TokenQuestion, _ use: TokenUse, now: ClockReading) -> AccessRequest.TokenLookup {
        switch use {
        case .unused:
            // Otherwise some token signed in meanwhile, perhaps this one: the answer is for this request alone.
            if question.spentCount == spentCount {
                question.identity.freshUntil = now.monotonic + Self.verdictLifetime
                question.identity.isKnownUnused = true
            }
            return .unused
        case .used:
            known.forget { $0 === question.identity }
            return .used
        case .lastKnownUnused:
            // Another loop of the process has asked before the outage.
            if question.spentCount == spentCount { question.identity.isKnownUnused = true }
            return .failed
        case .unavailable:
            return .failed
        }
    }

    /// A token has signed in, on any loop: its identity is forgotten.
    func spent(_ replayKeys: [[UInt8]]) {
        spentCount &+= 1
        known.forget { identity in identity.replayKeys.names.contains { replayKeys.contains($0) } }
    }

    /// The sessions of users were ended: verdicts on their tokens are forgotten.
    func forgetEnded() {
        known.forget(where: isEnded)
    }

    /// A sign-in with that verdict ends the use as bearer token of a token of the provider: every loop must forget it.
    func end(with verdict: ReplayVerdict, of provider: String) -> Bool {
        guard issuers.contains(where: { $0.tokens.provider == provider && $0.isSingleUse }) else { return false }
        return switch verdict {
        case .fresh, .replayed, .repeated: true
        case .unavailable, .full: replayFailure == .allow
        }
    }

    private static let maximumFields = 4
    /// Seconds after which the replay store is asked again.
    private static let verdictLifetime: Double = 60
    /// Seconds for which a store that did not answer is not asked again.
    private static let pauseAfterFailure: Double = 5
}
