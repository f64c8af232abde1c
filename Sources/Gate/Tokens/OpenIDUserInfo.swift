// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT

/// What the UserInfo endpoint says of a user (OpenID Connect Core §5.3).
enum OpenIDUserInfo {
    /// The claims of an ID token, and those of the endpoint's document that the token does not have.
    ///
    /// The document is not signed, so it adds to the token and never changes it.
    static func claims(of token: VerifiedToken, adding document: [UInt8]) throws(SignInRefusal) -> JSONValue {
        guard let added = try? JSONParser.parse(document.span), let added = added.object else {
            throw refusal("the user information is not a JSON object", token)
        }
        // §5.3.2: an endpoint that answers for another user would swap the identities (token substitution).
        guard let subject = token.claims["sub"]?.string, !subject.isEmpty,
            let other = added["sub"]?.string, other.utf8.elementsEqual(subject.utf8)
        else { throw refusal("the user information is about another sub than the ID token", token) }
        guard var claims = token.claims.object else { return token.claims }
        // It speaks of the address beside it, and does not vouch for one in the document. What it denies stays denied, where
        // the document says nothing.
        let verified = claims["email_verified"]
        if claims["email"] == nil,
            added["email_verified"] != nil || verified?.bool == true || verified?.string == "true"
        {
            claims["email_verified"] = nil
        }
        for member in added.members where claims[member.name] == nil && !Self.aboutTokens.contains(member.name) {
            claims[member.name] = member.value
        }
        return .object(claims)
    }

    private static func refusal(_ words: String, _ token: VerifiedToken) -> SignInRefusal {
        SignInRefusal(.codeExchangeFailed, words, nil, token.keyID)
    }

    /// Claims that only a signed token can make.
    private static let aboutTokens: Set<String> = [
        "iss", "aud", "azp", "exp", "nbf", "iat", "jti", "nonce", "at_hash", "c_hash", "sid", "events", "auth_time",
        "acr",
        "amr",
    ]
}
