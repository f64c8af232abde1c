// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Makes the connections of a cluster's client.
struct RedisNodeConnector {
    private let configuration: RedisConfiguration
    private let loop: EventLoop
    private let resolver: Resolver
    private let credentials: (() -> RedisCredentials)?

    /// - Parameter credentials: see ``RedisConnection``.
    init(
        _ configuration: RedisConfiguration, loop: EventLoop, resolver: Resolver,
        credentials: (() -> RedisCredentials)?
    ) {
        self.configuration = configuration
        self.loop = loop
        self.resolver = resolver
        self.credentials = credentials
    }

    /// - Parameter isWatched: a loss is found within seconds, also while no command is sent.
    func node(
        _ address: RedisNode, isWatched: Bool, report: @escaping (RedisEvent) -> Void
    ) -> RedisClusterNode {
        var configuration = configuration(for: address)
        if isWatched { configuration.idleInterval = RedisConfiguration.subscriberIdleInterval }
        return RedisClusterNode(
            address,
            RedisConnection(
                configuration, loop: loop, resolver: resolver, credentials: credentials, report: report))
    }

    func subscription(
        at address: RedisNode, to channel: [UInt8], message: @escaping ([UInt8]) -> Void,
        report: @escaping (RedisEvent) -> Void
    ) -> RedisConnection {
        var configuration = configuration(for: address)
        configuration.idleInterval = RedisConfiguration.subscriberIdleInterval
        return RedisConnection(
            configuration, loop: loop, resolver: resolver, channel: channel, credentials: credentials,
            message: message, report: report)
    }

    private func configuration(for address: RedisNode) -> RedisConfiguration {
        var configuration = configuration
        configuration.endpoint = address.endpoint
        // A cluster has a single one.
        configuration.database = 0
        return configuration
    }
}
