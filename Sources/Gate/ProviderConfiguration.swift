// SPDX-License-Identifier: Apache-2.0

import JWT

/// One identity provider, as validated values: `identityProvider` and `token` of the config, or an item of
/// `identityProviders`.
package struct ProviderConfiguration: Sendable {
    /// Empty for the single provider of `identityProvider`.
    package var name = ""
    /// Shown where people choose.
    package var label = ""
    /// Offered on these hosts only, without port and in lower case; empty: everywhere.
    package var hosts: [String] = []
    /// Which of its users may pass, besides `access.users`.
    package var users = RegisteredUsers()

    package var login: LoginMethod
    /// Where the browser goes after local logout; nil: a signed-out page. Placeholders `{returnTo}` `{email}`
    /// `{logoutToken}`.
    package var logoutURL: URLTemplate?
    /// Signs `{logoutToken}`; nil where no key of the config can sign.
    package var logoutTokenMinter: TokenMinter?
    /// Where the provider sends the browser back; begins with a slash.
    package var returnPath = "/.sidegate/callback"
    /// What becomes of a sign-in that the user did not start here.
    package var initiated = InitiatedPolicy.confirm
    /// A return must bring the `state` of an attempt of this browser, whatever `initiated` says.
    package var requiresState = false

    package var tokenPolicy: TokenPolicy
    package var keys: KeySet
    /// Keys are fetched while the gate runs (`jwksURL`): a token whose key is unknown is worth asking again.
    package var hasRemoteKeys = false
    /// Each token signs in once.
    package var singleUse = true
    /// Where jti is required, the same issuer and jti twice is a replay too.
    package var replayByID = true
    /// Also accept `Authorization: Bearer`.
    package var bearer = true
    /// Field matching, in the order of the config; see ``ClaimRule/standard``.
    package var claims = ClaimRule.standard
    /// Fields that must be present, besides `user`.
    package var required = ["email"]
    /// The claim `email` counts although `email_verified` is false.
    package var acceptsUnverifiedEmail = false

    /// The values without a default; the others are set on the result.
    package init(login: LoginMethod, tokenPolicy: TokenPolicy, keys: KeySet) {
        self.login = login
        self.tokenPolicy = tokenPolicy
        self.keys = keys
    }
}

/// How browsers get to the provider and back (`identityProvider.protocol`).
package enum LoginMethod: Sendable {
    /// A URL template, and a signed token in the URL of the return.
    case redirect(JWTRedirectConfiguration)
    /// OpenID Connect's authorization code flow.
    case openID(OpenIDConfiguration)

    package var isOpenID: Bool {
        switch self {
        case .redirect: false
        case .openID: true
        }
    }

    /// The query parameter, and form field of a POST, that carries the token; nil: none comes through the browser.
    package var tokenParameter: String? {
        switch self {
        case .redirect(let configuration): configuration.tokenParameter
        case .openID: nil
        }
    }
}

/// `identityProvider.protocol: jwt`
package struct JWTRedirectConfiguration: Sendable {
    /// Where a browser without a session is sent; placeholders `{returnURL}` `{returnTo}` `{state}`.
    package var loginURL: URLTemplate
    /// The query parameter, and form field of a POST, that carries the token.
    package var tokenParameter = "jwt"

    package init(loginURL: URLTemplate) {
        self.loginURL = loginURL
    }
}

/// A return from the provider that no login cookie of this browser explains (`identityProvider.initiated`).
package enum InitiatedPolicy: String, Sendable, CaseIterable {
    case allow, confirm, deny
}
