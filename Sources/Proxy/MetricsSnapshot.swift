// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// Something that is counted by its labels.
package enum MetricEvent: Hashable, Sendable {
    case login(provider: String, isSuccess: Bool, reason: String)
    case logout(reason: String)
    case redirect
    case denied(reason: String)
    case sessionRejected(reason: String)
    case upstreamFailed(reason: String)
}

/// The counters of one loop, or of several added up, as they were at a moment.
package struct MetricsSnapshot: Sendable {
    package internal(set) var requests = [UInt64](repeating: 0, count: Self.requestSlots)
    package internal(set) var durations = [UInt64](repeating: 0, count: Self.durationSlots)
    package internal(set) var upstreamDurations = [UInt64](repeating: 0, count: Self.durationSlots)
    package internal(set) var durationSums = [UInt64](repeating: 0, count: MetricRoute.allCases.count)
    package internal(set) var upstreamDurationSums = [UInt64](repeating: 0, count: MetricRoute.allCases.count)
    package internal(set) var events: [MetricEvent: UInt64] = [:]
    package internal(set) var inFlight: UInt64 = 0
    /// Open connections of browsers by protocol.
    package internal(set) var connections: [String: Int] = [:]
    package internal(set) var reachedAt = MonotonicTime(nanoseconds: 0)
    package internal(set) var unreachableAt = MonotonicTime(nanoseconds: 0)

    package init() {}

    package mutating func add(_ other: MetricsSnapshot) {
        Self.add(other.requests, to: &requests)
        Self.add(other.durations, to: &durations)
        Self.add(other.upstreamDurations, to: &upstreamDurations)
        Self.add(other.durationSums, to: &durationSums)
        Self.add(other.upstreamDurationSums, to: &upstreamDurationSums)
        events.merge(other.events) { $0 &+ $1 }
        connections.merge(other.connections) { $0 &+ $1 }
        inFlight &+= other.inFlight
        reachedAt = max(reachedAt, other.reachedAt)
        unreachableAt = max(unreachableAt, other.unreachableAt)
    }

    private static func add(_ numbers: [UInt64], to sums: inout [UInt64]) {
        for index in sums.indices where index < numbers.count { sums[index] &+= numbers[index] }
    }

    // MARK: Where a number stands

    /// Upper bounds of the buckets in nanoseconds: half a millisecond, which the gate's own answers take, to a minute, after
    /// which the usual time limits strike.
    package static let bounds: [UInt64] = boundsInSeconds.map { UInt64($0 * 1e9) }
    package static let boundsInSeconds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]
    static let bucketCount = 17
    static let durationSlots = bucketCount * MetricRoute.allCases.count

    /// Those of one route.
    package static func buckets(_ route: MetricRoute) -> Range<Int> {
        route.rawValue * bucketCount..<(route.rawValue + 1) * bucketCount
    }

    package static let methods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "OTHER",
    ]
    private static let firstStatus: UInt16 = 100
    private static let statusCount = 500
    static let requestSlots = MetricRoute.allCases.count * 10 * statusCount

    /// A request that got no response counts as 499, and what is no status as the last there is.
    static func slot(_ route: Int, _ method: Method, _ status: UInt16) -> Int {
        let status = status == 0 ? 499 : min(max(status, firstStatus), 599)
        return (route &* 10 &+ Int(method.rawValue)) &* statusCount &+ Int(status &- firstStatus)
    }

    /// Calls `body` for each number of requests that is not zero.
    package func forEachRequest(_ body: (MetricRoute, _ method: String, _ status: Int, UInt64) -> Void) {
        for (slot, count) in requests.enumerated() where count > 0 {
            let status = slot % Self.statusCount + Int(Self.firstStatus)
            let method = slot / Self.statusCount % 10
            guard let route = MetricRoute(rawValue: slot / Self.statusCount / 10) else { continue }
            body(route, Self.methods[method], status, count)
        }
    }
}

extension Worker {
    /// The counters as they are now.
    package func metricsSnapshot() -> MetricsSnapshot {
        var snapshot = metrics.snapshot()
        snapshot.connections = connectionsByProtocol
        return snapshot
    }
}
