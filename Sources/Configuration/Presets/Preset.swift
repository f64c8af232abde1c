// SPDX-License-Identifier: Apache-2.0

/// An identity provider's preset: defaults, below everything that the configuration sets, and what is special about the
/// provider.
package struct Preset: Sendable {
    package let name: String
    /// What it is for, one line.
    package let summary: String
    /// Paths of options and values as in the file. A required option with a default here need not be given.
    package let defaults: [(path: String, value: String)]
    /// The issuer of tokens while `token.issuer` is not set; {appName} stands for the option of this name, which is then
    /// required.
    var issuer: TextTemplate?
    /// Where the vendor shows the value of an option, by the last part of its path.
    var valuesShownAt: [String: String] = [:]

    /// It is signed in to by OpenID Connect.
    package var isOpenID: Bool { defaults.contains { $0.path == "identityProvider.protocol" && $0.value == "oidc" } }

    package static func named(_ name: String) -> Preset? { served.first { $0.name == name } }

    package static let served: [Preset] =
        [generic, ispring, proprofs, loginradius, zendesk, metabase] + openIDProviders

    private static let generic = Preset(
        name: "generic", summary: "Any identity provider that sends a JWT back by redirect or form.", defaults: [])

    /// The header and the claims are spelled as its manual prints them. `exp` there is Cyrillic (U+0435 U+0445 U+0440),
    /// and programs that were copied from the page send it so.
    private static let ispring = Preset(
        name: "ispring", summary: "A login script made for the JWT single sign-on of iSpring Learn.",
        defaults: [
            ("identityProvider.returnPath", "/sso/login/jwt"),
            ("identityProvider.tokenParameter", "jwt"),
            ("identityProvider.logoutTokenParameter", "jwt"),
            ("token.algorithms", "[HS256]"),
            ("token.headerAliases", "{ alg: [ALG], typ: [Type] }"),
            ("token.claimAliases", "{ iat: [IAT], jti: [JTI], exp: [\"\u{435}\u{445}\u{440}\"] }"),
            (
                "token.claims",
                """
                { user: [email], email: [email], familyName: [family_name], givenName: [given_name], \
                login: [preferred_username, sub], preferredUsername: [preferred_username, sub] }
                """
            ),
            ("token.required", "[email]"),
            ("nativeLogin.parameters", "[no_sso, no_jwt]"),
        ])

    /// Its sample draws a jti from 9,901 values a second, so that two users can get the same one: what counts as used is
    /// the token itself.
    private static let proprofs = Preset(
        name: "proprofs", summary: "A login script made for the JWT single sign-on of ProProfs Knowledge Base.",
        defaults: [
            ("identityProvider.returnPath", "/access/jwtsso/"),
            ("identityProvider.tokenParameter", "token"),
            ("token.algorithms", "[HS256]"),
            ("token.secretEncoding", "md5hex"),
            ("token.maxAge", "3m"),
            ("token.minimumIDLength", "32"),
            ("token.replayByID", "false"),
            ("token.claims", "{ user: [user_email], email: [user_email], sites: [site_access], guest: [guest] }"),
            ("token.required", "[email]"),
        ])

    private static let loginradius = Preset(
        name: "loginradius", summary: "LoginRadius as the identity provider, by its JWT SSO.",
        defaults: [
            (
                "identityProvider.loginURL",
                "\"https://cloud-api.loginradius.com/sso/jwt/redirect/token?apikey={apiKey}&jwtapp={jwtApp}&return_url={returnURL}\""
            ),
            ("token.algorithms", "[HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384, ES512]"),
            ("token.maxAge", "10m"),
            ("token.required", "[]"),
        ],
        issuer: TextTemplate(parts: [.text("https://"), .placeholder("appName"), .text(".hub.loginradius.com/")]),
        valuesShownAt: [
            "apiKey": "the LoginRadius Dashboard shows it under Configuration > API Credentials > API Key And Secret",
            "jwtApp": "the LoginRadius Dashboard shows it under Integration > JWT > App Name of the JWT app",
            "appName":
                "the LoginRadius Dashboard shows it under Configuration > API Credentials; or set `token.issuer` to what"
                + " `iss` holds",
        ])

    private static let zendesk = Preset(
        name: "zendesk", summary: "A login script made for the JWT single sign-on of Zendesk.",
        defaults: [
            ("identityProvider.returnPath", "/access/jwt"),
            ("identityProvider.tokenParameter", "jwt"),
            ("identityProvider.returnToParameter", "return_to"),
            ("token.algorithms", "[HS256]"),
            ("token.maxAge", "3m"),
            ("token.minimumIDLength", "1"),
            (
                "token.claims",
                """
                { user: [external_id, email], email: [email], name: [name], organization: [organization], \
                phone: [phone], role: [role], tags: [tags] }
                """
            ),
            ("token.required", "[email]"),
        ])

    private static let metabase = Preset(
        name: "metabase", summary: "A login script made for the JWT authentication of Metabase.",
        defaults: [
            ("identityProvider.returnPath", "/auth/sso"),
            ("identityProvider.tokenParameter", "jwt"),
            ("identityProvider.returnToParameter", "return_to"),
            ("token.algorithms", "[HS256]"),
            ("token.requireExpiry", "true"),
            (
                "token.claims",
                "{ user: [email], email: [email], givenName: [first_name], familyName: [last_name], groups: [groups] }"
            ),
            ("token.required", "[email]"),
        ])
}
