// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT
import Logging
import Outbound
import Proxy
import Reactor
import TLS

/// The key sets that are fetched while the gate runs (`token.keys[].jwksURL`): kept fresh, on a loop that serves no
/// browser. Whatever happens to a fetch, the last good set stays in force.
package final class RemoteKeys: KeyRefresher {
    /// One key set.
    package struct Source: Sendable {
        package var url: OutboundURL
        package var allowWeak: Bool
        /// For https; nil: such a URL fails.
        package var tls: TLSClientContext?

        package init(_ url: OutboundURL, allowWeak: Bool = false, tls: TLSClientContext? = nil) {
            self.url = url
            self.allowWeak = allowWeak
            self.tls = tls
        }
    }

    private let loop: EventLoop
    private let cache: LoopBound<RemoteKeyCache>

    /// Fetches nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - constant: the keys of the config itself, which are always in force.
    ///   - loop: where calls are made; not a worker's.
    ///   - ended: told of the end of each fetch.
    ///   - apply: puts keys into force, and calls back when they are.
    package init(
        _ sources: [Source], constant: KeySet, algorithms: [Algorithm], loop: EventLoop,
        resolver: Resolver, logger: Logger,
        chance: @escaping @Sendable () -> Double = RemoteKeys.chance,
        ended: @escaping @Sendable (_ isGood: Bool) -> Void = { _ in },
        apply: @escaping @Sendable (KeySet, @escaping @Sendable () -> Void) -> Void
    ) {
        self.loop = loop
        cache = loop.bind(
            RemoteKeyCache(
                sources, constant: constant, algorithms: algorithms, loop: loop, resolver: resolver, logger: logger,
                chance: chance, ended: ended, apply: apply))
    }

    /// Begins to fetch; waits for nothing.
    package func start() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.start() } }
    }

    /// Takes the place of `other`, on the same loop: what it has of the same addresses stays, and who waits for it waits
    /// for this one. `done` gets all keys that are known then, and whoever puts them into force calls ``confirm()``.
    package func takeOver(from other: RemoteKeys?, _ done: @escaping @Sendable (KeySet) -> Void) {
        loop.submit { [cache] in
            cache.assumeOnLoop { cache in
                other?.cache.assumeOnLoop { cache.takeOver(from: $0) }
                cache.start()
                done(cache.keys)
            }
        }
    }

    /// Puts into force what is known by now: more may have come while the keys of ``takeOver(from:_:)`` were on their way.
    package func confirm() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.confirm() } }
    }

    package func refresh(_ done: @escaping @Sendable () -> Void) {
        loop.submit { [cache] in cache.assumeOnLoop { $0.refresh(done) } }
    }

    /// Ends all calls.
    package func stop() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.stop() } }
    }

    /// From 0 to 1.
    package static let chance: @Sendable () -> Double = {
        Double(Random.bytes(2).reduce(0) { $0 << 8 | UInt32($1) }) / 65535
    }
}
