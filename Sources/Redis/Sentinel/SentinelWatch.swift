// SPDX-License-Identifier: Apache-2.0

import Reactor

/// The subscriptions to failovers at all known sentinels, up to a limit. Confined to its loop.
///
/// Any of them may be the first that learns of a failover.
final class SentinelWatch {
    typealias Endpoint = RedisConfiguration.Endpoint

    /// Called on the loop.
    struct Events {
        /// A subscription has begun: what happened before it was not heard.
        var subscribed: () -> Void
        /// A subscription was lost, or a sentinel takes none; it is tried again.
        var lost: () -> Void
        /// A failover, as a sentinel reports it.
        var switched: (_ old: Endpoint, _ primary: Endpoint, _ sentinel: Endpoint) -> Void
        /// A message or reply is not valid.
        var refused: (_ sentinel: Endpoint, String) -> Void
    }

    private let configuration: RedisSentinelConfiguration
    private let credentials: () -> RedisCredentials
    private let loop: EventLoop
    private let resolver: Resolver
    private let events: Events
    private var connections: [Endpoint: RedisConnection] = [:]
    private var isClosed = false

    init(
        _ configuration: RedisSentinelConfiguration, credentials: @escaping () -> RedisCredentials, loop: EventLoop,
        resolver: Resolver, _ events: Events
    ) {
        self.configuration = configuration
        self.credentials = credentials
        self.loop = loop
        self.resolver = resolver
        self.events = events
    }

    /// Subscribes at those of `known` where it has not, the first ones first. One that is not known any more is left if it is
    /// out of reach; a subscription that works is kept, since sentinels may name different others in turn.
    func follow(_ known: [Endpoint]) {
        guard !isClosed else { return }
        for (sentinel, connection) in connections where !connection.isReady && !known.contains(sentinel) {
            connections[sentinel] = nil
            end(connection)
        }
        for sentinel in known where connections[sentinel] == nil && connections.count < Self.maximumSubscriptions {
            subscribe(at: sentinel)
        }
    }

    func close() {
        isClosed = true
        for connection in connections.values { connection.close() }
        connections = [:]
    }

    private func subscribe(at sentinel: Endpoint) {
        weak var own: RedisConnection?
        let connection = RedisConnection(
            configuration.connection(to: sentinel), loop: loop, resolver: resolver, channel: SentinelSwitch.channel,
            credentials: credentials, message: { [weak self] in self?.received($0, sentinel) },
            report: { [weak self] event in
                guard let self, let connection = own, connection === connections[sentinel] else { return }
                switch event {
                case .connected: events.subscribed()
                case .unexpectedReply(let cause): events.refused(sentinel, cause)
                case .lost: events.lost()
                }
            })
        own = connection
        connections[sentinel] = connection
        connection.start()
    }

    private func received(_ message: [UInt8], _ sentinel: Endpoint) {
        guard let connection = connections[sentinel] else { return }
        switch SentinelSwitch(message, master: configuration.master) {
        case .from(let old, let primary): events.switched(old, primary, sentinel)
        case .other: break
        case .malformed: connection.reject("an invalid message of a failover")
        }
    }

    /// Not from within its own report.
    private func end(_ connection: RedisConnection) {
        loop.afterEvent { connection.close() }
    }

    static let maximumSubscriptions = 16
}
