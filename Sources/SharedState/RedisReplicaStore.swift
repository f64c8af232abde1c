// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Logging
import Reactor
import Redis
import Synchronization

/// A replica store of servers that require credentials.
package protocol RedisBackedStore: ReplicaStore {
    /// Connections made from now on use these credentials.
    func replaceCredentials(_ new: RedisCredentials)
}

/// Redis or Valkey as the store of all replicas: one server, or a cluster.
package final class RedisReplicaStore: RedisBackedStore {
    /// For the metrics.
    package enum Event: Sendable {
        case connected
        case lost
        /// A connection ended because of a reply that is not Redis's protocol.
        case unexpectedReply
        /// A server of a cluster has sent a command to another one.
        case redirected
    }

    package enum Servers: Sendable {
        /// The one of the configuration.
        case one
        /// Those of a cluster, of which some are given.
        case cluster(seeds: [RedisNode])
    }

    private let configuration: RedisConfiguration
    private let servers: Servers
    private let prefix: String
    private let resolver: Resolver
    private let logger: Logger
    private let observe: @Sendable (Event) -> Void
    private let lastReport = Mutex(MonotonicTime(nanoseconds: 0))
    private let credentials: Mutex<RedisCredentials>

    /// - Parameters:
    ///   - configuration: of each connection.
    ///   - prefix: of all keys and channels.
    package init(
        _ configuration: RedisConfiguration, _ servers: Servers = .one, prefix: String, resolver: Resolver,
        logger: Logger, observe: @escaping @Sendable (Event) -> Void
    ) {
        self.configuration = configuration
        self.servers = servers
        self.prefix = prefix
        self.resolver = resolver
        self.logger = logger
        self.observe = observe
        credentials = Mutex(configuration.credentials)
    }

    package func replaceCredentials(_ new: RedisCredentials) {
        credentials.withLock { $0 = new }
    }

    package func connect(on loop: EventLoop) -> any ReplicaConnection {
        switch servers {
        case .one: RedisReplicaConnection(open(on: loop), self)
        case .cluster(let seeds): RedisReplicaConnection(openCluster(seeds, on: loop), self)
        }
    }

    package func channel(on loop: EventLoop, _ events: ReplicaChannelEvents) -> any ReplicaChannel {
        let channel = RedisReplicaChannel(self, loop: loop, events)
        channel.start()
        return channel
    }

    /// Logs at most one failure every ten seconds.
    package func report(_ failure: ReplicaFailure, _ purpose: String) {
        let now = MonotonicTime.current()
        let isDue = lastReport.withLock { last in
            guard last.nanoseconds == 0 || now.since(last) > .seconds(10) else { return false }
            last = now
            return true
        }
        if isDue {
            logger.warning("a Redis command failed", metadata: ["for": "\(purpose)", "cause": "\(failure)"])
        }
    }

    /// What a channel needs: where commands are sent, and a subscription.
    ///
    /// - Parameters:
    ///   - connected: commands can be sent, after they could not.
    ///   - subscribed: messages arrive, after they did not.
    func openChannel(
        _ channel: [UInt8], on loop: EventLoop, message: @escaping ([UInt8]) -> Void,
        connected: @escaping () -> Void, subscribed: @escaping () -> Void
    ) -> (any RedisClient, any RedisSubscription) {
        switch servers {
        case .one:
            return (
                open(on: loop, isObserved: true, connected: connected),
                open(on: loop, channel: channel, message: message, connected: subscribed)
            )
        case .cluster(let seeds):
            let cluster = openCluster(seeds, on: loop, isObserved: true, connected: connected)
            let subscription = cluster.subscribe(to: channel, message: message) { [self] event in
                switch event {
                case .connected: subscribed()
                case .unexpectedReply: observe(.unexpectedReply)
                case .lost: break
                }
            }
            return (cluster, subscription)
        }
    }

    /// - Parameters:
    ///   - isObserved: its outages are logged and counted, and it finds those of servers that it does not need; one of the
    ///     process's clients is.
    ///   - connected: some server can be reached, after it could not.
    private func openCluster(
        _ seeds: [RedisNode], on loop: EventLoop, isObserved: Bool = false, connected: @escaping () -> Void = {}
    ) -> RedisCluster {
        let words = "the cluster of " + seeds.prefix(5).map(\.description).joined(separator: ", ")
        let cluster = RedisCluster(
            configuration, seeds: seeds, loop: loop, resolver: resolver,
            // The subscription must leave a server that has left the cluster.
            refreshInterval: .seconds(isObserved ? 10 : 60), keepsAllConnected: isObserved,
            credentials: { [self] in credentials.withLock { $0 } }
        ) { [self] event in
            switch event {
            case .connected:
                if isObserved {
                    observe(.connected)
                    logger.info("connected to Redis", metadata: ["address": "\(words)"])
                }
                connected()
            case .lost(let cause):
                guard isObserved else { break }
                observe(.lost)
                logger.warning("Redis is out of reach", metadata: ["address": "\(words)", "cause": "\(cause)"])
            case .unexpectedReply: observe(.unexpectedReply)
            case .redirected: observe(.redirected)
            case .reachable: connected()
            case .mapped: break
            }
        }
        cluster.start()
        return cluster
    }

    /// A connection of `loop` to the one server.
    ///
    /// - Parameters:
    ///   - isObserved: its losses are logged and counted; one of the process's connections is.
    private func open(
        on loop: EventLoop, channel: [UInt8]? = nil, message: @escaping ([UInt8]) -> Void = { _ in },
        isObserved: Bool = false, connected: @escaping () -> Void = {}
    ) -> RedisConnection {
        var configuration = configuration
        if channel != nil { configuration.idleInterval = RedisConfiguration.subscriberIdleInterval }
        weak var own: RedisConnection?
        let connection = RedisConnection(
            configuration, loop: loop, resolver: resolver, channel: channel,
            credentials: { [self] in credentials.withLock { $0 } }, message: message
        ) { [self] event in
            switch event {
            case .connected:
                if isObserved {
                    observe(.connected)
                    logger.info("connected to Redis", metadata: Self.address(own))
                }
                connected()
            case .unexpectedReply:
                observe(.unexpectedReply)
            case .lost(let cause):
                guard isObserved else { break }
                observe(.lost)
                logger.warning(
                    "Redis is out of reach", metadata: Self.address(own).merging(["cause": "\(cause)"]) { $1 })
            }
        }
        own = connection
        connection.start()
        return connection
    }

    /// Empty while no server is known.
    private static func address(_ connection: RedisConnection?) -> Logger.Metadata {
        connection?.endpoint.map { ["address": "\($0)"] } ?? [:]
    }

    /// `name` with the prefix.
    func key(_ name: String) -> [UInt8] { Array((prefix + name).utf8) }

    /// The two keys of a table. What stands in braces is what Redis Cluster chooses the place by: it is one for both.
    func keys(_ table: ReplicaTable) -> [[UInt8]] {
        [key("{\(table.rawValue)}"), key("{\(table.rawValue)}:expiry")]
    }

    /// In a cluster, the group is the hash tag: all keys of a group are on one server. On a single server the names have none:
    /// they stay those of earlier versions, which may run beside this one.
    func key(_ key: ReplicaKey) -> [UInt8] {
        var tag = ""
        if case .cluster = servers, let group = key.group { tag = "{\(Base64URL.encodeToString(group))}:" }
        return self.key("\(key.kind.rawValue):\(tag)\(Base64URL.encodeToString(key.identifier))")
    }
}

extension ReplicaFailure {
    init(_ failure: RedisFailure) { self.init(failure.description) }
}
