// SPDX-License-Identifier: Apache-2.0

import Gate
import Logging
import Reactor

/// The authorization codes of one provider: those on their way to its token endpoint, and those that wait for their turn, a
/// bounded number of both. On the services' loop.
///
/// Each attempt has one code. A browser that brings it again, since a form was sent twice, gets the answer to the first
/// request, even if nobody waits for that one any more.
final class CodeQueue {
    /// An attempt to sign in whose code is being redeemed, or was a moment ago.
    private final class Attempt {
        let exchange: CodeExchange
        let end: MonotonicTime
        var requests: [@Sendable (CodeExchangeResult) -> Void] = []
        var outcome: (result: CodeExchangeResult, until: MonotonicTime)?

        init(_ exchange: CodeExchange, end: MonotonicTime) {
            self.exchange = exchange
            self.end = end
        }
    }

    let source: OpenIDSource
    private let loop: EventLoop
    private let logger: Logger
    private let maximumRunning: Int
    private let maximumWaiting: Int
    /// By their verifiers, which only their browsers have.
    private var attempts: [[UInt8]: Attempt] = [:]
    private var waiting: [Attempt] = []
    /// Attempts with an outcome, the oldest first.
    private var finished: [Attempt] = []
    private var running = 0

    /// - Parameter count: of the providers, which share the bounds: a slow one takes none of the others' share.
    init(_ source: OpenIDSource, of count: Int, loop: EventLoop, logger: Logger) {
        self.source = source
        self.loop = loop
        self.logger = logger
        maximumRunning = max(1, Self.running / max(1, count))
        maximumWaiting = max(1, Self.waiting / max(1, count))
    }

    func redeem(_ exchange: CodeExchange, _ done: @escaping @Sendable (CodeExchangeResult) -> Void) {
        forgetOutcomes()
        if let attempt = attempts[exchange.verifier] { return join(attempt, exchange, done) }
        guard waiting.count < maximumWaiting else {
            report(exchange, "too many codes are on their way")
            return done(.unavailable(detail: "too many sign-ins wait for the provider"))
        }
        let attempt = Attempt(exchange, end: loop.now.advanced(by: Self.patience))
        attempt.requests = [done]
        attempts[exchange.verifier] = attempt
        waiting.append(attempt)
        redeemWaiting()
    }

    private func join(
        _ attempt: Attempt, _ exchange: CodeExchange, _ done: @escaping @Sendable (CodeExchangeResult) -> Void
    ) {
        guard attempt.exchange.code == exchange.code else {
            return done(.refused(detail: "the same attempt has brought another code"))
        }
        if let outcome = attempt.outcome { return done(outcome.result) }
        guard attempt.requests.count < Self.maximumRequests else {
            return done(.unavailable(detail: "too many requests wait for the same code"))
        }
        attempt.requests.append(done)
    }

    private func redeemWaiting() {
        while running < maximumRunning, !waiting.isEmpty {
            let next = waiting.removeFirst()
            // Nobody waits for it any more, and the code may be used only once.
            guard loop.now < next.end else {
                finish(next, .unavailable(detail: "the provider is too slow for the sign-ins that wait for it"))
                continue
            }
            running += 1
            source.redeem(next.exchange) { [self] result in
                running -= 1
                switch result {
                case .tokens: break
                case .refused(let detail), .unavailable(let detail): report(next.exchange, detail)
                }
                finish(next, result)
                // Not from within this call, which may itself be made by the loop below.
                loop.afterEvent { [self] in redeemWaiting() }
            }
        }
    }

    private func finish(_ attempt: Attempt, _ result: CodeExchangeResult) {
        let requests = attempt.requests
        attempt.requests = []
        if Self.isKept(result) {
            attempt.outcome = (result, loop.now.advanced(by: Self.memory))
            finished.append(attempt)
            forgetOutcomes()
        } else {
            attempts[attempt.exchange.verifier] = nil
        }
        for done in requests { done(result) }
    }

    /// Without an answer the provider may not have seen the code, which can be tried again.
    private static func isKept(_ result: CodeExchangeResult) -> Bool {
        switch result {
        case .unavailable: false
        case .refused: true
        case .tokens(let idToken, let accessToken, let userInfo):
            idToken.count + (accessToken?.count ?? 0) + (userInfo?.count ?? 0) <= maximumKeptSize
        }
    }

    private func forgetOutcomes() {
        let now = loop.now
        while let first = finished.first,
            finished.count > Self.maximumKept || (first.outcome.map { $0.until <= now } ?? true)
        {
            finished.removeFirst()
            attempts[first.exchange.verifier] = nil
        }
    }

    private func report(_ exchange: CodeExchange, _ cause: String) {
        var metadata: Logger.Metadata = [
            "issuer": "\(source.provider.issuer)", "id": "\(exchange.requestID)", "cause": "\(cause)",
        ]
        if !exchange.provider.isEmpty { metadata["provider"] = "\(exchange.provider)" }
        logger.warning("authorization code not redeemed", metadata: metadata)
    }

    /// Of all providers together: codes on their way at once, and waiting ones.
    private static let running = 64
    private static let waiting = 2048
    /// How long a code waits for its turn.
    private static let patience = Nanoseconds.seconds(5)
    /// Requests with the same code.
    private static let maximumRequests = 16
    /// How long an outcome is kept, how many, and how large ones.
    private static let memory = Nanoseconds.seconds(10)
    private static let maximumKept = 256
    private static let maximumKeptSize = 32 * 1024
}
