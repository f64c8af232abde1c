// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Something that is counted by its labels.
package enum MetricEvent: Hashable, Sendable {
    case login(provider: String, isSuccess: Bool, reason: String)
    case logout(reason: String)
    case redirect
    case denied(reason: String)
    case sessionRejected(reason: String)
    /// What was let through, and would not have been if rules were enforced.
    case observed(would: String, reason: String)
    case upstreamFailed(reason: String)
    /// Ended since the client sent its request, or took its response, too slowly while others waited.
    case endedSlow(String)
}

/// The counters of one loop, or of several added up, as they were at a moment.
package struct MetricsSnapshot: Sendable {
    package internal(set) var numbers = MetricNumbers()
    package internal(set) var events: [MetricEvent: UInt64] = [:]
    package internal(set) var inFlight: UInt64 = 0
    /// Requests that wait for a connection to an app.
    package internal(set) var waiting: UInt64 = 0
    /// Connections to apps, tunnels not counted.
    package internal(set) var upstreamConnections: UInt64 = 0
    /// Open connections of browsers by protocol.
    package internal(set) var connections: [String: Int] = [:]
    package internal(set) var reachedAt = MonotonicTime(nanoseconds: 0)
    package internal(set) var unreachableAt = MonotonicTime(nanoseconds: 0)

    package init() {}

    package mutating func add(_ other: MetricsSnapshot) {
        numbers.add(other.numbers)
        events.merge(other.events) { $0 &+ $1 }
        connections.merge(other.connections) { $0 &+ $1 }
        inFlight &+= other.inFlight
        waiting &+= other.waiting
        upstreamConnections &+= other.upstreamConnections
        reachedAt = max(reachedAt, other.reachedAt)
        unreachableAt = max(unreachableAt, other.unreachableAt)
    }
}
