// SPDX-License-Identifier: Apache-2.0

/// Counters of requests at one moment, as they have grown since the start.
package struct TrafficSample: Sendable, Equatable {
    /// Seconds since 1970.
    package var time: Double
    package var requests: UInt64
    /// Responses with 5xx.
    package var errors: UInt64
    /// Requests by duration: those of each bucket.
    package var durations: [UInt64]

    package init(time: Double, requests: UInt64, errors: UInt64, durations: [UInt64]) {
        self.time = time
        self.requests = requests
        self.errors = errors
        self.durations = durations
    }
}

/// Requests between two samples.
package struct TrafficSpan: Sendable, Equatable {
    /// Seconds since 1970.
    package var start: Double
    package var end: Double
    package var requests: UInt64
    package var errors: UInt64
    package var durations: [UInt64]

    package init(start: Double, end: Double, requests: UInt64, errors: UInt64, durations: [UInt64]) {
        self.start = start
        self.end = end
        self.requests = requests
        self.errors = errors
        self.durations = durations
    }

    /// - Parameters:
    ///   - share: such as 0.99.
    ///   - bounds: upper bounds of the buckets in seconds, ascending; one bucket follows them.
    /// - Returns: seconds, interpolated within the bucket; nil without requests. Beyond the last bound: that bound.
    package func percentile(_ share: Double, bounds: [Double]) -> Double? {
        let total = durations.reduce(0, &+)
        guard total > 0 else { return nil }
        let rank = share * Double(total)
        var below: UInt64 = 0
        for (index, count) in durations.enumerated() where count > 0 {
            let upTo = below &+ count
            if Double(upTo) >= rank {
                guard index < bounds.count else { return bounds.last }
                let low = index == 0 ? 0 : bounds[index - 1]
                let part = min(1, max(0, (rank - Double(below)) / Double(count)))
                return low + (bounds[index] - low) * part
            }
            below = upTo
        }
        return bounds.last
    }
}

/// Samples of the last hour, one a minute, bounded. What comes between two of them is the difference.
package struct TrafficHistory: Sendable {
    private var samples: [TrafficSample] = []

    package init() {}

    /// Takes a sample, if the last is not of the same minute; the first one always.
    package mutating func add(_ sample: TrafficSample) {
        guard sample.time.isFinite, sample.time >= 0 else { return }
        if let last = samples.last {
            // The clock was set back: what was known has no place on the new time.
            if sample.time < last.time - 60 { samples = [] } else if !isDue(sample.time) { return }
        }
        samples.append(sample)
        if samples.count > Self.maximumSamples { samples.removeFirst(samples.count - Self.maximumSamples) }
    }

    /// A sample is due.
    package func isDue(_ now: Double) -> Bool {
        guard let last = samples.last else { return true }
        return now >= last.time + 59 || now < last.time - 60
    }

    /// What came in the last `minutes`, until `now`.
    package func span(minutes: Int, now: TrafficSample) -> TrafficSpan? {
        let start = now.time - Double(minutes) * 60
        // The youngest sample that is old enough, or the oldest there is.
        guard let first = samples.last(where: { $0.time <= start + 1 }) ?? samples.first else { return nil }
        return Self.difference(first, now)
    }

    /// What came between each two samples, the oldest first, and since the last one.
    package func minutes(now: TrafficSample) -> [TrafficSpan] {
        let all = samples.filter { $0.time >= now.time - 3600 - 60 } + [now]
        return zip(all, all.dropFirst()).map(Self.difference)
    }

    private static func difference(_ first: TrafficSample, _ last: TrafficSample) -> TrafficSpan {
        func grown(_ from: UInt64, _ to: UInt64) -> UInt64 { to >= from ? to - from : 0 }
        return TrafficSpan(
            start: first.time, end: last.time, requests: grown(first.requests, last.requests),
            errors: grown(first.errors, last.errors),
            durations: last.durations.enumerated().map { index, count in
                grown(first.durations.indices.contains(index) ? first.durations[index] : 0, count)
            })
    }

    /// An hour, and one before it.
    static let maximumSamples = 62
}
