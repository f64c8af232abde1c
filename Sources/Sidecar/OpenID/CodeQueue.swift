// SPDX-License-Identifier: Apache-2.0

import Gate
import Logging
import Reactor

/// The authorization codes that wait for their turn at the providers' token endpoints, a bounded number, and those on their
/// way. On the services' loop.
final class CodeQueue {
    /// A code that waits until fewer are on their way.
    private struct Waiting {
        let exchange: CodeExchange
        let source: OpenIDSource
        let end: MonotonicTime
        let done: @Sendable (CodeExchangeResult) -> Void
    }

    private let loop: EventLoop
    private let logger: Logger
    private var waiting: [Waiting] = []
    private var running = 0

    init(loop: EventLoop, logger: Logger) {
        self.loop = loop
        self.logger = logger
    }

    /// - Parameter source: the provider of the code.
    func redeem(
        _ exchange: CodeExchange, at source: OpenIDSource, _ done: @escaping @Sendable (CodeExchangeResult) -> Void
    ) {
        guard waiting.count < Self.maximumWaiting else {
            report(exchange, source, "too many codes are on their way")
            return done(.unavailable(detail: "too many sign-ins wait for the provider"))
        }
        waiting.append(
            Waiting(exchange: exchange, source: source, end: loop.now.advanced(by: Self.patience), done: done))
        redeemWaiting()
    }

    private func redeemWaiting() {
        while running < Self.maximumRunning, !waiting.isEmpty {
            let next = waiting.removeFirst()
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

    /// Codes on their way to providers at once.
    static let maximumRunning = 64
    static let maximumWaiting = 2048
    /// How long a code waits for its turn.
    private static let patience = Nanoseconds.seconds(5)
}
