// SPDX-License-Identifier: Apache-2.0

import Gate

/// `redis`: what replicas share. A connection is made at the start; only its credentials can change later.
enum RedisOptions {
    static let url = Option<RedisAddress>(
        "redis.url", .redisAddress, default: "\"redis://127.0.0.1:6379/0\"",
        "Where Redis or Valkey is: redis://[user:password@]host:port/database, rediss:// over TLS, or unix:/path?db=0."
    ).atStart(within: \.redis, \.address.location).secret()
    static let user = Option<String?>(
        "redis.user", .textOrNone(.oneLine), default: "\"\"",
        "The ACL user, when it is not in `url`. Empty: the default one, by its password alone.")
    static let password = Option<String?>(
        "redis.password", .textOrNone(.oneLine), default: "\"\"", "The password, when it is not in `url`."
    ).secret()
    static let prefix = Option<String>(
        "redis.prefix", .text(.oneLine), default: "\"sidegate:\"",
        "What names of keys and channels in Redis begin with."
    ).atStart(within: \.redis, \.prefix)
    static let timeout = Option<Duration>(
        "redis.timeout", .duration(.milliseconds(10) ... .seconds(5)), default: "250ms",
        "How long Redis may take to answer."
    ).atStart(within: \.redis, \.timeout)
    static let tls = ClientTLSOptions(
        ca: Option(
            "redis.ca", .textOrNone(.file), default: "\"\"",
            "PEM of the authorities that may have signed the certificate of rediss://. Empty: the system's."),
        serverName: Option(
            "redis.serverName", .textOrNone(.any), default: "\"\"",
            "The name that the certificate of rediss:// must be for; empty: its host."),
        certificate: Option(
            "redis.clientCertificate", .textOrNone(.file), default: "\"\"",
            "A PEM certificate with its chain, presented to a server that requests one."),
        key: Option("redis.clientKey", .textOrNone(.file), default: "\"\"", "The PEM key of `clientCertificate`.")
    ).atStart(within: \.redis, \.tls)

    static let rows = OptionRow.of(url, user, password, prefix, timeout, tls)
}

/// `replay`
enum ReplayOptions {
    /// Where used tokens are remembered.
    enum Store: String, CaseIterable {
        case memory, redis
    }

    static let store = Option<Store>(
        "replay.store", .choice, default: "memory",
        "Where used tokens are remembered: in this process, or for all replicas."
    ).atStart(\.replay.isShared)
    static let onFailure = Option<ReplayFailurePolicy>(
        "replay.onFailure", .choice, default: "deny",
        "Whether a sign-in is refused or allowed while the store does not answer, or is full.")
    static let maxEntries = Option<Int>(
        "replay.maxEntries", .integer(1...10_000_000), default: "200000",
        "Used tokens that this process remembers at once, each until it expires, in about 80 bytes; with"
            + " `token.minimumIDLength` a token takes two entries.")

    static let rows = OptionRow.of(store, onFailure, maxEntries)
}
