// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The redemption of one authorization code at the token endpoint (RFC 6749 §4.1.3, RFC 7636 §4.5).
package struct CodeExchange: Sendable, Equatable {
    /// The provider's name; empty for the only one.
    package let provider: String
    /// The issuer that the code belongs to. A code is never sent to another one, even where the configuration has
    /// changed in the meantime.
    package let issuer: String
    package let code: [UInt8]
    /// Of the code challenge.
    package let verifier: [UInt8]
    /// The `redirect_uri` of the authorization request.
    package let redirectURL: [UInt8]
    /// For the logs.
    package let requestID: String
    /// Whose browser brought the code, behind trusted proxies; nil: not known.
    package let client: IPAddress?

    package init(
        provider: String, issuer: String, code: [UInt8], verifier: [UInt8], redirectURL: [UInt8], requestID: String,
        client: IPAddress? = nil
    ) {
        self.provider = provider
        self.issuer = issuer
        self.code = code
        self.verifier = verifier
        self.redirectURL = redirectURL
        self.requestID = requestID
        self.client = client
    }
}

/// What became of a ``CodeExchange``. Details are for the log, and hold neither codes nor tokens nor secrets.
package enum CodeExchangeResult: Sendable, Equatable {
    /// The ID token and the access token, neither of them verified; `userInfo` is the content of the UserInfo endpoint's
    /// response, a JSON object, where the configuration asks for it.
    case tokens(idToken: [UInt8], accessToken: [UInt8]?, userInfo: [UInt8]?)
    /// The provider answered, but not with tokens that can be used.
    case refused(detail: String)
    /// No answer, or none of the provider's making.
    case unavailable(detail: String)
}

/// A return that waits for its code to be redeemed.
package struct PendingExchange: Sendable {
    package let exchange: CodeExchange

    package init(_ exchange: CodeExchange) {
        self.exchange = exchange
    }
}
