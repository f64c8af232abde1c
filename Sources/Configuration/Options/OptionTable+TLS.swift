// SPDX-License-Identifier: Apache-2.0

// The rows of TLS, on both sides.

extension OptionTable {
    static let upstreamTLS: [ConfigurationOption] = [
        ConfigurationOption(
            "upstream.tls.ca", .text(.file), nil,
            "A PEM file with the authorities that vouch for the app, in place of those that the system trusts."),
        ConfigurationOption(
            "upstream.tls.serverName", .text(.any), "\"\"",
            "The name that the app's certificate must be for, and that it is asked for; empty: the host of `url`."),
        ConfigurationOption(
            "upstream.tls.certificate", .text(.file), nil, "A PEM certificate with its chain, shown to the app."),
        ConfigurationOption("upstream.tls.key", .text(.file), nil, "The PEM key of `certificate`."),
        ConfigurationOption(
            "upstream.tls.insecureSkipVerify", .boolean, "false",
            "Believe whoever answers. The connection is then encrypted, but to whom is not known."),
    ]

    /// The same without their section, for the apps of `upstreams`.
    static let appTLS: [ConfigurationOption] = upstreamTLS.map {
        ConfigurationOption($0.name, $0.kind, nil, $0.summary)
    }

    static let tls: [ConfigurationOption] = [
        ConfigurationOption(
            "tls.certificates", .list(.object(certificate)), "[]",
            "Certificates and their keys, chosen by the name that the browser asks for (SNI); names with `*.` stand for one"
                + " label. For one name there may be an RSA and an ECDSA certificate side by side. The first is for all"
                + " other names. Empty: plain HTTP."),
        ConfigurationOption(
            "tls.minimumVersion", .choice(["1.2", "1.3"]), "\"1.2\"", "The oldest TLS version accepted."),
        ConfigurationOption(
            "tls.clientCA", .text(.file), nil,
            "A PEM file with the authorities that vouch for browsers' certificates."),
        ConfigurationOption(
            "tls.clientAuth", .choice(["none", "request", "require"]), "none",
            "Whether browsers are asked for a certificate of `clientCA`: not at all; asked, and refused when theirs is not"
                + " good; or refused without one. It comes on top of signing in."),
        ConfigurationOption(
            "tls.hsts", .duration(.zero ... .seconds(10 * 366 * 86_400)), "0s",
            "How long browsers shall come by https only (Strict-Transport-Security), on every response over TLS. 0s: not"
                + " said. What the app says itself stays."),
    ]

    private static let certificate: [ConfigurationOption] = [
        ConfigurationOption("certificate", .text(.file), nil, "A PEM file: the certificate, then its chain."),
        ConfigurationOption("key", .text(.file), nil, "The PEM file with its key, unencrypted."),
    ]
}
