// SPDX-License-Identifier: Apache-2.0

import Decisions

/// What operators can do about a refused sign-in by OpenID Connect. For logs, pages and `explain`.
package enum OpenIDAdvice {
    /// - Parameter code: of the authorization endpoint or the token endpoint (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core
    ///   1.0 §3.1.2.6); nil: nothing is known about it.
    package static func fix(errorCode code: String) -> String? {
        switch code {
        case "access_denied": "the user declined, or a policy at the provider keeps the user or the client out"
        case "invalid_client":
            "compare identityProvider.clientID, the client's secret and clientAuthentication with the client at the provider"
        case "invalid_grant":
            "the code was used before or has expired, or the redirect URI is not the one that the code was made for: compare publicURL"
        case "unauthorized_client", "unsupported_grant_type", "unsupported_response_type":
            "allow the client the authorization code flow at the provider"
        case "invalid_scope":
            "a name in identityProvider.scopes is not known at the provider, or not allowed to the client"
        case "invalid_request":
            "the provider refuses a parameter: compare identityProvider.parameters, and PKCE at the client"
        case "login_required", "interaction_required", "consent_required", "account_selection_required":
            "identityProvider.parameters keeps the provider from asking the user: remove prompt: none"
        case "server_error", "temporarily_unavailable": "the provider failed: its own log has the cause"
        default: nil
        }
    }

    /// About an error code that is none of the registered ones.
    package static let unknownError = "look the code up in the provider's documentation and log"

    /// - Parameter status: of an endpoint's response without an error code.
    package static func fix(status: UInt16) -> String {
        switch status {
        case 300..<400: "the discovery document must name the address to which it redirects"
        case 401, 403:
            "compare identityProvider.clientID, the client's secret and clientAuthentication with the client at the provider"
        case 404, 405, 410: "the provider's administrator must correct the address in the discovery document"
        default: "the provider failed: its own log has the cause"
        }
    }

    /// About an endpoint that cannot be reached, or whose response cannot be used.
    package static let unreachable = "this machine must be able to reach the provider: sidegate doctor tries it"
    package static let unusable =
        "the provider must answer as OpenID Connect Core 1.0 says: its administrator can correct that"

    /// - Parameter reason: why an ID token is refused.
    package static func fix(_ reason: Reason) -> String? { fixes[reason] }

    private static let fixes: [Reason: String] = [
        .tokenMalformed: "the client at the provider must get signed ID tokens that are not encrypted",
        .headerMalformed: "the provider must write its ID tokens as RFC 7519 says",
        .claimsMalformed: "the provider must write its ID tokens as OpenID Connect Core 1.0 says, with a sub",
        .criticalHeaderUnsupported: "the client at the provider must get ID tokens without critical extensions",
        .expiryMissing: "the provider must send exp in its ID tokens",
        .issuedAtMissing: "the provider must send iat in its ID tokens",
        .codeExchangeFailed: "the provider's ID token, access token and userinfo must be about the same sign-in",
        .algorithmMissing: "the client at the provider must get signed ID tokens",
        .algorithmNotAllowed:
            "set token.algorithms to the algorithm that the client is configured for at the provider, or change it there",
        .keyNotFound:
            "the provider's jwks_uri does not publish the key, or it was not fetched: the log has failed fetches",
        .signatureInvalid: "the key that the provider's jwks_uri publishes is another one",
        .issuerMismatch: "set identityProvider.issuer to the issuer that the provider writes",
        .audienceMismatch: "set identityProvider.clientID to the client that the ID token is for",
        .nonceMismatch: "the provider must return the nonce of the request unchanged",
        .expired: "compare the clocks of the gate and of the provider: sidegate doctor does",
        .notYetValid: "compare the clocks of the gate and of the provider: sidegate doctor does",
        .issuedInFuture: "compare the clocks of the gate and of the provider: sidegate doctor does",
        .tooOld: "compare the clocks of the gate and of the provider, and token.maxAge",
        .tokenMissing: "the provider's token endpoint must send an ID token: the scope openid asks for it",
        .tokenTooLarge: "have the provider put less into ID tokens; long lists of groups are the usual cause",
        .idMissing: "have the provider send jti in its ID tokens, or set token.minimumIDLength to 0",
        .idTooShort: "have the provider send a longer jti, or lower token.minimumIDLength",
        .fieldMissing:
            "let the provider send the claim: compare identityProvider.scopes, userInfo and token.claims; an address with email_verified: false counts as none",
        .fieldInvalid: "correct what the provider sends for this user",
    ]
}
