// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT
import Logging
import Outbound
import Proxy
import Reactor
import TLS

/// The key sets that are fetched while the gate runs (`token.keys[].jwksURL`), on a loop that serves no browser. When a
/// fetch fails, the last valid set stays in force.
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
    ///   - constant: the keys of the configuration itself, which are always in force.
    ///   - loop: where calls are made; not a worker's.
    ///   - ended: called at the end of each fetch.
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

    /// Starts to fetch, without waiting.
    package func start() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.start() } }
    }

    /// Replaces `other`, on the same loop. Key sets of the same addresses are kept, and requests that wait for `other` wait
    /// for this one. `done` gets all keys known then; once they are in force, ``confirm()`` must be called.
    package func takeOver(from other: RemoteKeys?, _ done: @escaping @Sendable (KeySet) -> Void) {
        loop.submit { [cache] in
            cache.assumeOnLoop { cache in
                other?.cache.assumeOnLoop { cache.takeOver(from: $0) }
                cache.start()
                done(cache.keys)
            }
        }
    }

    /// Puts the latest keys into force: more may have been fetched while those of ``takeOver(from:_:)`` were distributed.
    package func confirm() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.confirm() } }
    }

    package func refresh(_ done: @escaping @Sendable () -> Void) {
        loop.submit { [cache] in cache.assumeOnLoop { $0.refresh(done) } }
    }

    /// Cancels all calls.
    package func stop() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.stop() } }
    }

    /// From 0 to 1.
    package static let chance: @Sendable () -> Double = {
        Double(Random.bytes(2).reduce(0) { $0 << 8 | UInt32($1) }) / 65535
    }
}
