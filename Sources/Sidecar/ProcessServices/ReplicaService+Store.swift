// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Reactor
import Redis
import SharedState
import TLS

extension ReplicaService {
    /// The store for the servers that `redis` names.
    static func makeStore(
        _ redis: RedisSettings, tls: TLSClientContext?, resolver: Resolver, counters: ProcessCounters, logger: Logger
    ) throws(ServiceError) -> any RedisBackedStore {
        let observe: @Sendable (RedisReplicaStore.Event) -> Void = { event in
            switch event {
            case .connected: counters.redis(isUp: true)
            case .lost: counters.redis(isUp: false)
            case .unexpectedReply: counters.unexpectedRedisReply()
            }
        }
        switch redis.topology {
        case .single(let location):
            return RedisReplicaStore(
                RedisConfiguration(.init(location), redis, tls: tls), prefix: redis.prefix, resolver: resolver,
                logger: logger, observe: observe)
        case .sentinel:
            throw ServiceError("`redis.sentinels` (\(redis.origin.label)): this version cannot use sentinels")
        case .cluster:
            throw ServiceError("`redis.cluster` (\(redis.origin.label)): this version cannot use a cluster")
        }
    }
}
