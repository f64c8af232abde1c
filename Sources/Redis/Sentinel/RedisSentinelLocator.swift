// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization

/// Leads the connections of a process to the primary that Redis Sentinel names, and away from it after a failover.
///
/// It has subscriptions for all of them together, on a loop of its own. While no sentinel answers, the last primary stays in use.
package final class RedisSentinelLocator: Sendable {
    /// A connection that follows the primary.
    struct Follower: Sendable {
        fileprivate let number: Int
    }

    private struct Followers {
        var next = 0
        var all: [Int: @Sendable (RedisConfiguration.Endpoint) -> Void] = [:]
    }

    private let loop: EventLoop
    private let search: LoopBound<SentinelSearch>
    private let followers: Followed

    private final class Followed: Sendable {
        let all = Mutex(Followers())

        func moved(to primary: RedisConfiguration.Endpoint) {
            for notify in all.withLock({ Array($0.all.values) }) { notify(primary) }
        }
    }

    /// - Parameters:
    ///   - loop: for the questions and the subscription.
    ///   - report: called on `loop`.
    package init(
        _ configuration: RedisSentinelConfiguration, loop: EventLoop, resolver: Resolver,
        report: @escaping @Sendable (RedisSentinelEvent) -> Void
    ) {
        self.loop = loop
        let followers = Followed()
        self.followers = followers
        search = loop.bind(
            SentinelSearch(
                configuration, loop: loop, resolver: resolver, report: report, moved: { followers.moved(to: $0) }))
    }

    /// Subscribes to failovers.
    package func start() {
        loop.submit { [search] in search.assumeOnLoop { $0.start() } }
    }

    package func close() {
        loop.submit { [search] in search.assumeOnLoop { $0.close() } }
    }

    /// Connections to sentinels made from now on use these credentials.
    package func replaceCredentials(_ new: RedisCredentials) {
        loop.submit { [search] in search.assumeOnLoop { $0.replaceCredentials(new) } }
    }

    /// Calls back on `asking` with the primary, in bounded time.
    ///
    /// - Parameter failed: where the caller found no primary, or lost it.
    func locate(
        instead failed: RedisConfiguration.Endpoint?, on asking: EventLoop,
        _ completion: LoopBound<(Result<RedisConfiguration.Endpoint, RedisFailure>) -> Void>
    ) {
        loop.submit { [search] in
            search.assumeOnLoop { search in
                search.locate(instead: failed) { result in
                    asking.submit { completion.assumeOnLoop { $0(result) } }
                }
            }
        }
    }

    /// Calls `moved` on `following` after each failover, until ``unfollow(_:)``.
    func follow(
        on following: EventLoop, _ moved: LoopBound<(RedisConfiguration.Endpoint) -> Void>
    ) -> Follower {
        followers.all.withLock { followers in
            followers.next += 1
            followers.all[followers.next] = { primary in
                following.submit { moved.assumeOnLoop { $0(primary) } }
            }
            return Follower(number: followers.next)
        }
    }

    func unfollow(_ follower: Follower) {
        followers.all.withLock { $0.all[follower.number] = nil }
    }
}
