// SPDX-License-Identifier: Apache-2.0

/// `identityProvider.protocol: oidc`, as far as the gate needs to know it: the client's secret stays with who calls the
/// token endpoint.
package struct OpenIDConfiguration: Sendable {
    /// The exact `iss` of the discovery document, of responses and of ID tokens.
    package var issuer: String
    package var clientID: String
    /// `openid` among them.
    package var scopes = ["openid", "email", "profile"]
    package var responseMode = OpenIDResponseMode.query
    /// More parameters of the authorization request, in the order of the config.
    package var parameters: [OpenIDParameter] = []
    /// What discovery found before the gate was made; nil: not known yet.
    package var metadata: OpenIDMetadata?

    package init(issuer: String, clientID: String) {
        self.issuer = issuer
        self.clientID = clientID
    }
}

/// How the provider sends the browser back (`identityProvider.responseMode`).
package enum OpenIDResponseMode: String, Sendable, CaseIterable {
    /// By a redirect, with parameters in the query.
    case query
    /// By a form that the provider's page posts.
    case formPost = "form_post"
}

/// A parameter of the authorization request.
package struct OpenIDParameter: Sendable, Equatable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Parameters that the protocol itself needs, or that would change what is verified: no configuration may set them.
    package static let own = [
        "response_type", "response_mode", "client_id", "client_secret", "redirect_uri", "scope", "state", "nonce",
        "code_challenge", "code_challenge_method", "code_verifier", "request", "request_uri", "registration",
    ]
}
