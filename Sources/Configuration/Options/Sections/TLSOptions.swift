// SPDX-License-Identifier: Apache-2.0

/// `tls`: towards browsers.
enum TLSOptions {
    static let certificates = Option<[OptionValues]>(
        "tls.certificates", .list(.object(OptionRow.of(certificate, key))), default: "[]",
        "Certificates and their keys, chosen by the name that the browser asks for (SNI); names with `*.` stand for one"
            + " label. For one name there may be an RSA and an ECDSA certificate side by side. The first is for all other"
            + " names. Empty: plain HTTP."
    ).atStart(note: "Other certificates take effect at a reload, the change from or to plain HTTP at the next start.") {
        $0.tls != nil
    }
    static let minimumVersion = Option<TLSSettings.Version>(
        "tls.minimumVersion", .choice, default: "\"1.2\"", "The oldest TLS version accepted.")
    static let clientAuthorities = Option<String?>(
        "tls.clientCA", .textOrNone(.file), "A PEM file with the authorities that vouch for browsers' certificates.")
    static let clientAuthentication = Option<TLSSettings.ClientAuthentication>(
        "tls.clientAuth", .choice, default: "none",
        "Whether browsers are asked for a certificate of `clientCA`: not at all; asked, and refused when theirs is not"
            + " valid; or refused without one. It is required in addition to signing in.")
    static let strictTransportSecurity = Option<Duration?>(
        "tls.hsts", .durationOrNone(.zero ... .seconds(10 * 366 * 86_400)), default: "0s",
        "How long browsers must use https only (Strict-Transport-Security), on every response over TLS. 0s: not sent. A"
            + " field of the app's own is kept.")

    static let rows = OptionRow.of(
        certificates, minimumVersion, clientAuthorities, clientAuthentication, strictTransportSecurity)

    // Items of `certificates`.
    static let certificate = Option<String?>(
        "certificate", .text(.file), "A PEM file: the certificate, then its chain.")
    static let key = Option<String?>("key", .text(.file), "The PEM file with its key, unencrypted.")
}

/// TLS towards another server; several sections have these four.
struct ClientTLSOptions: OptionDeclaration {
    let ca: Option<String?>
    let serverName: Option<String?>
    let certificate: Option<String?>
    let key: Option<String?>

    var rows: [OptionRow] { OptionRow.of(ca, serverName, certificate, key) }

    /// A change of each takes effect at the next start; that of a file's contents does not need one.
    func atStart<Part>(
        within part: @escaping @Sendable (Settings) -> Part?, _ tls: @escaping @Sendable (Part) -> ClientTLSSettings
    ) -> ClientTLSOptions {
        ClientTLSOptions(
            ca: ca.atStart(within: part) { tls($0).authoritiesFile },
            serverName: serverName.atStart(within: part) { tls($0).serverName },
            certificate: certificate.atStart(within: part) { tls($0).certificateFile },
            key: key.atStart(within: part) { tls($0).keyFile })
    }
}
