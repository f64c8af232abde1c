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
        /// The URL may lead to this machine: it is not another party's.
        package var allowsLocalAddress: Bool

        package init(
            _ url: OutboundURL, allowWeak: Bool = false, tls: TLSClientContext? = nil, allowsLocalAddress: Bool = true
        ) {
            self.url = url
            self.allowWeak = allowWeak
            self.tls = tls
            self.allowsLocalAddress = allowsLocalAddress
        }
    }

    /// The keys of one provider.
    package struct Provider: Sendable {
        /// Empty for the only one.
        package var name: String
        package var sources: [Source]
        /// Those of the configuration itself, which are always in force.
        package var constant: KeySet
        package var algorithms: [Algorithm]

        package init(_ name: String, _ sources: [Source], constant: KeySet, algorithms: [Algorithm]) {
            self.name = name
            self.sources = sources
            self.constant = constant
            self.algorithms = algorithms
        }

        /// With those that were fetched.
        fileprivate func keys(_ sources: FetchedSources<RemoteKeySource>) -> KeySet {
            sources.sources(of: name).compactMap(\.keys).reduce(constant) { $0.merged(with: $1) }
        }
    }

    private let loop: EventLoop
    private let providers: [Provider]
    private let sources: LoopBound<FetchedSources<RemoteKeySource>>

    /// Fetches nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - loop: where calls are made; not a worker's.
    ///   - ended: called at the end of each fetch.
    ///   - apply: puts all keys of the provider of that name into force, and calls back when they are.
    package init(
        _ providers: [Provider], loop: EventLoop, resolver: Resolver, logger: Logger,
        chance: @escaping @Sendable () -> Double = RemoteKeys.chance,
        ended: @escaping @Sendable (_ isGood: Bool) -> Void = { _ in },
        apply: @escaping @Sendable (KeySet, String, @escaping @Sendable () -> Void) -> Void
    ) {
        self.loop = loop
        self.providers = providers
        let all = providers.flatMap { provider in
            provider.sources.map { source in
                RemoteKeySource(
                    source, of: provider.name, algorithms: provider.algorithms, loop: loop, resolver: resolver,
                    logger: logger, chance: chance, report: ended)
            }
        }
        sources = loop.bind(
            FetchedSources(all, loop: loop) { sources, name, done in
                guard let provider = providers.first(where: { $0.name == name }) else { return done() }
                apply(provider.keys(sources), name, done)
            })
    }

    /// Starts to fetch, without waiting.
    package func start() {
        loop.submit { [sources] in sources.assumeOnLoop { $0.start() } }
    }

    /// Replaces `other`, on the same loop. Key sets of the same addresses are kept, and requests that wait for `other` wait
    /// for this one. `done` gets all keys known then, by the provider's name; once they are in force, ``confirm()`` must be
    /// called.
    package func takeOver(from other: RemoteKeys?, _ done: @escaping @Sendable ([String: KeySet]) -> Void) {
        loop.submit { [sources, providers] in
            sources.assumeOnLoop { sources in
                other?.sources.assumeOnLoop { sources.takeOver(from: $0) }
                sources.start()
                done(Dictionary(providers.map { ($0.name, $0.keys(sources)) }) { first, _ in first })
            }
        }
    }

    /// Puts the latest keys into force: more may have been fetched while those of ``takeOver(from:_:)`` were distributed.
    package func confirm() {
        loop.submit { [sources] in sources.assumeOnLoop { $0.confirm() } }
    }

    package func refresh(_ providers: [String], isProven: Bool, _ done: @escaping @Sendable () -> Void) {
        loop.submit { [sources] in sources.assumeOnLoop { $0.refresh(providers, isProven: isProven, done) } }
    }

    /// What became of the fetches; `done` is called on the loop.
    func report(_ done: @escaping @Sendable ([SourceReport]) -> Void) {
        loop.submit { [sources] in sources.assumeOnLoop { done($0.reports) } }
    }

    /// Cancels all calls.
    package func stop() {
        loop.submit { [sources] in sources.assumeOnLoop { $0.stop() } }
    }

    /// From 0 to 1.
    package static let chance: @Sendable () -> Double = {
        Double(Random.bytes(2).reduce(0) { $0 << 8 | UInt32($1) }) / 65535
    }
}
