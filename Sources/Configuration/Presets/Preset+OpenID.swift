// SPDX-License-Identifier: Apache-2.0

// Providers that are signed in to by OpenID Connect. Discovery says where their endpoints are, so a preset is only about
// what their ID tokens hold.

extension Preset {
    static let openIDProviders: [Preset] = [oidc, keycloak, entra, google, okta, auth0]

    private static let openID = [("identityProvider.protocol", "oidc")]

    private static let oidc = Preset(
        name: "oidc", summary: "Any provider of OpenID Connect, by the authorization code flow.", defaults: openID)

    /// Groups come with the client scope of a Group Membership mapper; its default name of the claim is `groups`.
    private static let keycloak = Preset(
        name: "keycloak", summary: "A realm of Keycloak, by OpenID Connect.",
        defaults: openID + [
            ("token.claims", "{ name: [name], groups: [groups, roles] }")
        ])

    /// `sub` differs from application to application; `oid` is the user's in all of the tenant's. Not every account has
    /// an e-mail address, and the claim is optional.
    private static let entra = Preset(
        name: "entra", summary: "Microsoft Entra ID, by OpenID Connect.",
        defaults: openID + [
            (
                "token.claims",
                "{ user: [oid, sub], name: [name], groups: [groups, roles], tenant: [tid] }"
            ),
            ("token.required", "[]"),
        ])

    /// There are no groups; `hd` is the organisation's domain, and missing for accounts of consumers.
    private static let google = Preset(
        name: "google", summary: "Google accounts, by OpenID Connect.",
        defaults: openID + [
            ("identityProvider.issuer", "https://accounts.google.com"),
            ("token.claims", "{ name: [name], organization: [hd], groups: [] }"),
        ])

    private static let okta = Preset(
        name: "okta", summary: "Okta, by OpenID Connect.",
        defaults: openID + [
            ("identityProvider.scopes", "[openid, email, profile, groups]"),
            ("token.claims", "{ name: [name], groups: [groups] }"),
        ])

    private static let auth0 = Preset(
        name: "auth0", summary: "Auth0, by OpenID Connect.",
        defaults: openID + [
            ("token.claims", "{ name: [name], preferredUsername: [nickname, preferred_username] }")
        ])
}
