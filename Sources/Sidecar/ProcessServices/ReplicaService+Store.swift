// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Reactor
import Redis
import SharedState
import TLS

extension ReplicaService {
    /// What finds the primary for all connections of the process; nil: the servers are not led by sentinels.
    static func makeLocator(
        _ redis: RedisSettings, tls: TLSClientContext?, loop: EventLoop, resolver: Resolver, counters: ProcessCounters,
        logger: Logger
    ) -> RedisSentinelLocator? {
        guard case .sentinel(let sentinels, let master, _) = redis.topology else { return nil }
        let reports = SentinelReports(master: master, counters: counters, logger: logger)
        return RedisSentinelLocator(
            RedisSentinelConfiguration(sentinels, master, redis, tls: tls), loop: loop, resolver: resolver
        ) { reports.report($0) }
    }

    /// The store for the servers that `redis` names.
    static func makeStore(
        _ redis: RedisSettings, _ locator: RedisSentinelLocator?, tls: TLSClientContext?, resolver: Resolver,
        counters: ProcessCounters, logger: Logger
    ) throws(ServiceError) -> any RedisBackedStore {
        let place: RedisConfiguration.Place
        var servers = RedisReplicaStore.Servers.one
        switch redis.topology {
        case .single(let location): place = .at(.init(location))
        case .sentinel:
            guard let locator else { preconditionFailure("sentinels lead through a locator") }
            place = .primary(locator)
        case .cluster(let seeds):
            guard let first = seeds.first else {
                throw ServiceError("`redis.cluster` (\(redis.origin.label)): no server is named")
            }
            place = .at(.init(first))
            servers = .cluster(seeds: seeds.map { RedisNode(host: $0.host, port: $0.port) })
        }
        return RedisReplicaStore(
            RedisConfiguration(place, redis, tls: tls), servers, prefix: redis.prefix, resolver: resolver,
            logger: logger,
            observe: { event in
                switch event {
                case .connected: counters.redis(isUp: true)
                case .lost: counters.redis(isUp: false)
                case .unexpectedReply: counters.unexpectedRedisReply()
                case .redirected: counters.redisRedirection()
                }
            })
    }
}
