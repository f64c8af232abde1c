// SPDX-License-Identifier: Apache-2.0

// Providers of OpenID Connect: what to register there, and where its values stand.

extension StarterFile {
    var openID: Parts {
        Parts(
            provider: """
                # Register Sidegate at the provider as a web application (a confidential client, authorization code flow) with
                \(addressLines)
                identityProvider:
                  preset: \(preset.name)
                \(issuerLine)
                  clientID: \(Self.blank)             \(Self.mark) \(clientWords)
                  clientSecret: \(Self.blank)         \(Self.mark) the client's secret; without one remove the line
                  clientAuthentication: basic       # or post, as the client is registered
                  #userInfo: true                   # also ask the UserInfo endpoint, if ID tokens lack the e-mail
                  #parameters: { prompt: select_account }

                """,
            token: """
                # Issuer, audience and keys follow from the provider. Each field is filled from the first claim present.
                token:
                  claims:
                \(claimLines)
                  required: [\(preset.name == "entra" ? "" : "email")]
                  acceptUnverifiedEmail: false      # email_verified: false is no e-mail address

                """,
            access: preset.name == "google" ? Self.registeredAddresses : Self.registeredUsers,
            secretStep: "register the client at the provider, with \(addressWords) that the file names")
    }

    /// What each provider takes, by its own words.
    private var addresses: [String] {
        let callback = "publicURL + /.sidegate/callback"
        let signedOut = "publicURL + /.sidegate/signed-out"
        let backchannel = "publicURL + /.sidegate/backchannel-logout"
        return switch preset.name {
        case "google": ["authorized redirect URI: \(callback) (Google has no logout addresses)"]
        case "entra": ["redirect URI of the platform Web: \(callback)", "redirect URI too, for logout: \(signedOut)"]
        case "okta": ["sign-in redirect URI: \(callback)", "sign-out redirect URI: \(signedOut)"]
        case "auth0":
            [
                "allowed callback URL: \(callback)", "allowed logout URL: \(signedOut)",
                "back-channel logout URL, where the plan has it: \(backchannel)",
            ]
        case "keycloak":
            [
                "valid redirect URI: \(callback)", "valid post logout redirect URI: \(signedOut)",
                "backchannel logout URL: \(backchannel)",
            ]
        default:
            [
                "redirect URI: \(callback)", "post-logout redirect URI: \(signedOut)",
                "back-channel logout URI, where the provider has one: \(backchannel)",
            ]
        }
    }

    private var addressLines: String { addresses.map { "# - \($0)" }.joined(separator: "\n") }

    private var addressWords: String { addresses.count == 1 ? "the address" : "the addresses" }

    private var issuerLine: String {
        switch preset.name {
        case "keycloak": issuer("https://idp.example.com/realms/main", "the realm, without a slash at the end")
        case "entra": issuer("https://login.microsoftonline.com/TENANT/v2.0", "put the tenant's ID in place of TENANT")
        case "google": "  issuer: \"https://accounts.google.com\""
        case "okta": issuer("https://ORGANIZATION.okta.com", "or an authorization server: …/oauth2/default")
        case "auth0": issuer("https://TENANT.auth0.com/", "the tenant's domain, with the slash at the end")
        default: issuer("https://idp.example.com", "issuer of /.well-known/openid-configuration there")
        }
    }

    private func issuer(_ url: String, _ words: String) -> String { "  issuer: \"\(url)\"    \(Self.mark) \(words)" }

    private var clientWords: String {
        switch preset.name {
        case "entra": "Application (client) ID"
        case "google", "okta", "auth0", "keycloak": "Client ID"
        default: "the client's identifier at the provider"
        }
    }

    private var claimLines: String {
        switch preset.name {
        case "entra":
            """
                user: [oid, sub]
                email: [email]                  # an optional claim: add it under Token configuration
                groups: [groups, roles]         # object IDs, once the groups claim is added there
                tenant: [tid]
            """
        case "google":
            """
                user: [sub]
                email: [email]
                # The domain of a Google Workspace account. To let one organisation in, require it by a rule: an address of
                # the domain alone proves nothing, since consumers' accounts may have one too.
                #   access: { rules: [{ paths: ["/*"], require: { organization: [example.com] } }] }
                organization: [hd]
            """
        case "auth0":
            """
                user: [sub]
                email: [email]
                groups: [groups]                # the name of the claim that your Action adds, such as https://example.com/groups
            """
        default:
            """
                user: [sub]                     # or preferred_username, where the provider never gives a name to another user
                email: [email]
                groups: [groups, roles]
            """
        }
    }
}
