// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT

/// `identityHeaders`, `headerPreset`, `headerEncoding`
enum IdentityOptions {
    static let headers = Option<[MapEntry<TextTemplate>]>(
        "identityHeaders", .map(name: .headerName, .fieldTemplate), default: "{}",
        "Headers that tell the app who the user is, as templates of fields such as {email}, or {groups;|} for a list with"
            + " something else than commas between its values: in addition to those of `headerPreset`, or"
            + " replacing them; an empty template removes one.")
    static let preset = Option<HeaderPreset>(
        "headerPreset", .choice, default: "forwarded",
        "A set of identity headers that a family of apps expects.")
    static let encoding = Option<HeaderEncoding>(
        "headerEncoding", .choice, default: "utf8",
        "How characters that are not ASCII are written in identity headers.")

    static let rows = OptionRow.of(headers, preset, encoding)
}

/// `assertion`: the signed statement for the app.
enum AssertionOptions {
    static let header = Option<String>(
        "assertion.header", .text(.assertionHeader), default: "X-Sidegate-Jwt-Assertion",
        "The header that carries the statement; a client's own of this name never reaches the app.")
    static let keyFile = Option<String?>(
        "assertion.keyFile", .textOrNone(.file), default: "\"\"",
        "PEM of the private key that signs statements: EC on P-256 for ES256, RSA of 2048 bits or more for RS256. Its"
            + " public half is at /.sidegate/jwks.json. Empty: off.")
    static let retiredKeyFiles = Option<[String]>(
        "assertion.retiredKeyFiles", .list(.text(.file)), default: "[]",
        "PEM of more keys, private or public, that are published and do not sign: those that signed before, or will next."
    )
    static let algorithm = Option<Algorithm>(
        "assertion.algorithm", .choice(of: [.es256, .rs256]), default: "ES256", "The statement's algorithm.")
    static let lifetime = Option<Duration>(
        "assertion.lifetime", .duration(.seconds(10) ... .seconds(3600)), default: "60s",
        "How long a statement is valid; each is used for half of that time.")
    static let issuer = Option<String?>(
        "assertion.issuer", .textOrNone(.oneLine), default: "\"\"",
        "The statement's `iss`. Empty: `publicURL`, and without that sidegate.")
    static let audience = Option<String?>(
        "assertion.audience", .textOrNone(.oneLine), default: "\"\"",
        "The statement's `aud`: the app that it is for. Empty: the same as `iss`.")

    static let rows = OptionRow.of(header, keyFile, retiredKeyFiles, algorithm, lifetime, issuer, audience)
}
