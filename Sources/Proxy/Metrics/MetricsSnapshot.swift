// SPDX-License-Identifier: Apache-2.0

import Decisions
import Reactor

/// An event that is counted by its labels.
package enum MetricEvent: Hashable, Sendable {
    case login(provider: String, LoginResult)
    case logout(LogoutCause)
    case redirect
    case denied(Reason)
    case sessionRejected(Reason)
    /// A request that was let through, and would not have been if rules were enforced.
    case observed(would: Outcome.Denial, reason: Reason?)
    case upstreamFailed(UpstreamCause)
    /// A deviation from HTTP in an app's response that was accepted.
    case tolerated(Toleration)
    /// A request that was ended because its client sent it, or took the response, too slowly while others waited.
    case endedSlow(String)
}

/// How a return from the identity provider ended.
package enum LoginResult: Hashable, Sendable {
    case success
    case refused(Reason)
    /// The browser keeps coming back without its session.
    case loop
}

/// The counters of one loop, or the sum of several, at one moment.
package struct MetricsSnapshot: Sendable {
    package internal(set) var numbers = MetricNumbers()
    package internal(set) var events: [MetricEvent: UInt64] = [:]
    /// The names of the identity providers.
    package internal(set) var providers: Set<String> = []
    /// Refusals are not enforced.
    package internal(set) var observes = false
    package internal(set) var inFlight: UInt64 = 0
    /// Requests that wait for a connection to an app.
    package internal(set) var waiting: UInt64 = 0
    /// Connections to apps, tunnels not counted.
    package internal(set) var upstreamConnections: UInt64 = 0
    /// Open connections of clients by protocol.
    package internal(set) var connections: [String: Int] = [:]
    package internal(set) var reachedAt = MonotonicTime(nanoseconds: 0)
    package internal(set) var unreachableAt = MonotonicTime(nanoseconds: 0)
    package internal(set) var unreachableCause: UpstreamCause?

    package init() {}

    package mutating func add(_ other: MetricsSnapshot) {
        numbers.add(other.numbers)
        events.merge(other.events) { $0 &+ $1 }
        observes = observes || other.observes
        providers.formUnion(other.providers)
        connections.merge(other.connections) { $0 &+ $1 }
        inFlight &+= other.inFlight
        waiting &+= other.waiting
        upstreamConnections &+= other.upstreamConnections
        reachedAt = max(reachedAt, other.reachedAt)
        if unreachableAt < other.unreachableAt {
            unreachableAt = other.unreachableAt
            unreachableCause = other.unreachableCause
        }
    }
}
