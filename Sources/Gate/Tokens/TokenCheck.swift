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

/// Verifies tokens by the keys in force, and maps their claims to a user.
final class TokenCheck {
    /// Counts the key sets that were in force: what was verified by an older one is verified again.
    private(set) var keyEpoch: UInt64 = 0
    private var verifier: TokenVerifier
    private let policy: TokenPolicy
    private let mapping: ClaimMapping
    /// The user alone.
    private let subjects: ClaimMapping
    private let hasRemoteKeys: Bool
    private let replayByID: Bool
    private var signatures = SignatureVerdicts()

    init(_ configuration: GateConfiguration) {
        policy = configuration.tokenPolicy
        verifier = TokenVerifier(policy: policy, keys: configuration.keys)
        mapping = ClaimMapping(configuration.claims, required: configuration.required)
        subjects = ClaimMapping(configuration.claims.filter { $0.field == "user" }, required: [])
        hasRemoteKeys = configuration.hasRemoteKeys
        replayByID = configuration.replayByID
    }

    func replaceKeys(_ keys: KeySet) {
        verifier = TokenVerifier(policy: policy, keys: keys)
        keyEpoch += 1
        signatures.forgetAll()
    }

    /// Whether a loaded key signed a token; see ``SignedTokens``.
    func signatureVerdict(on token: Span<UInt8>) -> Bool {
        let verifier = verifier
        return signatures.verdict(on: token) { verifier.isSigned($0) }
    }

    /// Everything that a sign-in token must pass, except single use.
    func verifiedUser(_ token: Span<UInt8>, now: Double) throws(SignInRefusal) -> VerifiedUser {
        let verified = try verified(token, now: now)
        // OpenID Connect Back-Channel Logout 1.0 §2.4: the claim keeps a logout token from signing in, above all the
        // gate's own, which pass through a browser and are signed with the same key.
        guard !verified.isLogoutToken else {
            throw SignInRefusal(.claimsMalformed, "a logout token", user(of: verified.claims), verified.keyID)
        }
        do {
            let result = try mapping.map(verified.claims)
            return VerifiedUser(token: verified, fields: result.fields, omissions: result.omissions)
        } catch {
            throw SignInRefusal(error, user(of: verified.claims), verified.keyID)
        }
    }

    /// Signature, times, issuer and audience of a token of any kind.
    func verified(_ token: Span<UInt8>, now: Double) throws(SignInRefusal) -> VerifiedToken {
        do {
            return try verifier.verify(token, now: now)
        } catch {
            throw SignInRefusal(error, error.signed?.claims.flatMap(user(of:)))
        }
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

    /// What single use is keyed on: SHA-256 of the signing input; where jti is required, of issuer and jti too.
    func replayKeys(_ token: VerifiedToken) -> [[UInt8]] {
        var keys = [[UInt8(ascii: "s")] + token.signingInputDigest]
        if replayByID, policy.minimumIDLength > 0, let id = token.id {
            var text: [UInt8] = []
            text.appendCounted(Array((token.issuer ?? "").utf8))
            text.appendCounted(Array(id.utf8))
            keys.append([UInt8(ascii: "j")] + SHA256.hash(text.span))
        }
        return keys
    }

    /// How long a used token must be remembered: until it could no longer be accepted, and for the time it was made for, if
    /// the clock of now disagrees.
    func retention(of token: VerifiedToken, now: Double) -> Retention {
        // Verification demands an end.
        let end = token.expiresAt ?? now
        let validity = token.issuedAt.map { end - $0 } ?? 0
        return Retention(until: end, atLeast: validity, now: now)
    }
}

extension VerifiedToken {
    /// The token declares itself a logout token.
    var isLogoutToken: Bool { claims["events"]?[Self.logoutEvent] != nil }

    static let logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
}
