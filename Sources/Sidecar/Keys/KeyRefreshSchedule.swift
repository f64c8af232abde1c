// SPDX-License-Identifier: Apache-2.0

import Reactor

/// When a key set is fetched: by its own word of how long it is good, sooner after a failure, and at once for a token
/// whose key is unknown, but not each time.
///
/// A pure value: the time and the chance come as arguments, and it says what to do.
package struct KeyRefreshSchedule {
    /// What is to be done about a token whose key is unknown.
    package enum Demand: Equatable {
        /// Fetch, now.
        case fetch
        /// A fetch is on its way: wait for it.
        case join
        /// It was fetched for another one a moment ago: who asks for unknown keys all the time gets no fetch each.
        case refuse
    }

    /// A fetch is on its way.
    package private(set) var isFetching = false
    /// When the next one is due; `distantFuture` while one is on its way.
    package private(set) var due = MonotonicTime(nanoseconds: 0)
    /// Fetches that failed since the last that did not.
    package private(set) var failures = 0
    /// When a fetch was last begun on demand.
    private var demanded: MonotonicTime?

    package init() {}

    /// The timer fired: true when a fetch begins.
    package mutating func timeCame(_ now: MonotonicTime) -> Bool {
        guard !isFetching, now >= due else { return false }
        begin()
        return true
    }

    package mutating func keyWanted(_ now: MonotonicTime) -> Demand {
        if isFetching { return .join }
        if let demanded, now.since(demanded) < Self.demandInterval { return .refuse }
        demanded = now
        begin()
        return .fetch
    }

    /// The set came.
    ///
    /// - Parameters:
    ///   - maxAge: how long it is good by its own word, in seconds; nil: it does not say.
    ///   - chance: from 0 to 1; spreads the replicas of one deployment over time.
    package mutating func succeeded(_ now: MonotonicTime, maxAge: Double?, chance: Double) {
        isFetching = false
        failures = 0
        let age = min(max(maxAge ?? Self.usualAge, Self.leastAge), Self.mostAge)
        // A little early, and never late: nobody is to wait for keys because of it.
        due = now.advanced(by: .seconds(max(Self.leastAge, age * (1 - 0.1 * Self.bounded(chance)))))
    }

    /// It did not come, or was of no use.
    package mutating func failed(_ now: MonotonicTime, chance: Double) {
        isFetching = false
        failures = min(failures + 1, 64)
        let delay = failures > 10 ? Self.mostDelay : min(Self.mostDelay, Self.leastDelay * Double(1 << (failures - 1)))
        due = now.advanced(by: .seconds(delay * (0.5 + 0.5 * Self.bounded(chance))))
    }

    private mutating func begin() {
        isFetching = true
        due = .distantFuture
    }

    private static func bounded(_ chance: Double) -> Double {
        chance >= 0 && chance <= 1 ? chance : 0
    }

    /// At most one fetch on demand in this time.
    package static let demandInterval = Nanoseconds.seconds(10)
    /// Seconds.
    package static let usualAge: Double = 600
    package static let leastAge: Double = 60
    package static let mostAge: Double = 86400
    package static let leastDelay: Double = 2
    package static let mostDelay: Double = 300
}

/// How long a response is good by its own word (RFC 9111 §4.2).
package enum Freshness {
    /// Seconds that are left of it; nil: it does not say. A directive that cannot be read is not there; of several the
    /// least counts.
    package static func maxAge(cacheControl: String?, age: String?) -> Double? {
        guard let cacheControl else { return nil }
        var least: Double?
        for directive in cacheControl.split(separator: ",") {
            let pieces = directive.split(separator: "=", maxSplits: 1).map { trimmed($0) }
            switch pieces.first?.lowercased() {
            case "no-store", "no-cache": least = 0
            case "max-age":
                guard pieces.count == 2, let seconds = seconds(pieces[1]) else { continue }
                least = min(least ?? seconds, seconds)
            default: continue
            }
        }
        guard let least else { return nil }
        return max(0, least - (age.flatMap { seconds(trimmed($0[...])) } ?? 0))
    }

    /// RFC 9111 §1.2.2: digits; also within quotes, which §5.2 asks readers to bear.
    private static func seconds(_ text: Substring) -> Double? {
        var digits = text
        if digits.count >= 2, digits.hasPrefix("\""), digits.hasSuffix("\"") { digits = digits.dropFirst().dropLast() }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        // Larger than 2^31 means 2^31 (§1.2.2).
        return digits.utf8.count > 10 ? 2_147_483_648 : Double(digits).map { min($0, 2_147_483_648) }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.utf8.first, first == 0x20 || first == 0x09 { text = text.dropFirst() }
        while let last = text.utf8.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
        return text
    }
}
