// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The counters of each request, in one array, so that counting one touches little memory.
package struct MetricNumbers: Sendable {
    private var numbers = [UInt64](repeating: 0, count: Self.sums + 2 * Self.routeCount)

    package init() {}

    /// Counts a request that has ended, with its times in nanoseconds.
    ///
    /// - Parameter status: 0: it got no response.
    mutating func add(_ route: MetricRoute, _ method: Method, _ status: UInt16, _ duration: UInt64, upstream: UInt64?) {
        let route = route.rawValue
        var numbers = numbers.mutableSpan
        numbers[Self.slot(route, method, status)] &+= 1
        numbers[Self.durations &+ route &* Self.bucketCount &+ Self.bucket(duration)] &+= 1
        numbers[Self.sums &+ route] &+= duration
        guard let upstream else { return }
        numbers[Self.upstreamDurations &+ route &* Self.bucketCount &+ Self.bucket(upstream)] &+= 1
        numbers[Self.sums &+ Self.routeCount &+ route] &+= upstream
    }

    mutating func add(_ other: MetricNumbers) {
        for index in numbers.indices { numbers[index] &+= other.numbers[index] }
    }

    // MARK: Reading

    /// Calls `body` for each number of requests that is not zero, and for those that alerts are about.
    package func forEachRequest(_ body: (MetricRoute, _ method: String, _ status: Int, UInt64) -> Void) {
        for (slot, count) in numbers[..<Self.durations].enumerated() {
            let status = slot % Self.statusCount + Int(Self.firstStatus)
            let method = slot / Self.statusCount % Self.methods.count
            guard count > 0 || Self.watchedStatuses.contains(status) && Self.usualMethods.contains(method) else {
                continue
            }
            guard let route = MetricRoute(rawValue: slot / Self.statusCount / Self.methods.count) else { continue }
            body(route, Self.methods[method], status, count)
        }
    }

    /// Requests in each bucket of ``boundsInSeconds``, and in the one above them.
    package func durations(_ route: MetricRoute) -> ArraySlice<UInt64> {
        numbers[(Self.durations + route.rawValue * Self.bucketCount)...].prefix(Self.bucketCount)
    }

    package func upstreamDurations(_ route: MetricRoute) -> ArraySlice<UInt64> {
        numbers[(Self.upstreamDurations + route.rawValue * Self.bucketCount)...].prefix(Self.bucketCount)
    }

    /// In seconds.
    package func durationSum(_ route: MetricRoute) -> Double {
        Double(numbers[Self.sums + route.rawValue]) / 1e9
    }

    package func upstreamDurationSum(_ route: MetricRoute) -> Double {
        Double(numbers[Self.sums + Self.routeCount + route.rawValue]) / 1e9
    }

    // MARK: The layout

    /// Upper bounds of the buckets: from half a millisecond, which the gate's own responses take, to a minute, after which
    /// the usual time limits apply.
    package static let boundsInSeconds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]
    private static var bucketCount: Int { 17 }
    private static var routeCount: Int { 2 }
    package static let methods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "OTHER",
    ]
    /// Places in ``methods`` of those that apps use; with the statuses below they have a series from the start.
    private static let usualMethods: Set = [0, 1, 2, 3, 4, 6, 8]
    private static let watchedStatuses: Set = [429, 500, 502, 503, 504]
    private static var firstStatus: UInt16 { 100 }
    private static var statusCount: Int { 500 }
    /// Requests by route, method and status are first, followed by the parts named here.
    private static var durations: Int { routeCount * 10 * statusCount }
    private static var upstreamDurations: Int { durations + routeCount * bucketCount }
    private static var sums: Int { upstreamDurations + routeCount * bucketCount }

    /// A request without a response counts as 499, and an invalid status as the nearest valid one.
    private static func slot(_ route: Int, _ method: Method, _ status: UInt16) -> Int {
        let status = status == 0 ? 499 : min(max(status, firstStatus), 599)
        return (route &* 10 &+ Int(method.rawValue)) &* statusCount &+ Int(status &- firstStatus)
    }

    /// The bucket of a time in nanoseconds, by ``boundsInSeconds``. Most requests are fast.
    private static func bucket(_ time: UInt64) -> Int {
        switch time {
        case ...500_000: 0
        case ...1_000_000: 1
        case ...2_500_000: 2
        case ...5_000_000: 3
        case ...10_000_000: 4
        case ...25_000_000: 5
        case ...50_000_000: 6
        case ...100_000_000: 7
        case ...250_000_000: 8
        case ...500_000_000: 9
        case ...1_000_000_000: 10
        case ...2_500_000_000: 11
        case ...5_000_000_000: 12
        case ...10_000_000_000: 13
        case ...30_000_000_000: 14
        case ...60_000_000_000: 15
        default: 16
        }
    }
}
