// SPDX-License-Identifier: Apache-2.0

import JWT

/// `token`
enum TokenOptions {
    static let algorithms = Option<[Algorithm]>(
        "token.algorithms", .list(.choice), default: "[HS256]",
        "The signature algorithms accepted. The token itself never chooses. With protocol oidc: [RS256, ES256] unless it is"
            + " set.")
    static let keys = Option<[OptionValues]>(
        "token.keys", .list(.object(KeyOptions.rows)), default: "[]",
        "The keys that tokens are verified with; each names one source."
    ).required()
    static let secretEncoding = Option<SecretEncoding>(
        "token.secretEncoding", .choice, default: "utf8",
        "How a secret's text becomes the key: as it is, decoded, or (md5hex) as the 32 lower-case hexadecimal digits of its"
            + " MD5.")
    static let issuer = Option<String>(
        "token.issuer", .text(.any), default: "\"\"", "The exact `iss`; empty: not checked.")
    static let audience = Option<[String]>(
        "token.audience", .list(.text(.any)), default: "[]",
        "`aud` must name one of these; empty: a token that carries aud is refused.")
    static let acceptsAnyAudience = Option<Bool>(
        "token.acceptAnyAudience", .boolean, default: "false",
        "With an empty `audience`: accept tokens whatever their aud.")
    static let clockSkew = Option<Duration>(
        "token.clockSkew", .duration(.zero ... .seconds(3600)), default: "60s",
        "How far the provider's clock may differ from ours.")
    static let maxAge = Option<Duration>(
        "token.maxAge", .duration(.seconds(1) ... .seconds(366 * 86_400)), default: "5m",
        "The oldest token accepted, by its iat; a token without exp must carry iat.")
    static let requiresExpiry = Option<Bool>(
        "token.requireExpiry", .boolean, default: "false", "Refuse tokens without exp.")
    static let singleUse = Option<Bool>("token.singleUse", .boolean, default: "true", "Each token signs in once.")
    static let replayByID = Option<Bool>(
        "token.replayByID", .boolean, default: "true",
        "Where jti is required (`minimumIDLength`), a jti that its issuer has used before is a replay too, not only the"
            + " same token.")
    static let minimumIDLength = Option<Int>(
        "token.minimumIDLength", .integer(0...1024), default: "0",
        "The shortest jti accepted, in characters; more than 0 makes jti required.")
    static let headerAliases = Option<[MapEntry<[String]>]>(
        "token.headerAliases", .map(name: .claimName, .list(.text(.claimName))), default: "{}",
        "Other names that header parameters may have, such as { alg: [ALG] }.")
    static let claimAliases = Option<[MapEntry<[String]>]>(
        "token.claimAliases", .map(name: .claimName, .list(.text(.claimName))), default: "{}",
        "Other names that registered claims may have, such as { iat: [IAT] }.")
    static let claims = Option<[MapEntry<ClaimSources>]>(
        "token.claims", .map(name: .fieldName, .claimSources, keepsDefaults: true),
        default: """
            { user: [sub, preferred_username, email], email: [email], familyName: [family_name], \
            givenName: [given_name], preferredUsername: [preferred_username], groups: [groups, roles], \
            sites: [site_access], guest: [guest] }
            """,
        "Claim mapping: each field is filled from the first claim present. A claim's name is looked up as it is written, then"
            + " as a path of members of objects: `realm_access.roles`. Any name becomes a field; an empty list removes one. In"
            + " place of a list there may be a mapping with the keys below.")
    static let required = Option<[String]>(
        "token.required", .list(.text(.fieldName)), default: "[email]", "Fields that a token must fill.")
    static let acceptsUnverifiedEmail = Option<Bool>(
        "token.acceptUnverifiedEmail", .boolean, default: "false",
        "Also take the claim `email` of a token that says `email_verified: false`. By default such a user has no e-mail"
            + " address: anybody could have typed it in.")
    static let bearer = Option<Bool>(
        "token.bearer", .boolean, default: "true",
        "Accept tokens as `Authorization: Bearer` from API and mobile clients too; no session is made. With protocol oidc:"
            + " false unless it is set.")

    static let rows = OptionRow.of(
        algorithms, keys, secretEncoding, issuer, audience, acceptsAnyAudience, clockSkew, maxAge, requiresExpiry,
        singleUse, replayByID, minimumIDLength, headerAliases, claimAliases, claims, required, acceptsUnverifiedEmail,
        bearer)
}

/// Items of `token.keys`.
enum KeyOptions {
    static let secret = Option<String?>(
        "secret", .text(.any), "A shared secret, for HS256, HS384 and HS512."
    ).inGroup("source").secret()
    static let publicKeyFile = Option<String?>(
        "publicKeyFile", .text(.file), "A PEM public key or certificate."
    ).inGroup("source")
    static let jwksFile = Option<String?>(
        "jwksFile", .text(.file), "A JSON Web Key Set (RFC 7517)."
    ).inGroup("source")
    static let jwksURL = Option<String?>(
        "jwksURL", .text(.url),
        "Where the provider publishes its JSON Web Key Set: fetched while the gate runs, kept through outages, and fetched"
            + " again when a token names a key that is not in it."
    ).inGroup("source")
    static let tls = ClientTLSOptions(
        ca: Option(
            "ca", .textOrNone(.file),
            "With `jwksURL`: PEM of the authorities that may have signed its https certificate. Default: the system's."),
        serverName: Option(
            "serverName", .textOrNone(.any),
            "With `jwksURL`: the name that its certificate must be for, and that is sent as SNI. Default: the host of the"
                + " address."),
        certificate: Option(
            "clientCertificate", .textOrNone(.file),
            "With `jwksURL`: a PEM certificate with its chain, presented to a server that requests one."),
        key: Option("clientKey", .textOrNone(.file), "The PEM key of `clientCertificate`."))
    static let secretEncoding = Option<SecretEncoding?>(
        "secretEncoding", .choice, "Default: `token.secretEncoding`.")
    static let keyID = Option<String?>(
        "keyID", .textOrNone(.any), "The `kid` of tokens signed with this key; empty: any.")
    static let allowsWeakSecret = Option<Bool>(
        "allowWeakSecret", .boolean, default: "false", "Accept a secret shorter than 128 bits, with a warning.")

    static let rows = OptionRow.of(
        secret, publicKeyFile, jwksFile, jwksURL, tls, secretEncoding, keyID, allowsWeakSecret)
}
