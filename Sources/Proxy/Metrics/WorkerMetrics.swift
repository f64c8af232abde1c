// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor

/// What a request was about, as a label.
package enum MetricRoute: Int, CaseIterable, Sendable {
    /// Meant for the app.
    case app
    /// One of Sidegate's own addresses.
    case own

    package var label: String {
        switch self {
        case .app: "default"
        case .own: "sidegate"
        }
    }
}

/// One worker's counters: plain numbers that its loop alone touches, so that counting costs a few instructions. Who wants
/// to know asks the loop for a ``MetricsSnapshot``.
final class WorkerMetrics {
    private var numbers = MetricNumbers()
    /// What happens seldom, by its labels.
    private var events: [MetricEvent: UInt64] = [:]
    /// Redirects to the identity provider, the one event that is not seldom.
    private var redirects: UInt64 = 0
    private var begun: UInt64 = 0
    private var finished: UInt64 = 0
    /// When the app was last heard of, and last could not be reached.
    private var reachedAt = MonotonicTime(nanoseconds: 0)
    private var unreachableAt = MonotonicTime(nanoseconds: 0)
    /// The identity provider's name, as a label.
    var provider = ""

    /// A request's head is there.
    func requestBegan() { begun &+= 1 }

    func requestEnded(_ exchange: Exchange, _ now: MonotonicTime) {
        if exchange.record.isCounted { finished &+= 1 }
        let duration = now.since(exchange.record.started).count
        let (method, status) = (exchange.request.method, exchange.record.status)
        if let upstreamDuration = exchange.record.upstreamDuration {
            // The app's responses say by themselves what they were about.
            numbers.add(.app, method, status, duration, upstream: upstreamDuration.count)
            reachedAt = now
        } else {
            let place = exchange.place
            numbers.add(place == .app ? .app : .own, method, status, duration, upstream: nil)
            count(exchange.record.audit, exchange, place)
        }
        if let act = exchange.record.observation {
            count(.observed(would: act.name.description, reason: exchange.record.observedReason ?? ""))
        }
        if exchange.record.hasUpstreamFailed { countFailure(exchange.record, now) }
    }

    /// A request was ended since its client was too slow while others waited.
    func endedSlow(_ side: PaceMeter.Side) {
        count(.endedSlow(side == .request ? "request" : "response"))
    }

    /// What the gate's own answers say of sign-ins and refusals.
    private func count(_ audit: Audit, _ exchange: Exchange, _ place: RequestPurpose) {
        let reason = exchange.record.reason ?? ""
        switch audit {
        case .none: break
        case .signIn, .guest: count(.login(provider: provider, isSuccess: true, reason: ""))
        case .loop: count(.login(provider: provider, isSuccess: false, reason: "login_loop"))
        case .logout: count(.logout(reason: exchange.record.isBackchannelLogout ? "backchannel" : "user"))
        case .redirect:
            redirects &+= 1
            if !reason.isEmpty { count(.sessionRejected(reason: reason)) }
        case .unauthenticated where reason.hasPrefix("session_"): count(.sessionRejected(reason: reason))
        case .unauthenticated where !reason.isEmpty: count(.denied(reason: reason))
        case .unauthenticated: break
        // A method or a form that is not taken says nothing about anybody.
        case .refused where reason.isEmpty: break
        case .refused:
            switch place {
            case .signIn: count(.login(provider: provider, isSuccess: false, reason: reason))
            case .app, .other: count(.denied(reason: reason))
            case .logout: break
            }
        case .limited: count(.denied(reason: reason))
        }
    }

    private func countFailure(_ record: ExchangeRecord, _ now: MonotonicTime) {
        guard let reason = record.reason else { return }
        let prefix = "upstream_"
        count(.upstreamFailed(reason: reason.hasPrefix(prefix) ? String(reason.dropFirst(prefix.count)) : reason))
        if record.wasUnreachable { unreachableAt = now }
    }

    /// Reasons are words of ours, so there are not many; the bound is for the day when one is not.
    private func count(_ event: MetricEvent) {
        guard events.count < Self.maximumEvents || events[event] != nil else { return }
        events[event, default: 0] &+= 1
    }

    func snapshot() -> MetricsSnapshot {
        var snapshot = MetricsSnapshot()
        snapshot.numbers = numbers
        snapshot.events = events
        if redirects > 0 { snapshot.events[.redirect] = redirects }
        snapshot.inFlight = begun &- finished
        snapshot.reachedAt = reachedAt
        snapshot.unreachableAt = unreachableAt
        return snapshot
    }

    private static let maximumEvents = 256
}
