// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor

/// The purpose of a request, as a label.
package enum MetricRoute: Int, CaseIterable, Sendable {
    /// For the app.
    case app
    /// For an address of Sidegate's own.
    case own

    package var label: String {
        switch self {
        case .app: "default"
        case .own: "sidegate"
        }
    }
}

/// One worker's counters: plain numbers that only its loop uses, so that counting costs a few instructions. They are read
/// by asking the loop for a ``MetricsSnapshot``.
final class WorkerMetrics {
    private var numbers = MetricNumbers()
    /// Rare events, by their labels.
    private var events: [MetricEvent: UInt64] = [:]
    /// Redirects to the identity provider, an event that is not rare.
    private var redirects: UInt64 = 0
    /// Accepted deviations from HTTP, by their numbers: an app may deviate in each response.
    private var tolerations = [UInt64](repeating: 0, count: Toleration.allCases.count)
    private var begun: UInt64 = 0
    private var finished: UInt64 = 0
    /// When the app last responded, and when it last could not be reached.
    private var reachedAt = MonotonicTime(nanoseconds: 0)
    private var unreachableAt = MonotonicTime(nanoseconds: 0)
    private var unreachableCause: UpstreamCause?
    /// The identity providers' names, as labels; never empty once a configuration is in force.
    private var providers: [String] = []
    private var observes = false

    /// Another configuration is in force.
    ///
    /// - Parameter providers: their names, as labels.
    func use(providers: [String], observes: Bool) {
        self.providers = providers
        self.observes = observes
    }

    /// A request's head has arrived.
    func requestBegan() { begun &+= 1 }

    func requestEnded(_ exchange: some FinishedExchange, _ now: MonotonicTime) {
        if exchange.record.isCounted { finished &+= 1 }
        let duration = now.since(exchange.record.started).count
        let (method, status) = (exchange.request.method, exchange.record.status)
        if let upstreamDuration = exchange.record.upstreamDuration {
            // A response of the app: the request was for the app.
            numbers.add(.app, method, status, duration, upstream: upstreamDuration.count)
            reachedAt = now
        } else {
            let place = exchange.purpose
            numbers.add(place == .app ? .app : .own, method, status, duration, upstream: nil)
            count(exchange, place)
        }
        if let observation = exchange.record.observation {
            count(.observed(would: observation.would, reason: observation.reason))
        }
        if let cause = exchange.record.cause {
            count(.upstreamFailed(cause))
            if UpstreamFailure.isUnreachable(cause) {
                unreachableAt = now
                unreachableCause = cause
            }
        }
    }

    /// A response of the app deviates from HTTP, which is accepted.
    func tolerated(_ set: TolerationSet) {
        for index in tolerations.indices where set.rawValue >> UInt16(index) & 1 != 0 { tolerations[index] &+= 1 }
    }

    /// A request was ended because its client was too slow while others waited.
    func endedSlow(_ side: PaceMeter.Side) {
        count(.endedSlow(side == .request ? "request" : "response"))
    }

    /// Counts what the gate's own responses say about sign-ins and refusals.
    private func count(_ exchange: some FinishedExchange, _ place: RequestPurpose) {
        let reason = exchange.record.reason
        switch exchange.record.outcome {
        case .signIn, .guest: count(.login(provider: provider(of: exchange), .success))
        case .loginLoop: count(.login(provider: provider(of: exchange), .loop))
        case .logout: count(.logout(exchange.record.logoutCause))
        case .redirect:
            redirects &+= 1
            if let reason { count(.sessionRejected(reason)) }
        case .unauthenticated:
            if let reason { count(reason.topic == .session ? .sessionRejected(reason) : .denied(reason)) }
        case .refused:
            // Without a reason, as for a method that is not allowed, the refusal is about no user.
            guard let reason else { return }
            switch place {
            case .signIn: count(.login(provider: provider(of: exchange), .refused(reason)))
            case .app, .other: count(.denied(reason))
            case .logout: break
            }
        case .limited: if let reason { count(.denied(reason)) }
        case .forward, .open, .observe, .nativeLogin, .choose, .confirm, .signedIn, .session, .sessionUnknown, .keys,
            .answer,
            .notFound, .forwardAuth, .badRequest, .malformed, .upstreamFailure, .none:
            break
        }
    }

    /// The label of the provider that a sign-in is about. With several, a form that confirms nothing is about none.
    private func provider(of exchange: some FinishedExchange) -> String {
        let named = exchange.record.provider
        if !named.isEmpty { return named }
        return providers.count == 1 ? providers[0] : Self.noProvider
    }

    private static let noProvider = "none"

    /// Labels are values of enums and names of the configuration, so there are not many; the bound holds whatever becomes
    /// of them.
    private func count(_ event: MetricEvent) {
        guard events.count < Self.maximumEvents || events[event] != nil else { return }
        events[event, default: 0] &+= 1
    }

    func snapshot() -> MetricsSnapshot {
        var snapshot = MetricsSnapshot()
        snapshot.numbers = numbers
        snapshot.events = events
        snapshot.providers = Set(providers)
        snapshot.observes = observes
        if redirects > 0 { snapshot.events[.redirect] = redirects }
        for toleration in Toleration.allCases where tolerations[Int(toleration.rawValue)] > 0 {
            snapshot.events[.tolerated(toleration)] = tolerations[Int(toleration.rawValue)]
        }
        snapshot.inFlight = begun &- finished
        snapshot.reachedAt = reachedAt
        snapshot.unreachableAt = unreachableAt
        snapshot.unreachableCause = unreachableCause
        return snapshot
    }

    /// More than all reasons of as many providers as there may be.
    private static let maximumEvents = 4096
}
