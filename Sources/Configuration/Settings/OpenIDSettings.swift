// SPDX-License-Identifier: Apache-2.0

import Gate

/// `identityProvider.protocol`
package enum IdentityProtocol: String, Sendable, CaseIterable {
    /// A signed token comes with the browser.
    case jwt
    /// OpenID Connect: a code comes with the browser.
    case oidc
}

/// `identityProvider.clientAuthentication`
package enum OpenIDClientAuthentication: String, Sendable, CaseIterable {
    /// `client_secret_basic`
    case basic
    /// `client_secret_post`
    case post
}

/// `identityProvider`, where its protocol is oidc.
package struct OpenIDSettings: Sendable {
    package var issuer: String
    package var clientID: String
    /// nil: a public client.
    package var clientSecret: Secret?
    package var clientAuthentication: OpenIDClientAuthentication
    package var scopes: [String]
    package var responseMode: OpenIDResponseMode
    package var asksUserInfo: Bool
    package var parameters: [OpenIDParameter]
    /// For all calls to the provider.
    package var tls: ClientTLSSettings
    /// Where the issuer stands.
    package var issuerOrigin: SourceLocation

    /// What the gate needs of it.
    var login: OpenIDConfiguration {
        var login = OpenIDConfiguration(issuer: issuer, clientID: clientID)
        login.scopes = scopes
        login.responseMode = responseMode
        login.parameters = parameters
        return login
    }
}
