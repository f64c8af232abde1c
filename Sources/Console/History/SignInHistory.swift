// SPDX-License-Identifier: Apache-2.0

import Decisions

/// What became of people who wanted in, for one line of the chart.
package enum SignInSeries: Hashable, Sendable {
    case signedIn
    case refused(Reason)
}

/// Sign-ins and refusals by minute and reason, of the last hour. Bounded: a ring of minutes with a count for each reason.
package struct SignInHistory: Sendable {
    private struct Minute: Sendable {
        /// Since 1970.
        var number: Int
        var counts: [SignInSeries: Int] = [:]
        /// When the last one of a series was.
        var last: [SignInSeries: Double] = [:]
    }

    /// By the minute modulo their number.
    private var ring: [Minute?] = Array(repeating: nil, count: Self.minutes)

    package init() {}

    package mutating func add(_ series: SignInSeries, at time: Double) {
        guard let number = Self.minute(time) else { return }
        let slot = number % Self.minutes
        if let known = ring[slot], known.number > number { return }
        var minute = ring[slot].flatMap { $0.number == number ? $0 : nil } ?? Minute(number: number)
        minute.counts[series, default: 0] += 1
        minute.last[series] = max(minute.last[series] ?? 0, time)
        ring[slot] = minute
    }

    /// Counts of `count` spans of `length` minutes each, the last of which holds `now`; the oldest first.
    package func spans(_ count: Int, of length: Int, now: Double) -> [SignInSpan] {
        guard let current = Self.minute(now), count > 0, length > 0 else { return [] }
        // Spans begin at multiples of their length, so that a bar does not change its place from minute to minute.
        let last = current / length
        return ((last - count + 1)...last).map { index in
            var span = SignInSpan(start: Double(index * length * 60), minutes: length)
            for number in (index * length)..<((index + 1) * length) {
                guard number >= 0, let minute = ring[number % Self.minutes], minute.number == number else { continue }
                span.counts.merge(minute.counts, uniquingKeysWith: +)
            }
            return span
        }
    }

    /// The totals of the last `minutes`.
    package func totals(minutes: Int, now: Double) -> SignInTotals {
        guard let current = Self.minute(now) else { return SignInTotals() }
        var counts: [SignInSeries: (count: Int, last: Double)] = [:]
        for minute in ring {
            guard let minute, minute.number <= current, minute.number > current - minutes else { continue }
            for (series, count) in minute.counts {
                let old = counts[series] ?? (0, 0)
                counts[series] = (old.count + count, max(old.last, minute.last[series] ?? 0))
            }
        }
        return SignInTotals(counts)
    }

    private static func minute(_ time: Double) -> Int? {
        time >= 0 && time < 1e12 ? Int(time / 60) : nil
    }

    static let minutes = 60
}

/// Some minutes in a row.
package struct SignInSpan: Sendable, Equatable {
    /// Seconds since 1970.
    package var start: Double
    package var minutes: Int
    package var counts: [SignInSeries: Int] = [:]

    package init(start: Double, minutes: Int, counts: [SignInSeries: Int] = [:]) {
        self.start = start
        self.minutes = minutes
        self.counts = counts
    }

    var total: Int { counts.values.reduce(0, +) }
}

/// Sign-ins and refusals of some time.
package struct SignInTotals: Sendable, Equatable {
    package struct Refusals: Sendable, Equatable {
        package var reason: Reason
        package var count: Int
        /// When the last one was.
        package var last: Double

        package init(reason: Reason, count: Int, last: Double) {
            self.reason = reason
            self.count = count
            self.last = last
        }
    }

    package private(set) var signIns = 0
    package private(set) var lastSignIn: Double?
    /// The most frequent first.
    package private(set) var byReason: [Refusals] = []

    package init() {}

    fileprivate init(_ counts: [SignInSeries: (count: Int, last: Double)]) {
        for (series, (count, last)) in counts {
            switch series {
            case .signedIn:
                signIns = count
                lastSignIn = last
            case .refused(let reason): byReason.append(Refusals(reason: reason, count: count, last: last))
            }
        }
        byReason.sort { ($0.count, $1.reason.rawValue) > ($1.count, $0.reason.rawValue) }
    }

    package var refusals: Int { byReason.reduce(0) { $0 + $1.count } }

    /// What counts as recent for the headline.
    package static let recentMinutes = 15
}
