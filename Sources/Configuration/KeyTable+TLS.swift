// SPDX-License-Identifier: Apache-2.0

// The rows of TLS, on both sides.

extension KeyTable {
    static let upstreamTLS: [Key] = [
        Key(
            "upstream.tls.ca", .text(.file), nil,
            "A PEM file with the authorities that vouch for the app, in place of those that the system trusts."),
        Key(
            "upstream.tls.serverName", .text(.any), "\"\"",
            "The name that the app's certificate must be for, and that it is asked for; empty: the host of `url`."),
        Key("upstream.tls.certificate", .text(.file), nil, "A PEM certificate with its chain, shown to the app."),
        Key("upstream.tls.key", .text(.file), nil, "The PEM key of `certificate`."),
        Key(
            "upstream.tls.insecureSkipVerify", .boolean, "false",
            "Believe whoever answers. The connection is then encrypted, but to whom is not known."),
    ]

    /// The same without their section, for the apps of `upstreams`.
    static let appTLS: [Key] = upstreamTLS.map { Key($0.name, $0.kind, nil, $0.summary) }

    static let tls: [Key] = [
        Key(
            "tls.certificates", .list(.object(certificate)), "[]",
            "Certificates and their keys, chosen by the name that the browser asks for (SNI); names with `*.` stand for one"
                + " label. For one name there may be an RSA and an ECDSA certificate side by side. The first is for all"
                + " other names. Empty: plain HTTP."),
        Key("tls.minimumVersion", .choice(["1.2", "1.3"]), "\"1.2\"", "The oldest TLS version accepted."),
        Key(
            "tls.clientCA", .text(.file), nil,
            "A PEM file with the authorities that vouch for browsers' certificates."),
        Key(
            "tls.clientAuth", .choice(["none", "request", "require"]), "none",
            "Whether browsers are asked for a certificate of `clientCA`: not at all; asked, and refused when theirs is not"
                + " good; or refused without one. It comes on top of signing in."),
        Key(
            "tls.hsts", .duration(.zero ... .seconds(10 * 366 * 86_400)), "0s",
            "How long browsers shall come by https only (Strict-Transport-Security), on every response over TLS. 0s: not"
                + " said. What the app says itself stays."),
    ]

    private static let certificate: [Key] = [
        Key("certificate", .text(.file), nil, "A PEM file: the certificate, then its chain."),
        Key("key", .text(.file), nil, "The PEM file with its key, unencrypted."),
    ]
}
