// SPDX-License-Identifier: Apache-2.0

// What replicas share.

extension OptionTable {
    static let redis: [ConfigurationOption] =
        ConfigurationOption(
            "redis.url", .redisAddress, "\"redis://127.0.0.1:6379/0\"",
            "Where Redis or Valkey is: redis://[user:password@]host:port/database, rediss:// over TLS, or"
                + " unix:/path?db=0."
        ).secret()
        + [
            ConfigurationOption(
                "redis.user", .text(.oneLine), "\"\"",
                "The ACL user, when it is not in `url`. Empty: the default one, by its password alone.")
        ]
        + ConfigurationOption("redis.password", .text(.oneLine), "\"\"", "The password, when it is not in `url`.")
        .secret()
        + [
            ConfigurationOption(
                "redis.prefix", .text(.oneLine), "\"sidegate:\"", "What names of keys and channels in Redis begin with."
            ),
            ConfigurationOption(
                "redis.timeout", .duration(.milliseconds(10) ... .seconds(5)), "250ms",
                "How long Redis may take to answer."),
            ConfigurationOption(
                "redis.ca", .text(.file), "\"\"",
                "PEM of the authorities that may have signed the certificate of rediss://. Empty: the system's."),
            ConfigurationOption(
                "redis.serverName", .text(.any), "\"\"",
                "The name that the certificate of rediss:// must be for; empty: its host."),
            ConfigurationOption(
                "redis.clientCertificate", .text(.file), "\"\"",
                "A PEM certificate with its chain, shown to a server that asks for one."),
            ConfigurationOption("redis.clientKey", .text(.file), "\"\"", "The PEM key of `clientCertificate`."),
            ConfigurationOption(
                "replay.store", .choice(["memory", "redis"]), "memory",
                "Where used tokens are remembered: in this process, or for all replicas."),
            ConfigurationOption(
                "replay.onFailure", .choice(["deny", "allow"]), "deny",
                "What a sign-in gets when the store cannot answer."),
        ]
}
