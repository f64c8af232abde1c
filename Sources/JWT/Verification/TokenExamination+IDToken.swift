// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions

// What an ID token holds beyond RFC 7519: OpenID Connect Core §2, §3.1.3.7 and §3.1.3.8.

extension TokenExamination {
    /// - Parameter algorithm: of a valid signature; nil: there is none.
    func checkIDToken(_ claims: RegisteredClaims, _ algorithm: Algorithm?) throws(TokenRefusal) {
        guard let client = policy.client else { return }
        try judge(
            "subject", !(claims.object["sub"]?.string ?? "").isEmpty, .claimsMalformed, expected: "sub, a string",
            actual: claims.object["sub"].map { "sub is \($0.string == "" ? "empty" : $0.kindName)" } ?? "no sub",
            fix: "an ID token names its user by sub; have the identity provider send it")
        try judge(
            "issue", claims.issuedAt != nil, .issuedAtMissing, expected: "iat",
            actual: claims.issuedAt == nil ? "no iat" : "iat",
            fix: "an ID token has iat; have the identity provider send it")
        try checkAuthorizedParty(claims, client)
        guard let binding else {
            skip(["nonce", "access token"], "only the browser's attempt to sign in knows what they must be")
            return
        }
        try checkNonce(claims.object["nonce"], binding.nonce)
        try checkAccessToken(claims.object["at_hash"], binding.accessToken, algorithm)
    }

    /// §3.1.3.7, 4 and 5: a token for several audiences was requested by one of them, and that must be this client.
    private func checkAuthorizedParty(_ claims: RegisteredClaims, _ client: String) throws(TokenRefusal) {
        let party = claims.object["azp"]
        let isForSeveral = claims.audience.map { $0.count > 1 } ?? false
        guard party != nil || isForSeveral else {
            skip(["authorized party"], "no azp, and one audience")
            return
        }
        try judge(
            "authorized party", party?.string?.isExactly(client) ?? false, .audienceMismatch,
            expected: "azp " + quoted(client) + (isForSeveral ? ", since aud names several" : ""),
            actual: party.map { quoted($0) } ?? "no azp",
            fix: "the token was requested by another client; identityProvider.clientID must be the one that requests it"
        )
    }

    private func checkNonce(_ nonce: JSONValue?, _ expected: [UInt8]) throws(TokenRefusal) {
        let isExpected = nonce?.string.map { $0.utf8.elementsEqual(expected) } ?? false
        try judge(
            "nonce", isExpected && !expected.isEmpty, .nonceMismatch,
            expected: "the nonce of this browser's attempt",
            actual: nonce == nil ? "no nonce" : "another one",
            fix:
                "the identity provider must return the nonce of the request unchanged; or the token was made for another"
                + " sign-in")
    }

    /// The left half of the digest, by the hash function of the token's algorithm. Optional in the code flow.
    private func checkAccessToken(
        _ digest: JSONValue?, _ accessToken: [UInt8]?, _ algorithm: Algorithm?
    ) throws(TokenRefusal) {
        guard let digest else {
            skip(["access token"], "no at_hash")
            return
        }
        var isExpected = false
        if let accessToken, let algorithm, let text = digest.string {
            let hash = algorithm.hash.hash(accessToken.span)
            isExpected = text.utf8.elementsEqual(Base64URL.encode(Array(hash.prefix(hash.count / 2))))
        }
        try judge(
            "access token", isExpected, .codeExchangeFailed, expected: "at_hash, the digest of the access token",
            actual: accessToken == nil ? "no access token" : "the digest of another one",
            fix:
                "the tokens do not belong together; the identity provider must compute at_hash by the token's algorithm"
        )
    }
}
