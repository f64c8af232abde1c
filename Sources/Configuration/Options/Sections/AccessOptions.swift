// SPDX-License-Identifier: Apache-2.0

import Gate

/// `access`
enum AccessOptions {
    static let `default` = Option<AccessConfiguration.Default>(
        "access.default", .choice, default: "signedIn",
        "What a request needs that no rule matches: a session, or (guest) nothing, and the app learns who the user is when"
            + " that is known.")
    static let emails = Option<[String]>(
        "access.users.emails", .list(.text(.email)), default: "[]",
        "Registered e-mail addresses; upper and lower case of A to Z are the same, and so are the two forms of a domain"
            + " (bücher.example, xn--bcher-kva.example). With all of `access.users` empty every"
            + " user of the identity provider is let in.")
    static let emailsFile = Option<String?>(
        "access.users.emailsFile", .textOrNone(.file), default: "\"\"",
        "A file with more of them, one a line; empty lines and lines that begin with # do not count. It is read again when"
            + " it changes.")
    static let emailDomains = Option<[String]>(
        "access.users.emailDomains", .list(.text(.emailDomain)), default: "[]",
        "Domains of which every address is registered; matched whole, so subdomains are listed separately. Compared as"
            + " A-labels.")
    static let groups = Option<[String]>(
        "access.users.groups", .list(.text(.oneLine)), default: "[]",
        "Groups of which a registered user must be in one, whatever else registers the user.")
    static let site = Option<String>(
        "access.site", .text(.oneLine), default: "\"\"",
        "This app's site ID: a token that names sites (field `sites`) must name this one. A token without sites is let"
            + " in.")
    static let rules = Option<[OptionValues]>(
        "access.rules", .list(.object(RuleOptions.rows)), default: "[]",
        "Rules by path, and by host and network of the client; the first that matches decides, and where none does,"
            + " `access.default`. They are matched against the path in its canonical form, never against query or fragment, and the app gets that very form; a path"
            + " without one is answered with 400.")
    static let mode = Option<AccessConfiguration.Mode>(
        "access.mode", .choice, default: "enforce",
        "Whether what `access` refuses is refused. With observe every request is let through, with an identity when it is"
            + " known, and the access log says what enforce would have done (`would`, `reason`).")

    /// `access.users`
    static let userRows = OptionRow.of(emails, emailsFile, emailDomains, groups)
    static let rows = OptionRow.of(`default`, emails, emailsFile, emailDomains, groups, site, rules, mode)
}

/// Items of `access.rules`.
enum RuleOptions {
    /// The only value of `allow`.
    enum Allowed: String, CaseIterable {
        case anyone
    }

    static let paths = Option<[RulePath]?>(
        "paths", .list(.rulePath),
        "Exact paths, or beginnings such as /admin/*, which means /admin and all below; /* is the whole site. Written"
            + " decoded, without percent-encoding."
    ).required()
    static let methods = Option<[String]?>(
        "methods", .list(.text(.method)),
        "Methods that the rule is for, in capitals; GET stands for HEAD too. Default: all.")
    static let hosts = Option<[String]?>(
        "hosts", .list(.text(.hostPattern)),
        "Names without port that the rule is for; *.example.com stands for all names below. Default: all.")
    static let from = Option<[Network]?>(
        "from", .list(.network),
        "Address blocks of the clients that the rule is for. A client that is not known (it sends forwarding fields and is"
            + " none of `trustedProxies`, or these name no other client) is in none of them for rules with `allow`, and in"
            + " each for all others. May not overlap `trustedProxies`. Default: all clients.")
    static let allow = Option<Allowed?>("allow", .choice, "anyone: no sign-in is needed.").inGroup("effect")
    static let require = Option<[MapEntry<[String]>]?>(
        "require", .map(name: .fieldName, .list(.text(.oneLine))),
        "Sign-in is needed, and of each field named here one of its values."
    ).inGroup("effect")
    static let deny = Option<Bool?>("deny", .boolean, "true: 403 for everyone.").inGroup("effect")
    static let providers = Option<[String]?>(
        "providers", .list(.text(.providerName)),
        "Sign-in is needed, at one of these `identityProviders`: users of others get 403. Default: at any.")
    static let unauthenticated = Option<AccessRule.Unauthenticated?>(
        "unauthenticated", .choice,
        "The response to a request without a session: 401, or (GET and HEAD) the redirect to sign in. Default: the redirect"
            + " for a browser's navigation, 401 for all else.")

    static let rows = OptionRow.of(paths, methods, hosts, from, allow, require, deny, providers, unauthenticated)
}

/// `nativeLogin`
enum NativeLoginOptions {
    static let parameters = Option<[String]>(
        "nativeLogin.parameters", .list(.text(.parameterName)), default: "[no_sso, no_jwt]",
        "Query parameters that request it, on one of `paths`.")
    static let paths = Option<[String]>(
        "nativeLogin.paths", .list(.text(.pathPattern)), default: "[]",
        "Where the app's login page is: exact paths, or beginnings such as /login/*. Empty: off.")
    static let with = Option<[String]>(
        "nativeLogin.with", .list(.text(.pathPattern)), default: "[]",
        "More paths that the login page needs, such as /static/*; open while the login page is.")
    static let from = Option<[Network]>(
        "nativeLogin.from", .list(.network), default: "[]",
        "Address blocks of the clients that may request it, as `access.rules[].from` knows clients; empty: all.")
    static let lifetime = Option<Duration>(
        "nativeLogin.lifetime", .duration(.seconds(1) ... .seconds(86_400)), default: "15m",
        "How long the paths stay open for a browser that has requested it.")

    static let rows = OptionRow.of(parameters, paths, with, from, lifetime)
}

/// `provisioning`
enum ProvisioningOptions {
    static let url = Option<String?>(
        "provisioning.url", .textOrNone(.url), default: "\"\"",
        "Where the app is notified of a user before the first session, by a POST of the fields as JSON. 2xx: the user is"
            + " let in; 402, 403 and 409: no seat is left. Empty: off.")
    static let secret = Option<String?>(
        "provisioning.secret", .textOrNone(.any), default: "\"\"",
        "Signs the notification: X-Sidegate-Signature is sha256= and the HMAC-SHA256 of the body, hexadecimal."
    ).secret()
    static let eachLogin = Option<Bool>(
        "provisioning.eachLogin", .boolean, default: "false",
        "Notify the app at every sign-in, so that changed names and groups reach it.")
    static let tls = ClientTLSOptions(
        ca: Option(
            "provisioning.ca", .textOrNone(.file), default: "\"\"",
            "PEM of the authorities that may have signed the https certificate of `url`. Empty: the system's."),
        serverName: Option(
            "provisioning.serverName", .textOrNone(.any), default: "\"\"",
            "The name that the certificate of `url` must be for, and that is sent as SNI; empty: its host."),
        certificate: Option(
            "provisioning.clientCertificate", .textOrNone(.file), default: "\"\"",
            "A PEM certificate with its chain, presented to a server that requests one."),
        key: Option(
            "provisioning.clientKey", .textOrNone(.file), default: "\"\"", "The PEM key of `clientCertificate`."))

    static let rows = OptionRow.of(url, secret, eachLogin, tls)
}
