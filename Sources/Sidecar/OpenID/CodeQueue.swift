// SPDX-License-Identifier: Apache-2.0

import Gate
import Logging
import Proxy
import Reactor

/// The authorization codes of one provider: those on their way to its token endpoint, and those that wait for their turn, a
/// bounded number of both. On the services' loop.
///
/// No client has more than its share of either, so that one address cannot keep all others from signing in.
///
/// Each attempt has one code. A browser that brings it again, since a form was sent twice, gets the answer to the first
/// request, even if nobody waits for that one any more.
final class CodeQueue {
    /// An attempt to sign in whose code is being redeemed, or was a moment ago.
    private final class Attempt {
        let exchange: CodeExchange
        /// Nil: not known, and without a share.
        let client: ClientNetwork?
        let end: MonotonicTime
        var requests: [@Sendable (CodeExchangeResult) -> Void] = []
        var outcome: (result: CodeExchangeResult, until: MonotonicTime)?

        init(_ exchange: CodeExchange, end: MonotonicTime) {
            self.exchange = exchange
            client = exchange.client.map { ClientNetwork($0) }
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
    /// Of each client that has any.
    private var runningOfClient: [ClientNetwork: Int] = [:]
    private var waitingOfClient: [ClientNetwork: Int] = [:]

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
            return done(.unavailable(detail: "too many sign-ins wait for the provider; \(Self.slowness)"))
        }
        let attempt = Attempt(exchange, end: loop.now.advanced(by: Self.patience))
        guard Self.has(attempt.client, in: waitingOfClient, lessThan: Self.share(of: maximumWaiting)) else {
            report(exchange, "too many codes of one client are on their way")
            return done(
                .unavailable(detail: "too many sign-ins of this client wait for the provider; \(Self.slowness)"))
        }
        attempt.requests = [done]
        attempts[exchange.verifier] = attempt
        waiting.append(attempt)
        Self.count(attempt.client, in: &waitingOfClient, by: 1)
        redeemWaiting()
    }

    private func join(
        _ attempt: Attempt, _ exchange: CodeExchange, _ done: @escaping @Sendable (CodeExchangeResult) -> Void
    ) {
        guard attempt.exchange.code == exchange.code else {
            return done(
                .refused(detail: "the same attempt has brought another code; fix: none, unless the provider sends two"))
        }
        if let outcome = attempt.outcome { return done(outcome.result) }
        guard attempt.requests.count < Self.maximumRequests else {
            return done(.unavailable(detail: "too many requests wait for the same code; fix: try again"))
        }
        attempt.requests.append(done)
    }

    private func redeemWaiting() {
        let share = Self.share(of: maximumRunning)
        while running < maximumRunning,
            let index = waiting.firstIndex(where: { Self.has($0.client, in: runningOfClient, lessThan: share) })
        {
            let next = waiting.remove(at: index)
            Self.count(next.client, in: &waitingOfClient, by: -1)
            // Nobody waits for it any more, and the code may be used only once.
            guard loop.now < next.end else {
                finish(
                    next,
                    .unavailable(
                        detail: "the provider is too slow for the sign-ins that wait for it; \(Self.slowness)"))
                continue
            }
            running += 1
            Self.count(next.client, in: &runningOfClient, by: 1)
            source.redeem(next.exchange) { [self] result in
                running -= 1
                Self.count(next.client, in: &runningOfClient, by: -1)
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

    // MARK: The share of a client

    private static func has(_ client: ClientNetwork?, in counts: [ClientNetwork: Int], lessThan share: Int) -> Bool {
        client.map { counts[$0, default: 0] < share } ?? true
    }

    private static func count(_ client: ClientNetwork?, in counts: inout [ClientNetwork: Int], by change: Int) {
        guard let client else { return }
        let count = counts[client, default: 0] + change
        counts[client] = count > 0 ? count : nil
    }

    /// Half: many people may be behind one address.
    private static func share(of maximum: Int) -> Int { max(1, maximum / 2) }

    // MARK: Results

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

    private static let slowness = "fix: the provider takes too long for each code; its own log may say why"

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
