// SPDX-License-Identifier: Apache-2.0

import Gate

/// `redis`: what replicas share. A connection is made at the start; only its credentials can change later.
enum RedisOptions {
    static let url = Option<RedisAddress>(
        "redis.url", .redisAddress, default: "\"redis://127.0.0.1:6379/0\"",
        "Where Redis or Valkey is: redis://[user:password@]host:port/database, rediss:// over TLS, or unix:/path?db=0."
    ).inGroup(servers).atStart(within: \.redis, \.topology.location).secret()
    static let sentinels = Option<[ServerAddress]?>(
        "redis.sentinels", .list(.server(defaultPort: 26379)),
        "In place of `url`: the sentinels that know which server is the primary, as host:port."
    ).inGroup(servers).atStart(within: \.redis, \.topology.sentinels)
    static let master = Option<String?>(
        "redis.master", .textOrNone(.oneLine), default: "\"\"",
        "The name by which `sentinels` know the primary, such as mymaster."
    ).atStart(within: \.redis, \.topology.master)
    static let cluster = Option<[ServerAddress]?>(
        "redis.cluster", .list(.server(defaultPort: 6379)),
        "In place of `url`: servers of a Redis Cluster, as host:port; they name the others."
    ).inGroup(servers).atStart(within: \.redis, \.topology.seeds)
    static let usesTLS = Option<Bool>(
        "redis.tls", .boolean, default: "false",
        "With `sentinels` or `cluster`: connections to all servers, sentinels included, are over TLS, as by rediss://."
    ).atStart(within: \.redis) { $0.topology.location == nil && $0.isSecure }
    static let database = Option<Int>(
        "redis.database", .integer(0...99_999), default: "0",
        "With `sentinels`: the number of the database; in `url` it stands at the end."
    ).atStart(within: \.redis) { $0.topology.location == nil ? $0.topology.database : 0 }
    static let user = Option<String?>(
        "redis.user", .textOrNone(.oneLine), default: "\"\"",
        "The ACL user, when it is not in `url`. Empty: the default one, by its password alone.")
    static let password = Option<String?>(
        "redis.password", .textOrNone(.oneLine), default: "\"\"", "The password, when it is not in `url`."
    ).secret()
    static let sentinelUser = Option<String?>(
        "redis.sentinelUser", .textOrNone(.oneLine), default: "\"\"",
        "The ACL user of the sentinels. Empty: their default one, by `sentinelPassword` alone.")
    static let sentinelPassword = Option<String?>(
        "redis.sentinelPassword", .textOrNone(.oneLine), default: "\"\"",
        "The password of the sentinels, which is not that of the servers. Empty: they need none."
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
            "PEM of the authorities that may have signed the servers' certificates. Empty: the system's."),
        serverName: Option(
            "redis.serverName", .textOrNone(.any), default: "\"\"",
            "The name that the certificate of every server must be for; empty: its host."),
        certificate: Option(
            "redis.clientCertificate", .textOrNone(.file), default: "\"\"",
            "A PEM certificate with its chain, presented to a server that requests one."),
        key: Option("redis.clientKey", .textOrNone(.file), default: "\"\"", "The PEM key of `clientCertificate`.")
    ).atStart(within: \.redis, \.tls)

    static let rows = OptionRow.of(
        url, sentinels, master, cluster, usesTLS, database, user, password, sentinelUser, sentinelPassword, prefix,
        timeout, tls)

    /// The options that say where the servers are; one of them is in force.
    private static let servers = "redis.url"
    /// The most sentinels, or servers of a cluster, that can be named.
    static let maximumServers = 64
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
