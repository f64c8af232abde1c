// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Logging
import Outbound
import Proxy
import Reactor

/// The OpenID providers of a configuration: their discovery documents and keys, which are fetched while the gate runs, and
/// their token endpoints. On a loop that serves no browser.
package final class OpenIDProviders: KeyRefresher, CodeExchanger {
    private let loop: EventLoop
    private let cache: LoopBound<OpenIDCache>

    /// Fetches nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - loop: where calls are made; not a worker's.
    ///   - ended: called at the end of each request, with the provider's name and whether it succeeded.
    ///   - apply: puts what is known of a provider into force, and calls back when it is.
    package init(
        _ providers: [OpenIDProvider], loop: EventLoop, resolver: Resolver, logger: Logger,
        chance: @escaping @Sendable () -> Double = RemoteKeys.chance,
        ended: @escaping @Sendable (String, ProviderEndpoint, _ isGood: Bool) -> Void = { _, _, _ in },
        apply: @escaping @Sendable (KnownProvider, @escaping @Sendable () -> Void) -> Void
    ) {
        self.loop = loop
        cache = loop.bind(
            OpenIDCache(
                providers, loop: loop, resolver: resolver, logger: logger, chance: chance, ended: ended, apply: apply))
    }

    /// Starts to fetch, without waiting.
    package func start() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.start() } }
    }

    /// Replaces `other`, on the same loop. What was fetched for the same issuers is kept, and requests that wait for `other`
    /// wait for this one. `done` gets what is known then; once it is in force, ``confirm()`` must be called.
    package func takeOver(from other: OpenIDProviders?, _ done: @escaping @Sendable ([KnownProvider]) -> Void) {
        loop.submit { [cache] in
            cache.assumeOnLoop { cache in
                other?.cache.assumeOnLoop { cache.takeOver(from: $0) }
                cache.start()
                done(cache.known)
            }
        }
    }

    /// Puts what is known by now into force: more may have been fetched while that of ``takeOver(from:_:)`` was distributed.
    package func confirm() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.confirm() } }
    }

    package func refresh(_ done: @escaping @Sendable () -> Void) {
        loop.submit { [cache] in cache.assumeOnLoop { $0.refresh(done) } }
    }

    package func exchange(_ code: CodeExchange, _ done: @escaping @Sendable (CodeExchangeResult) -> Void) {
        loop.submit { [cache] in cache.assumeOnLoop { $0.exchange(code, done) } }
    }

    /// Cancels all fetches. Codes on their way are redeemed.
    package func stop() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.stop() } }
    }
}
