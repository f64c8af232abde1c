// SPDX-License-Identifier: Apache-2.0

import Gate

/// `upstream`
enum UpstreamOptions {
    static let url = Option<UpstreamAddress?>(
        "upstream.url", .upstreamAddress,
        "Where the app is: http://host:port, https://host:port, h2c://host:port (HTTP/2 in the clear, as gRPC servers"
            + " speak it) or unix:/path."
    ).required()
    static let offersHTTP2 = Option<Bool>(
        "upstream.http2", .boolean, default: "false",
        "Offer HTTP/2 to an app behind https, which chooses (ALPN). Without TLS the address decides: h2c://.")
    static let connectTimeout = Option<Duration>(
        "upstream.connectTimeout", .duration(OptionRange.anyTime), default: "5s",
        "How long connecting to the app may take.")
    static let responseTimeout = Option<Duration>(
        "upstream.responseTimeout", .duration(OptionRange.anyTime), default: "60s",
        "How long the app may take to begin its response; 504 after it. `idleTimeout` limits the pauses within one.")
    static let idleTimeout = Option<Duration>(
        "upstream.idleTimeout", .duration(OptionRange.anyTime), default: "60s",
        "How long an unused connection to the app is kept, and how long a response may pause. Event streams and gRPC calls"
            + " may pause for any time.")
    static let maxConnections = Option<Int>(
        "upstream.maxConnections", .integer(1...1_000_000), default: "256",
        "The most connections to the app at a time, of all workers together; further requests wait for `connectTimeout`."
    )
    static let preservesHost = Option<Bool>(
        "upstream.preserveHost", .boolean, default: "true",
        "Send the browser's Host to the app, not the upstream's own.")
    static let rewritesRedirects = Option<Bool?>(
        "upstream.rewriteRedirects", .boolean,
        "Replace the app's own address (scheme, host and port) by the public one in its Location, Content-Location and"
            + " Refresh, and remove a cookie's `Domain` if it is the app's host; with `stripPrefix` of an app also put the"
            + " prefix in front of paths there and of a cookie's `Path`. Default: on if `preserveHost` is false or"
            + " `stripPrefix` is set.")
    static let collectRequests = Option<Int>(
        "upstream.collectRequests", .size(0...1_048_576), default: "0",
        "For apps that need Content-Length: collect the content of a request that comes without a length (chunked, or"
            + " HTTP/2) up to this size, and send it with its length. Longer content is passed on in chunks, and so is gRPC."
            + " At most 1MiB, and 64MiB in the whole process. 0: off.")
    static let headerBytes = Option<Int>(
        "upstream.headerBytes", .size(64...1_048_576), default: "16KiB",
        "The most bytes of identity headers (and assertion) that the app gets; a user who has more is refused with"
            + " `identity_head_too_large`, since servers answer requests with long heads by errors that explain nothing."
    )
    static let upgrades = Option<[String]>(
        "upstream.upgrades", .list(.text(.upgradeProtocol)), default: "[\"websocket\"]",
        "The protocols that the app may switch to (101) and whose data passes unread from then on, each as in `Upgrade`:"
            + " websocket, SPDY/3.1. Any other `Upgrade` is removed from the request, and so is a list of several. h2c,"
            + " HTTP and TLS cannot be named, since requests would pass unread.")
    static let isTolerant = Option<Bool>(
        "upstream.tolerant", .boolean, default: "false",
        "Accept more from an old app than HTTP allows, where that leaves no doubt about where a response ends: lines of a head"
            + " that all end in LF without CR, lines without a valid field name (they are dropped), a repeated"
            + " Content-Length with the same value, and status codes to 999. After such a response its connection is closed."
    )
    static let tls = UpstreamTLSOptions(section: "upstream.tls.")

    static let rows = OptionRow.of(
        url, offersHTTP2, connectTimeout, responseTimeout, idleTimeout, maxConnections, preservesHost,
        rewritesRedirects, collectRequests, headerBytes, upgrades, isTolerant, tls)
}

/// TLS towards an app, in a section or in a mapping of its own.
struct UpstreamTLSOptions: OptionDeclaration {
    let client: ClientTLSOptions
    let minimumVersion: Option<ClientTLSSettings.Version>
    let ciphers: Option<[String]>
    let skipsVerification: Option<Bool>

    /// - Parameter section: with its dot; empty in a mapping.
    init(section: String) {
        client = ClientTLSOptions(
            ca: Option(
                section + "ca", .textOrNone(.file),
                "A PEM file with the authorities that vouch for the app, in place of those that the system trusts."),
            serverName: Option(
                section + "serverName", .textOrNone(.any), default: "\"\"",
                "The name that the app's certificate must be for, and that is sent as SNI; empty: the host of `url`."),
            certificate: Option(
                section + "certificate", .textOrNone(.file), "A PEM certificate with its chain, presented to the app."),
            key: Option(section + "key", .textOrNone(.file), "The PEM key of `certificate`."))
        minimumVersion = Option(
            section + "minimumVersion", .choice, default: "\"1.2\"",
            "The oldest TLS version that the app may choose. 1.0 and 1.1 are broken (RFC 8996); with one of them weak"
                + " signatures, keys and ciphers are accepted too, since such servers have no others.")
        ciphers = Option(
            section + "ciphers", .list(.text(.any)), default: "[]",
            "The ciphers to offer, by OpenSSL's names, as a list or with colons between them; those of TLS 1.3 begin with"
                + " `TLS_`. Default: those with forward secrecy and authenticated encryption.")
        skipsVerification = Option(
            section + "insecureSkipVerify", .boolean, default: "false",
            "Accept any certificate. The connection is then encrypted, but the other end is not verified.")
    }

    var rows: [OptionRow] { client.rows + minimumVersion.rows + ciphers.rows + skipsVerification.rows }
}

/// Items of `upstreams`.
enum AppOptions {
    static let list = Option<[OptionValues]>(
        "upstreams", .list(.object(rows)), default: "[]",
        "More apps, by host and path. The most specific wins: a host by its name, then by `*.`, then any; then the longest"
            + " path. What is for none of them goes to `upstream`.")

    static let hosts = Option<[String]?>(
        "hosts", .list(.text(.hostPattern)),
        "Names without port that it is for; *.example.com stands for all names below. Default: all.")
    static let paths = Option<[RulePath]?>(
        "paths", .list(.rulePath),
        "Exact paths, or beginnings such as /wiki/*, which means /wiki and all below. Default: all.")
    static let url = Option<UpstreamAddress?>(
        "url", .upstreamAddress, "Where the app is, as `upstream.url`."
    ).required()
    static let stripPrefix = Option<String?>(
        "stripPrefix", .text(.pathPrefix),
        "Removed from the front of the path before the app gets it, and sent to the app in X-Forwarded-Prefix.")
    static let connectTimeout = Option<Duration?>(
        "connectTimeout", .duration(OptionRange.anyTime), "Default: as `upstream.connectTimeout`, and so on.")
    static let responseTimeout = Option<Duration?>(
        "responseTimeout", .duration(OptionRange.anyTime), "As `upstream.responseTimeout`.")
    static let idleTimeout = Option<Duration?>(
        "idleTimeout", .duration(OptionRange.anyTime), "As `upstream.idleTimeout`.")
    static let maxConnections = Option<Int?>(
        "maxConnections", .integer(1...1_000_000), "As `upstream.maxConnections`, for this app alone.")
    static let preservesHost = Option<Bool?>("preserveHost", .boolean, "As `upstream.preserveHost`.")
    static let rewritesRedirects = Option<Bool?>(
        "rewriteRedirects", .boolean, "As `upstream.rewriteRedirects`.")
    static let collectRequests = Option<Int?>(
        "collectRequests", .size(0...1_048_576), "As `upstream.collectRequests`.")
    static let headerBytes = Option<Int?>("headerBytes", .size(64...1_048_576), "As `upstream.headerBytes`.")
    static let upgrades = Option<[String]?>(
        "upgrades", .list(.text(.upgradeProtocol)), "As `upstream.upgrades`, in its place.")
    static let isTolerant = Option<Bool?>("tolerant", .boolean, "As `upstream.tolerant`.")
    static let offersHTTP2 = Option<Bool?>("http2", .boolean, "As `upstream.http2`.")
    static let tls = Option<OptionValues?>(
        "tls", .object(tlsOptions.rows),
        "`ca`, `serverName`, `certificate`, `key`, `minimumVersion`, `ciphers` and `insecureSkipVerify` as in"
            + " `upstream.tls`, from which nothing is taken over.")
    static let tlsOptions = UpstreamTLSOptions(section: "")

    private static let rows = OptionRow.of(
        hosts, paths, url, stripPrefix, connectTimeout, responseTimeout, idleTimeout, maxConnections, preservesHost,
        rewritesRedirects, collectRequests, headerBytes, upgrades, isTolerant, offersHTTP2, tls)
}
