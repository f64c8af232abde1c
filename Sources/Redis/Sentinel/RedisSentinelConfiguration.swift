// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// The sentinels that know which server is the primary.
package struct RedisSentinelConfiguration: Sendable {
    package var sentinels: [RedisConfiguration.Endpoint]
    /// The name by which they know the primary.
    package var master: String
    /// nil: unencrypted.
    package var tls: TLSClientContext?
    /// Of the sentinels, not of the servers.
    package var credentials = RedisCredentials()
    /// The time limit for connecting to a sentinel, handshake included, and again for its reply.
    package var timeout = Nanoseconds.seconds(1)

    package init(sentinels: [RedisConfiguration.Endpoint], master: String) {
        self.sentinels = sentinels
        self.master = master
    }

    /// For a connection to one of them.
    package func connection(to sentinel: RedisConfiguration.Endpoint) -> RedisConfiguration {
        var configuration = RedisConfiguration(sentinel)
        configuration.tls = tls
        configuration.credentials = credentials
        configuration.timeout = timeout
        configuration.connectTimeout = timeout
        configuration.idleInterval = .seconds(2)
        configuration.isSentinel = true
        return configuration
    }
}

/// An event of the search for the primary worth logging.
package enum RedisSentinelEvent: Equatable, Sendable {
    /// The first primary that a sentinel named, or another one after a failover.
    case primary(RedisConfiguration.Endpoint, was: RedisConfiguration.Endpoint?)
    /// No sentinel names a primary: reported once for each outage. The last one named stays in use.
    case unreachable(String, last: RedisConfiguration.Endpoint?)
    /// A sentinel names a primary again.
    case reachable(RedisConfiguration.Endpoint)
    /// A sentinel's reply or message is not valid.
    case refused(sentinel: RedisConfiguration.Endpoint, String)
}
