// SPDX-License-Identifier: Apache-2.0

// The signed statement for the app.

extension OptionTable {
    static let assertion: [ConfigurationOption] = [
        ConfigurationOption(
            "assertion.header", .text(.assertionHeader), "X-Sidegate-Jwt-Assertion",
            "The header that carries the statement; a client's own of this name never reaches the app."),
        ConfigurationOption(
            "assertion.keyFile", .text(.file), "\"\"",
            "PEM of the private key that signs statements: EC on P-256 for ES256, RSA of 2048 bits or more for RS256."
                + " Its public half is at /.sidegate/jwks.json. Empty: off."),
        ConfigurationOption(
            "assertion.retiredKeyFiles", .list(.text(.file)), "[]",
            "PEM of more keys, private or public, that are published and do not sign: those that signed before, or will"
                + " next."),
        ConfigurationOption("assertion.algorithm", .choice(["ES256", "RS256"]), "ES256", "The statement's algorithm."),
        ConfigurationOption(
            "assertion.lifetime", .duration(.seconds(10) ... .seconds(3600)), "60s",
            "How long a statement is good; each is used for half of that time."),
        ConfigurationOption(
            "assertion.issuer", .text(.oneLine), "\"\"",
            "The statement's `iss`. Empty: `publicURL`, and without that sidegate."),
        ConfigurationOption(
            "assertion.audience", .text(.oneLine), "\"\"",
            "The statement's `aud`: the app that is to believe it. Empty: the same as `iss`."),
    ]
}
