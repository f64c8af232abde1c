// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import HTTP
import JWT

/// A verified token, and the user it is about.
struct VerifiedUser {
    let token: VerifiedToken
    let fields: UserAttributes
    /// Sentences about fields that were left out.
    let omissions: [String]
}

/// Verifies the tokens of one provider by the keys in force, and maps their claims to a user.
final class TokenCheck {
    private let name: String
    /// The first provider, or the only one.
    private let isFirst: Bool
    private let epoch: KeyEpoch
    private var verifier: TokenVerifier
    private let policy: TokenPolicy
    private let mapping: ClaimMapping
    /// The user alone.
    private let subjects: ClaimMapping
    private let hasRemoteKeys: Bool
    private let replayByID: Bool
    /// The required issuers of the other providers, whose tokens are not this one's, whatever key has signed them.
    private let foreignIssuers: Set<String>
    private var signatures = SignatureVerdicts()

    /// - Parameter issuers: that the other providers require.
    init(_ configuration: ProviderConfiguration, isFirst: Bool, issuersOfOthers issuers: [String], _ epoch: KeyEpoch) {
        foreignIssuers = configuration.tokenPolicy.issuer.isEmpty ? Set(issuers.filter { !$0.isEmpty }) : []
        name = configuration.name
        self.isFirst = isFirst
        self.epoch = epoch
        policy = configuration.tokenPolicy
        verifier = TokenVerifier(policy: policy, keys: configuration.keys)
        mapping = ClaimMapping(
            configuration.claims, required: configuration.required,
            acceptsUnverifiedEmail: configuration.acceptsUnverifiedEmail)
        subjects = ClaimMapping(configuration.claims.filter { $0.field == "user" }, required: [])
        hasRemoteKeys = configuration.hasRemoteKeys
        replayByID = configuration.replayByID
    }

    /// The provider's name; empty while there is a single one.
    var provider: String { name }

    /// Some key can verify tokens.
    var hasKeys: Bool { !verifier.keys.keys.isEmpty }

    func replaceKeys(_ keys: KeySet) {
        verifier = TokenVerifier(policy: policy, keys: keys)
        epoch.advance()
        signatures.forgetAll()
    }

    /// Whether a loaded key signed a token; see ``SignedTokens``.
    func signatureVerdict(on token: Span<UInt8>) -> Bool {
        let verifier = verifier
        return signatures.verdict(on: token) { verifier.isSigned($0) }
    }

    /// Everything that a sign-in token must pass, except single use.
    ///
    /// - Parameters:
    ///   - binding: of an ID token that ends a sign-in.
    ///   - userInfo: a document with more claims, from the OpenID provider itself.
    func verifiedUser(
        _ token: Span<UInt8>, now: Double, binding: IDTokenBinding? = nil, adding userInfo: [UInt8]? = nil
    ) throws(SignInRefusal) -> VerifiedUser {
        let verified = try verified(token, now: now, binding: binding)
        // OpenID Connect Back-Channel Logout 1.0 §2.4: the claim keeps a logout token from signing in, above all the
        // gate's own, which pass through a browser and are signed with the same key.
        guard !verified.isLogoutToken else {
            throw SignInRefusal(.claimsMalformed, "a logout token", user(of: verified.claims), verified.keyID)
        }
        let claims = try userInfo.map { (document) throws(SignInRefusal) in
            try OpenIDUserInfo.claims(of: verified, adding: document)
        }
        do {
            let result = try mapping.map(claims ?? verified.claims)
            return VerifiedUser(
                token: verified, fields: result.fields.of(provider: provider), omissions: result.omissions)
        } catch {
            throw SignInRefusal(error, user(of: verified.claims), verified.keyID)
        }
    }

    /// Signature, times, issuer and audience of a token of any kind.
    func verified(
        _ token: Span<UInt8>, now: Double, binding: IDTokenBinding? = nil
    ) throws(SignInRefusal) -> VerifiedToken {
        try verified(token, by: verifier, now: now, binding: binding)
    }

    /// The same for a logout token, which has not all that an ID token must have.
    func verifiedLogoutToken(_ token: Span<UInt8>, now: Double) throws(SignInRefusal) -> VerifiedToken {
        guard policy.client != nil else { return try verified(token, now: now) }
        var policy = policy
        policy.client = nil
        policy.requireExpiry = false
        return try verified(token, by: TokenVerifier(policy: policy, keys: verifier.keys), now: now, binding: nil)
    }

    private func verified(
        _ token: Span<UInt8>, by verifier: TokenVerifier, now: Double, binding: IDTokenBinding?
    ) throws(SignInRefusal) -> VerifiedToken {
        let verified: VerifiedToken
        do {
            verified = try verifier.verify(token, now: now, binding: binding)
        } catch {
            throw SignInRefusal(error, error.signed?.claims.flatMap(user(of:)), isOfProvider: binding != nil)
        }
        if !foreignIssuers.isEmpty, let issuer = verified.issuer, foreignIssuers.contains(issuer) {
            throw SignInRefusal(
                .issuerMismatch, "iss is that of another identity provider here; set token.issuer of each",
                user(of: verified.claims), verified.keyID)
        }
        return verified
    }

    /// The user that the claims of a refused token name, for logs.
    private func user(of claims: JSONValue) -> String? {
        (try? subjects.map(claims))?.fields.user
    }

    /// The token might be valid by a key that is not known yet: the key sets can be fetched, and were not yet for this
    /// request.
    ///
    /// After a bad signature too: a provider may change a key and keep its name, or give its keys no names.
    func canRefreshKeys(after reason: Reason, _ request: borrowing AccessRequest) -> Bool {
        guard hasRemoteKeys, request.canRefreshKeys else { return false }
        return reason == .keyNotFound || reason == .signatureInvalid
    }

    /// Why one of several providers does not accept a token.
    typealias Refusal = (check: TokenCheck, refusal: SignInRefusal)

    /// Of the reasons why no provider accepts a token: that of the provider whose issuer the token names; of several, or of
    /// none, that of the provider whose key signed it, or else of the one that came furthest with it.
    ///
    /// Nobody vouches for the name in a token that is refused: it decides about nothing but the words.
    static func mostTelling(_ refusals: [Refusal], on token: Span<UInt8>) -> SignInRefusal {
        guard refusals.count > 1 else { return refusals.first?.refusal ?? SignInRefusal(.keyNotFound) }
        let issuer = TokenContents(token)?.claims?["iss"]?.string ?? ""
        let named = issuer.isEmpty ? [] : refusals.filter { $0.check.policy.issuer == issuer }
        let telling = (named.isEmpty ? refusals : named).min { distance($0.refusal) < distance($1.refusal) }
        return telling?.refusal ?? SignInRefusal(.keyNotFound)
    }

    /// The further, the likelier the token is another provider's: a check that was made earlier has failed.
    private static func distance(_ refusal: SignInRefusal) -> Int {
        switch refusal.reason {
        case .algorithmNotAllowed: 4
        case .keyNotFound: 3
        case .signatureInvalid: 2
        case .issuerMismatch: 1
        default: 0
        }
    }

    /// What single use is keyed on: SHA-256 of the signing input; where jti is required, of issuer and jti too.
    ///
    /// Each with the provider's name: two providers may write the same token. What was used while there was a single
    /// provider, or at a replica that knows of no other, was used at the first.
    func replayKeys(_ token: VerifiedToken) -> ReplayKeys {
        let identifier = token.id.map { Self.digest(of: $0, by: token.issuer) }
        return ReplayKeys(replayNames(token, identifier), group: identifier ?? token.signingInputDigest)
    }

    private func replayNames(_ token: VerifiedToken, _ identifier: [UInt8]?) -> [[UInt8]] {
        var keys = [[UInt8(ascii: "s")] + token.signingInputDigest]
        if replayByID, policy.minimumIDLength > 0, let identifier { keys.append([UInt8(ascii: "j")] + identifier) }
        guard !provider.isEmpty else { return keys }
        let own = keys.map { key in
            var text: [UInt8] = []
            text.appendCounted(provider.utf8)
            text.append(contentsOf: key)
            return [UInt8(ascii: "p")] + SHA256.hash(text.span)
        }
        return isFirst ? own + keys : own
    }

    private static func digest(of id: String, by issuer: String?) -> [UInt8] {
        var text: [UInt8] = []
        text.appendCounted(Array((issuer ?? "").utf8))
        text.appendCounted(Array(id.utf8))
        return SHA256.hash(text.span)
    }

    /// How long a used token must be remembered: until it could no longer be accepted, and for the time it was made for, if
    /// the clock of now disagrees.
    ///
    /// - Parameter isSignIn: false for a logout token, whose use does no harm twice.
    func retention(of token: VerifiedToken, isSignIn: Bool = true, now: Double) -> Retention {
        // Verification demands an end.
        let end = token.expiresAt ?? now
        let validity = token.issuedAt.map { end - $0 } ?? 0
        return Retention(until: end, atLeast: validity, issuedAt: isSignIn ? token.issuedAt : nil, now: now)
    }
}

/// Counts the key sets that were in force, of all providers: what was verified by an older one is verified again.
final class KeyEpoch {
    private(set) var value: UInt64 = 0

    func advance() {
        value += 1
    }
}

extension VerifiedToken {
    /// The token declares itself a logout token.
    var isLogoutToken: Bool { claims["events"]?[Self.logoutEvent] != nil }

    /// The same in the form that OpenID Connect Back-Channel Logout 1.0 §2.4 requires.
    var isLogoutTokenOfOpenID: Bool { claims["events"]?[Self.logoutEvent]?.object != nil }

    static let logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
}
