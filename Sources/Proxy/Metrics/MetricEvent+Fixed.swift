// SPDX-License-Identifier: Apache-2.0

import Decisions

extension MetricEvent {
    /// The events whose labels are of fixed lists. Each has a series from the start, with 0: Prometheus computes a rate from
    /// the second value of a series on, so the first events of one that appears with them would be missed.
    ///
    /// - Parameters:
    ///   - providers: the names of the identity providers.
    ///   - observes: refusals are not enforced, and counted instead.
    static func fixed(providers: Set<String>, observes: Bool) -> [MetricEvent] {
        let reasons = Reason.allCases
        var events: [MetricEvent] = []
        for provider in providers {
            events += [.login(provider: provider, .success), .login(provider: provider, .loop)]
            events += reasons.filter(\.refusesSignIns).map { .login(provider: provider, .refused($0)) }
        }
        events += reasons.filter(\.deniesRequests).map { .denied($0) }
        events += reasons.filter { $0.topic == .session }.map { .sessionRejected($0) }
        for would in observes ? Outcome.Denial.allCases : [] {
            events.append(.observed(would: would, reason: nil))
            events += reasons.filter { $0.turnsAway(by: would) }.map { .observed(would: would, reason: $0) }
        }
        events += LogoutCause.allCases.map { .logout($0) }
        events += UpstreamCause.allCases.map { .upstreamFailed($0) }
        return events
    }
}

extension Reason {
    fileprivate var refusesSignIns: Bool {
        switch topic {
        case .token, .use, .user, .attempt, .provisioning: true
        case .session, .path, .forwardAuth, .transfer, .upstream, .request: false
        }
    }

    /// Bearer tokens, users, and clients that send too much.
    fileprivate var deniesRequests: Bool {
        switch topic {
        case .token, .use, .user: true
        case .transfer: self == .rateLimited
        case .attempt, .provisioning, .session, .path, .forwardAuth, .upstream, .request: false
        }
    }

    /// What `access.mode: observe` counts.
    fileprivate func turnsAway(by denial: Outcome.Denial) -> Bool {
        switch topic {
        case .session: denial != .denied
        case .token: denial == .unauthenticated
        case .use: denial != .redirect
        case .user, .path: denial == .denied
        case .attempt, .provisioning, .forwardAuth, .transfer, .upstream, .request: false
        }
    }
}

extension MetricsSnapshot {
    /// Counts what no worker counts.
    package mutating func add(_ count: UInt64, of event: MetricEvent) {
        events[event, default: 0] &+= count
    }

    /// Gives each event of ``MetricEvent/fixed(providers:observes:)`` a count.
    package mutating func completeSeries() {
        for event in MetricEvent.fixed(providers: providers, observes: observes) where events[event] == nil {
            events[event] = 0
        }
    }
}
