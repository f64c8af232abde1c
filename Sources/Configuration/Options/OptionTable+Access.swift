// SPDX-License-Identifier: Apache-2.0

// Who may come in, and what follows from it.

extension OptionTable {
    static let access: [ConfigurationOption] = [
        ConfigurationOption(
            "access.default", .choice(["signedIn", "guest"]), "signedIn",
            "What a request needs that no rule speaks of: a session, or (guest) nothing, and the app learns who it is"
                + " when that is known."),
        ConfigurationOption(
            "access.users.emails", .list(.text(.email)), "[]",
            "Registered e-mail addresses; upper and lower case of A to Z are the same. With all of `access.users` empty"
                + " everyone comes in for whom the identity provider vouches."),
        ConfigurationOption(
            "access.users.emailsFile", .text(.file), "\"\"",
            "A file with more of them, one a line; empty lines and lines that begin with # do not count. It is read"
                + " again when it changes."),
        ConfigurationOption(
            "access.users.emailDomains", .list(.text(.emailDomain)), "[]",
            "Domains whose every address is registered; matched whole, so subdomains are listed by themselves."),
        ConfigurationOption(
            "access.users.groups", .list(.text(.oneLine)), "[]",
            "Groups of which a registered user must be in one, whatever else registers the user."),
        ConfigurationOption(
            "access.site", .text(.oneLine), "\"\"",
            "This app's site ID: a token that names sites (field `sites`) must name this one. A token without sites is"
                + " let in."),
        ConfigurationOption(
            "access.rules", .list(.object(rule)), "[]",
            "Rules by path; the first that matches decides, and where none does, `access.default`. They are asked about"
                + " the path in its canonical form, never about query or fragment, and the app gets that very form; a path"
                + " without one is answered with 400."),
        ConfigurationOption(
            "access.mode", .choice(["enforce", "observe"]), "enforce",
            "Whether what `access` refuses is refused. With observe everyone comes through, with an identity when it is"
                + " known, and the access log says what enforce would have done (`would`, `reason`)."),
    ]

    private static let rule: [ConfigurationOption] = [
        ConfigurationOption(
            "paths", .list(.text(.rulePath)), nil,
            "Exact paths, or beginnings such as /admin/*, which means /admin and all below; /* is the whole site. As they"
                + " are written decoded."
        ).required(),
        ConfigurationOption(
            "methods", .list(.text(.method)), nil,
            "Methods that the rule is for, in capitals; GET stands for HEAD too. Default: all."),
        ConfigurationOption("allow", .choice(["anyone"]), nil, "anyone: no sign-in is needed.").inGroup("effect"),
        ConfigurationOption(
            "require", .map(name: .fieldName, .list(.text(.oneLine))), nil,
            "Sign-in is needed, and of each field named here one of its values."
        ).inGroup("effect"),
        ConfigurationOption("deny", .boolean, nil, "true: 403 for everyone.").inGroup("effect"),
        ConfigurationOption(
            "unauthenticated", .choice(["401", "redirect"]), nil,
            "What a request without a session gets: 401, or (GET and HEAD) the redirect to sign in. Default: the redirect"
                + " for a browser's navigation, 401 for all else."),
    ]

    static let nativeLogin: [ConfigurationOption] = [
        ConfigurationOption(
            "nativeLogin.parameters", .list(.text(.parameterName)), "[no_sso, no_jwt]",
            "Query parameters that ask for it, on one of `paths`."),
        ConfigurationOption(
            "nativeLogin.paths", .list(.text(.pathPattern)), "[]",
            "Where the app's login page is: exact paths, or beginnings such as /login/*. Empty: off."),
        ConfigurationOption(
            "nativeLogin.with", .list(.text(.pathPattern)), "[]",
            "More paths that the login page needs, such as /static/*; open while the login page is."),
        ConfigurationOption(
            "nativeLogin.from", .list(.network), "[]",
            "Address blocks of those who may ask for it; empty: everyone."),
        ConfigurationOption(
            "nativeLogin.lifetime", .duration(.seconds(1) ... .seconds(86_400)), "15m",
            "How long the paths stay open for a browser that has asked."),
    ]

    static let provisioning: [ConfigurationOption] =
        [
            ConfigurationOption(
                "provisioning.url", .text(.url), "\"\"",
                "Where the app is told of a user before the first session, by a POST of the fields as JSON. 2xx: in;"
                    + " 402, 403 and 409: no seat is left. Empty: off.")
        ]
        + ConfigurationOption(
            "provisioning.secret", .text(.any), "\"\"",
            "Signs what the app is told: X-Sidegate-Signature is sha256= and the HMAC-SHA256 of the body, hexadecimal."
        ).secret()
        + [
            ConfigurationOption(
                "provisioning.eachLogin", .boolean, "false",
                "Tell the app at every sign-in, so that changed names and groups reach it."),
            ConfigurationOption(
                "provisioning.ca", .text(.file), "\"\"",
                "PEM of the authorities that may have signed the https certificate of `url`. Empty: the system's."),
            ConfigurationOption(
                "provisioning.serverName", .text(.any), "\"\"",
                "The name that the certificate of `url` must be for, and that it is asked for; empty: its host."),
            ConfigurationOption(
                "provisioning.clientCertificate", .text(.file), "\"\"",
                "A PEM certificate with its chain, shown to a server that asks for one."),
            ConfigurationOption("provisioning.clientKey", .text(.file), "\"\"", "The PEM key of `clientCertificate`."),
        ]
}
