// SPDX-License-Identifier: Apache-2.0

// Who may come in, and what follows from it.

extension KeyTable {
    static let access: [Key] = [
        Key(
            "access.default", .choice(["signedIn", "guest"]), "signedIn",
            "What a request needs that no rule speaks of: a session, or (guest) nothing, and the app learns who it is"
                + " when that is known."),
        Key(
            "access.users.emails", .list(.text(.email)), "[]",
            "Registered e-mail addresses; upper and lower case of A to Z are the same. With all of `access.users` empty"
                + " everyone comes in for whom the identity provider vouches."),
        Key(
            "access.users.emailsFile", .text(.file), "\"\"",
            "A file with more of them, one a line; empty lines and lines that begin with # do not count. It is read"
                + " again when it changes."),
        Key(
            "access.users.emailDomains", .list(.text(.emailDomain)), "[]",
            "Domains whose every address is registered; matched whole, so subdomains are listed by themselves."),
        Key(
            "access.users.groups", .list(.text(.oneLine)), "[]",
            "Groups of which a registered user must be in one, whatever else registers the user."),
        Key(
            "access.site", .text(.oneLine), "\"\"",
            "This app's site ID: a token that names sites (field `sites`) must name this one. A token without sites is"
                + " let in."),
        Key("access.rules", .list(.anything), "[]", "Rules by path; the first that matches decides.").notYet(),
        Key(
            "access.mode", .choice(["enforce"], notYet: ["observe"]), "enforce",
            "Whether refusals are carried out or only logged."),
    ]

    static let nativeLogin: [Key] = [
        Key(
            "nativeLogin.parameters", .list(.text(.parameterName)), "[no_sso, no_jwt]",
            "Query parameters that ask for it, on one of `paths`."),
        Key(
            "nativeLogin.paths", .list(.text(.pathPattern)), "[]",
            "Where the app's login page is: exact paths, or beginnings such as /login/*. Empty: off."),
        Key(
            "nativeLogin.with", .list(.text(.pathPattern)), "[]",
            "More paths that the login page needs, such as /static/*; open while the login page is."),
        Key(
            "nativeLogin.from", .list(.network), "[]",
            "Address blocks of those who may ask for it; empty: everyone."),
        Key(
            "nativeLogin.lifetime", .duration(.seconds(1) ... .seconds(86_400)), "15m",
            "How long the paths stay open for a browser that has asked."),
    ]

    static let provisioning: [Key] =
        [
            Key(
                "provisioning.url", .text(.url), "\"\"",
                "Where the app is told of a user before the first session, by a POST of the fields as JSON. 2xx: in;"
                    + " 402, 403 and 409: no seat is left. Empty: off.")
        ]
        + Key(
            "provisioning.secret", .text(.any), "\"\"",
            "Signs what the app is told: X-Sidegate-Signature is sha256= and the HMAC-SHA256 of the body, hexadecimal."
        ).secret()
        + [
            Key(
                "provisioning.eachLogin", .boolean, "false",
                "Tell the app at every sign-in, so that changed names and groups reach it."),
            Key(
                "provisioning.ca", .text(.file), "\"\"",
                "PEM of the authorities that may have signed the https certificate of `url`. Empty: the system's."),
            Key(
                "provisioning.serverName", .text(.any), "\"\"",
                "The name that the certificate of `url` must be for, and that it is asked for; empty: its host."),
            Key(
                "provisioning.clientCertificate", .text(.file), "\"\"",
                "A PEM certificate with its chain, shown to a server that asks for one."),
            Key("provisioning.clientKey", .text(.file), "\"\"", "The PEM key of `clientCertificate`."),
        ]
}
