// SPDX-License-Identifier: Apache-2.0

import Gate
import Logging
import Outbound
import Reactor

/// All OpenID providers, on the services' loop.
final class OpenIDCache {
    /// A code that waits until fewer are on their way.
    private struct Waiting {
        let exchange: CodeExchange
        let source: OpenIDSource
        let end: MonotonicTime
        let done: @Sendable (CodeExchangeResult) -> Void
    }

    private let sources: [OpenIDSource]
    private let loop: EventLoop
    private let logger: Logger
    private let apply: @Sendable (KnownProvider, @escaping @Sendable () -> Void) -> Void
    /// Callers that wait for the fetches in progress.
    private var waiting: [@Sendable () -> Void] = []
    private var queue: [Waiting] = []
    private var running = 0

    init(
        _ providers: [OpenIDProvider], loop: EventLoop, resolver: Resolver, logger: Logger,
        chance: @escaping @Sendable () -> Double, ended: @escaping @Sendable (String, ProviderEndpoint, Bool) -> Void,
        apply: @escaping @Sendable (KnownProvider, @escaping @Sendable () -> Void) -> Void
    ) {
        self.loop = loop
        self.logger = logger
        self.apply = apply
        sources = providers.map { provider in
            OpenIDSource(provider, loop: loop, resolver: resolver, logger: logger, chance: chance) {
                ended(provider.name, $0, $1)
            }
        }
    }

    var known: [KnownProvider] { sources.compactMap(\.known) }

    func takeOver(from other: OpenIDCache) {
        for source in sources {
            if let old = other.sources.first(where: { $0.isSame(as: source) }) { source.takeOver(from: old) }
        }
        waiting += other.takeWaiting()
        other.stop()
    }

    func confirm() {
        for provider in known { apply(provider) {} }
    }

    func start() {
        for source in sources {
            source.start { [weak self, weak source] isNew in
                guard let self, let source else { return }
                fetched(source, isNew)
            }
        }
        if !isFetching { resumeWaiting() }
    }

    /// Codes on their way are redeemed.
    func stop() {
        for source in sources { source.stop() }
        resumeWaiting()
    }

    // MARK: Documents and keys

    func refresh(_ done: @escaping @Sendable () -> Void) {
        var isFetching = false
        for source in sources where source.refresh() { isFetching = true }
        guard isFetching, waiting.count < Self.maximumWaiting else { return done() }
        waiting.append(done)
    }

    private var isFetching: Bool { sources.contains(where: \.isFetching) }

    /// A fetch has ended; `isNew`: what is known of the provider has changed.
    private func fetched(_ source: OpenIDSource, _ isNew: Bool) {
        if isNew, let known = source.known {
            // Callers continue when it is in force, not before.
            let waiting = isFetching ? [] : takeWaiting()
            apply(known) { for done in waiting { done() } }
        } else if !isFetching {
            resumeWaiting()
        }
    }

    private func resumeWaiting() {
        for done in takeWaiting() { done() }
    }

    private func takeWaiting() -> [@Sendable () -> Void] {
        let waiting = waiting
        self.waiting = []
        return waiting
    }

    // MARK: Codes

    func exchange(_ exchange: CodeExchange, _ done: @escaping @Sendable (CodeExchangeResult) -> Void) {
        // The issuer too: after a reload the name may be another provider's.
        let source = sources.first {
            $0.provider.name == exchange.provider && $0.provider.issuer.utf8.elementsEqual(exchange.issuer.utf8)
        }
        guard let source else { return done(.unavailable(detail: "the configuration has no such provider any more")) }
        guard queue.count < Self.maximumQueued else {
            report(exchange, source, "too many codes are on their way")
            return done(.unavailable(detail: "too many sign-ins wait for the provider"))
        }
        queue.append(
            Waiting(exchange: exchange, source: source, end: loop.now.advanced(by: Self.patience), done: done))
        redeemWaiting()
    }

    private func redeemWaiting() {
        while running < Self.maximumRunning, !queue.isEmpty {
            let next = queue.removeFirst()
            // Nobody waits for it any more, and the code may be used only once.
            guard loop.now < next.end else {
                next.done(.unavailable(detail: "the provider is too slow for the sign-ins that wait for it"))
                continue
            }
            running += 1
            next.source.redeem(next.exchange) { [self] result in
                running -= 1
                switch result {
                case .tokens: break
                case .refused(let detail), .unavailable(let detail): report(next.exchange, next.source, detail)
                }
                next.done(result)
                // Not from within this call, which may itself be made by the loop below.
                loop.afterEvent { [self] in redeemWaiting() }
            }
        }
    }

    private func report(_ exchange: CodeExchange, _ source: OpenIDSource, _ cause: String) {
        var metadata: Logger.Metadata = [
            "issuer": "\(source.provider.issuer)", "id": "\(exchange.requestID)", "cause": "\(cause)",
        ]
        if !exchange.provider.isEmpty { metadata["provider"] = "\(exchange.provider)" }
        logger.warning("authorization code not redeemed", metadata: metadata)
    }

    /// Each is a request that waits; any more are judged by the keys in force.
    private static let maximumWaiting = 10_000
    /// Codes on their way to providers at once.
    private static let maximumRunning = 64
    private static let maximumQueued = 2048
    /// How long a code waits for its turn.
    private static let patience = Nanoseconds.seconds(5)
}
