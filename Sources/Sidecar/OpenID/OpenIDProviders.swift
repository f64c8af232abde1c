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
    /// On the loop.
    private struct State {
        let sources: FetchedSources<OpenIDSource>
        /// Of each provider.
        let codes: [CodeQueue]
    }

    private let loop: EventLoop
    private let names: [String]
    private let state: LoopBound<State>

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
        names = providers.map(\.name)
        let all = providers.map { provider in
            OpenIDSource(provider, loop: loop, resolver: resolver, logger: logger, chance: chance) {
                ended(provider.name, $0, $1)
            }
        }
        let sources = FetchedSources(all, loop: loop) { sources, name, done in
            guard let known = sources.sources(of: name).first?.known else { return done() }
            apply(known, done)
        }
        let codes = all.map { CodeQueue($0, of: all.count, loop: loop, logger: logger) }
        state = loop.bind(State(sources: sources, codes: codes))
    }

    /// Starts to fetch, without waiting.
    package func start() {
        loop.submit { [state] in state.assumeOnLoop { $0.sources.start() } }
    }

    /// Replaces `other`, on the same loop. What was fetched for the same issuers is kept, and requests that wait for `other`
    /// wait for this one. `done` gets what is known then; once it is in force, ``confirm()`` must be called.
    package func takeOver(from other: OpenIDProviders?, _ done: @escaping @Sendable ([KnownProvider]) -> Void) {
        loop.submit { [state, names] in
            state.assumeOnLoop { state in
                other?.state.assumeOnLoop { state.sources.takeOver(from: $0.sources) }
                state.sources.start()
                done(names.compactMap { state.sources.sources(of: $0).first?.known })
            }
        }
    }

    /// Puts what is known by now into force: more may have been fetched while that of ``takeOver(from:_:)`` was distributed.
    package func confirm() {
        loop.submit { [state] in state.assumeOnLoop { $0.sources.confirm() } }
    }

    package func refresh(_ providers: [String], isProven: Bool, _ done: @escaping @Sendable () -> Void) {
        loop.submit { [state] in state.assumeOnLoop { $0.sources.refresh(providers, isProven: isProven, done) } }
    }

    package func exchange(_ code: CodeExchange, _ done: @escaping @Sendable (CodeExchangeResult) -> Void) {
        loop.submit { [state] in
            state.assumeOnLoop { state in
                // The issuer too: after a reload the name may be another provider's.
                let queue = state.codes.first { queue in
                    let provider = queue.source.provider
                    return provider.name == code.provider && provider.issuer.utf8.elementsEqual(code.issuer.utf8)
                }
                guard let queue else {
                    return done(
                        .unavailable(
                            detail:
                                "the configuration has no such provider any more; fix: try again, at a provider that "
                                + "it has"
                        ))
                }
                queue.redeem(code, done)
            }
        }
    }

    /// What became of the fetches; `done` is called on the loop.
    func report(_ done: @escaping @Sendable ([SourceReport]) -> Void) {
        loop.submit { [state] in state.assumeOnLoop { done($0.sources.reports) } }
    }

    /// Cancels all fetches. Codes on their way are redeemed.
    package func stop() {
        loop.submit { [state] in state.assumeOnLoop { $0.sources.stop() } }
    }
}
