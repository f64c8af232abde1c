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

/// One Redis or Valkey server as the store of all replicas.
package final class RedisReplicaStore: RedisBackedStore {
    /// For the metrics.
    package enum Event: Sendable {
        case connected
        case lost
        /// A connection ended because of a reply that is not Redis's protocol.
        case unexpectedReply
    }

    private let configuration: RedisConfiguration
    private let prefix: String
    private let resolver: Resolver
    private let logger: Logger
    private let observe: @Sendable (Event) -> Void
    private let lastReport = Mutex(MonotonicTime(nanoseconds: 0))
    private let credentials: Mutex<RedisCredentials>

    /// - Parameter prefix: of all keys and channels.
    package init(
        _ configuration: RedisConfiguration, prefix: String, resolver: Resolver, logger: Logger,
        observe: @escaping @Sendable (Event) -> Void
    ) {
        self.configuration = configuration
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
        RedisReplicaConnection(open(on: loop), self)
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

    /// A connection of `loop`.
    ///
    /// - Parameters:
    ///   - isObserved: its losses are logged and counted; one of the process's connections is.
    func open(
        on loop: EventLoop, channel: [UInt8]? = nil, message: @escaping ([UInt8]) -> Void = { _ in },
        isObserved: Bool = false, connected: @escaping () -> Void = {}
    ) -> RedisConnection {
        var configuration = configuration
        // A subscriber sends nothing, so only a PING finds a connection that was lost. Retained messages are read again
        // after it was.
        if channel != nil { configuration.idleInterval = .seconds(2) }
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

    func key(_ key: ReplicaKey) -> [UInt8] {
        self.key("\(key.kind.rawValue):\(Base64URL.encodeToString(key.identifier))")
    }
}

extension ReplicaFailure {
    init(_ failure: RedisFailure) { self.init(failure.description) }
}
