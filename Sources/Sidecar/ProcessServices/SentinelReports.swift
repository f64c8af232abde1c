// SPDX-License-Identifier: Apache-2.0

import Logging
import Reactor
import Redis
import Synchronization

/// Logs and counts what happens to the primary that Redis Sentinel names.
final class SentinelReports: Sendable {
    private let master: String
    private let counters: ProcessCounters
    private let logger: Logger
    /// No invalid reply is logged before then.
    private let nextRefusal = Mutex(MonotonicTime(nanoseconds: 0))

    init(master: String, counters: ProcessCounters, logger: Logger) {
        self.master = master
        self.counters = counters
        self.logger = logger
        counters.redisHasFailovers()
    }

    func report(_ event: RedisSentinelEvent) {
        switch event {
        case .primary(let primary, was: nil):
            counters.redisPrimary("\(primary)")
            logger.info("Redis Sentinel names the primary", metadata: ["address": "\(primary)", "master": "\(master)"])
        case .primary(let primary, let former?):
            counters.redisPrimary("\(primary)")
            counters.redisFailedOver()
            logger.warning(
                "Redis has failed over to another primary",
                metadata: ["address": "\(primary)", "former": "\(former)", "master": "\(master)"])
        case .unreachable(let cause, let last):
            var metadata: Logger.Metadata = ["cause": "\(cause)", "master": "\(master)"]
            if let last { metadata["address"] = "\(last)" }
            logger.warning("no Redis Sentinel names the primary", metadata: metadata)
        case .reachable(let primary):
            logger.info(
                "Redis Sentinel names the primary again", metadata: ["address": "\(primary)", "master": "\(master)"])
        case .refused(let sentinel, let cause):
            counters.unexpectedRedisReply()
            let now = MonotonicTime.current()
            let isDue = nextRefusal.withLock { next in
                guard now >= next else { return false }
                next = now.advanced(by: Self.refusalInterval)
                return true
            }
            if isDue {
                logger.warning(
                    "a reply of Redis Sentinel is not valid",
                    metadata: ["sentinel": "\(sentinel)", "cause": "\(cause)", "master": "\(master)"])
            }
        }
    }

    private static let refusalInterval = Nanoseconds.seconds(10)
}
