// SPDX-License-Identifier: Apache-2.0

import Gate

/// The addresses of the gate itself.
enum AddressOptions {
    static let listen = Option<[ListenAddress]>(
        "listen", .list(.listenAddress), default: "[\"0.0.0.0:8080\"]",
        "Where to accept connections: host:port, [v6]:port, :port for every address, unix:/path, or systemd: (or"
            + " systemd:NAME) for sockets that the service manager passes on; one or many. redirect: before an address"
            + " makes it plain HTTP that only redirects to https, to `publicURL` or the host of the request."
    ).atStart(\.listen)
    static let publicURL = Option<PublicOrigin?>(
        "publicURL", .origin,
        "The origin that browsers see. Default: taken from the request; X-Forwarded-* only from `trustedProxies`.")

    static let rows = OptionRow.of(listen, publicURL)
}

/// The proxies before the gate.
enum ProxyOptions {
    static let trusted = Option<[Network]>(
        "trustedProxies", .list(.network), default: "[]",
        "Address blocks of proxies before Sidegate, whose X-Forwarded-* fields are trusted.")
    static let usesProxyProtocol = Option<Bool>(
        "proxyProtocol", .boolean, default: "false",
        "Connections from `trustedProxies` and over unix sockets must begin with a PROXY protocol header, version 1 or 2."
            + " Connections from other addresses must not.")

    static let rows = OptionRow.of(trusted, usesProxyProtocol)
}

/// The event loops.
enum WorkerOptions {
    static let workers = Option<Int?>(
        "workers", .integerOrNone(0...1024), default: "0", "Event loops; 0: one for each core."
    ).atStart(\.workers)

    static let rows = OptionRow.of(workers)
}

/// Ranges that several options share.
enum OptionRange {
    static let anyTime: ClosedRange<Duration> = .milliseconds(1) ... .seconds(86_400)
    static let zeroOrTime: ClosedRange<Duration> = .zero ... .seconds(86_400)
}
