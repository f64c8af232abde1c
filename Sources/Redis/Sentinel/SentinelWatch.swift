// SPDX-License-Identifier: Apache-2.0

import Reactor

/// The subscription to failovers at one sentinel; at another one when it is lost. Confined to its loop.
final class SentinelWatch {
    typealias Endpoint = RedisConfiguration.Endpoint

    /// Called on the loop.
    struct Events {
        /// A subscription has begun: what happened before it was not heard.
        var subscribed: () -> Void
        /// No sentinel that is known takes a subscription; they are tried again.
        var exhausted: () -> Void
        /// A failover, as a sentinel reports it.
        var switched: (_ primary: Endpoint, _ sentinel: Endpoint) -> Void
        /// A message or reply is not valid.
        var refused: (_ sentinel: Endpoint, String) -> Void
    }

    private let configuration: RedisSentinelConfiguration
    private let credentials: () -> RedisCredentials
    private let loop: EventLoop
    private let resolver: Resolver
    /// In the order in which they are to be tried.
    private let sentinels: () -> [Endpoint]
    private let events: Events
    private var connection: RedisConnection?
    private(set) var sentinel: Endpoint?
    /// Those that were tried since the last subscription.
    private var tried: [Endpoint] = []
    private var subscribedAt: MonotonicTime?
    private var backoff = RedisBackoff()
    private var retry: LoopTimer?
    private var isClosed = false

    init(
        _ configuration: RedisSentinelConfiguration, credentials: @escaping () -> RedisCredentials, loop: EventLoop,
        resolver: Resolver, sentinels: @escaping () -> [Endpoint], _ events: Events
    ) {
        self.configuration = configuration
        self.credentials = credentials
        self.loop = loop
        self.resolver = resolver
        self.sentinels = sentinels
        self.events = events
    }

    func start() {
        retry = loop.makeTimer { [weak self] in self?.subscribe() }
        subscribe()
    }

    func close() {
        isClosed = true
        retry?.cancel()
        connection?.close()
        connection = nil
    }

    /// Subscribes at another sentinel: what this one says is of no use.
    func leave() {
        guard let connection else { return }
        lost(connection)
    }

    private func subscribe() {
        guard !isClosed else { return }
        let known = sentinels()
        if known.allSatisfy({ tried.contains($0) }) {
            tried = []
            events.exhausted()
        }
        guard let sentinel = known.first(where: { !tried.contains($0) }) else { return }
        tried.append(sentinel)
        self.sentinel = sentinel
        // The connection reports to whichever attempt made it.
        weak var own: RedisConnection?
        let connection = RedisConnection(
            configuration.connection(to: sentinel), loop: loop, resolver: resolver, channel: SentinelSwitch.channel,
            credentials: credentials, message: { [weak self] in self?.received($0, sentinel) },
            report: { [weak self] event in
                guard let self, let connection = own, connection === self.connection else { return }
                switch event {
                case .connected:
                    tried = [sentinel]
                    subscribedAt = loop.now
                    events.subscribed()
                case .unexpectedReply(let cause): events.refused(sentinel, cause)
                case .lost: lost(connection)
                }
            })
        own = connection
        self.connection = connection
        connection.start()
    }

    private func received(_ message: [UInt8], _ sentinel: Endpoint) {
        guard sentinel == self.sentinel else { return }
        switch SentinelSwitch(message, master: configuration.master) {
        case .to(let primary): events.switched(primary, sentinel)
        case .other: break
        case .malformed: connection?.reject("an invalid message of a failover")
        }
    }

    private func lost(_ connection: RedisConnection) {
        self.connection = nil
        // Not from within its own report.
        loop.afterEvent { connection.close() }
        guard !isClosed else { return }
        let uptime = subscribedAt.map { loop.now.since($0) }
        subscribedAt = nil
        retry?.set(loop.now.advanced(by: backoff.failed(after: uptime, chance: Double.random(in: 0...1))))
    }
}
