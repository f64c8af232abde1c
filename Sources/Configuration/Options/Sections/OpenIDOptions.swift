// SPDX-License-Identifier: Apache-2.0

import Gate

/// `identityProvider`, for OpenID Connect.
enum OpenIDOptions {
    static let loginProtocol = Option<IdentityProtocol>(
        "identityProvider.protocol", .choice, default: "jwt",
        "How users come back: with a signed token in the URL or in a form (jwt), or by OpenID Connect's authorization code"
            + " flow (oidc).")
    static let issuer = Option<String?>(
        "identityProvider.issuer", .textOrNone(.url),
        "oidc: the provider's issuer, exactly as its discovery document has it, to the last slash. The document is fetched"
            + " from /.well-known/openid-configuration below it, and names all endpoints and keys.")
    static let clientID = Option<String>(
        "identityProvider.clientID", .text(.oneLine), default: "\"\"",
        "oidc: the client's identifier at the provider, and the audience of its ID tokens.")
    static let clientSecret = Option<String?>(
        "identityProvider.clientSecret", .textOrNone(.any),
        "oidc: the client's secret at the provider. Without one the client is public; the code flow is protected by PKCE"
            + " either way."
    ).secret()
    static let clientAuthentication = Option<OpenIDClientAuthentication>(
        "identityProvider.clientAuthentication", .choice, default: "basic",
        "oidc: how the client's secret goes to the token endpoint: in an Authorization field (client_secret_basic), or in the"
            + " form (client_secret_post).")
    static let scopes = Option<[String]>(
        "identityProvider.scopes", .list(.text(.claimName)), default: "[openid, email, profile]",
        "oidc: what is asked for; `openid` must be among them.")
    static let responseMode = Option<OpenIDResponseMode>(
        "identityProvider.responseMode", .choice, default: "query",
        "oidc: how the provider sends the browser back: by a redirect, or by a form, which needs https here.")
    static let userInfo = Option<Bool>(
        "identityProvider.userInfo", .boolean, default: "false",
        "oidc: also ask the UserInfo endpoint, for claims that the ID token does not have.")
    static let parameters = Option<[MapEntry<String>]>(
        "identityProvider.parameters", .map(name: .parameterName, .text(.oneLine)), default: "{}",
        "oidc: more parameters of the authorization request, such as { prompt: select_account }.")
    static let tls = ClientTLSOptions(
        ca: Option(
            "identityProvider.tls.ca", .textOrNone(.file),
            "A PEM file with the authorities that vouch for the provider, in place of those that the system trusts."),
        serverName: Option(
            "identityProvider.tls.serverName", .textOrNone(.any),
            "The name that the provider's certificate must be for, and that is sent as SNI. Default: the host of each"
                + " address."),
        certificate: Option(
            "identityProvider.tls.certificate", .textOrNone(.file),
            "A PEM certificate with its chain, presented to the provider if it requests one."),
        key: Option("identityProvider.tls.key", .textOrNone(.file), "The PEM key of `certificate`."))

    static let rows = OptionRow.of(
        loginProtocol, issuer, clientID, clientSecret, clientAuthentication, scopes, responseMode, userInfo, parameters,
        tls)
}
