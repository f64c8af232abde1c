// SPDX-License-Identifier: Apache-2.0

import Reactor

/// When a key set, or a discovery document, is fetched: before its freshness lifetime ends, sooner after a failure, and for a
/// token whose key is unknown, at a limited rate.
///
/// There are two budgets for the last, so that strangers, who can send tokens with any key, take no fetch from those who
/// sign in: one fetch in ten seconds for strangers, and four at once, then one in two seconds, for the others. One of these
/// whose budget is spent waits for the next fetch: a provider that changes its keys again and again has no sign-in refused.
///
/// A pure value: the time and the random number are arguments, and the result says what to do.
package struct KeyRefreshSchedule {
    /// What to do for a token whose key is unknown.
    package enum Demand: Equatable {
        /// Fetch now.
        case fetch
        /// A fetch is in progress, or promised: wait for it.
        case join
        /// A fetch is promised, and due at ``KeyRefreshSchedule/due``: wait for it.
        case later
        /// The last fetch for an unknown key was a moment ago: a flood of such tokens must not cause one fetch each.
        case refuse
    }

    /// A fetch is in progress.
    package private(set) var isFetching = false
    /// Requests wait for the next fetch, which is due soon.
    package private(set) var isPromised = false
    /// When the next one is due; `distantFuture` while one is in progress.
    package private(set) var due = MonotonicTime(nanoseconds: 0)
    /// Failed fetches since the last success.
    package private(set) var failures = 0
    /// When a fetch was last started for a stranger.
    private var demanded: MonotonicTime?
    /// The budget of the others: when all of it is there again.
    private var budgetFull = MonotonicTime(nanoseconds: 0)

    package init() {}

    /// The timer fired: true when a fetch begins.
    package mutating func timeCame(_ now: MonotonicTime) -> Bool {
        guard !isFetching, now >= due else { return false }
        begin()
        return true
    }

    /// - Parameter isProven: the token answers an attempt of the browser, or came from the provider's token endpoint: what
    ///   strangers have asked for does not count.
    package mutating func keyWanted(_ now: MonotonicTime, isProven: Bool = false) -> Demand {
        if isFetching { return .join }
        guard isProven else {
            if let last = demanded, now.since(last) < Self.demandInterval { return .refuse }
            demanded = now
            begin()
            return .fetch
        }
        if isPromised { return .join }
        budgetFull = max(budgetFull, now).advanced(by: Self.provenInterval)
        let wait = budgetFull.since(now.advanced(by: Self.provenBudget))
        guard wait > .seconds(0) else {
            begin()
            return .fetch
        }
        isPromised = true
        due = min(due, now.advanced(by: wait))
        return .later
    }

    /// The set was fetched.
    ///
    /// - Parameters:
    ///   - maxAge: its freshness lifetime in seconds; nil: not given.
    ///   - chance: from 0 to 1; spreads the replicas of one deployment over time.
    package mutating func succeeded(_ now: MonotonicTime, maxAge: Double?, chance: Double) {
        isFetching = false
        failures = 0
        let age = min(max(maxAge ?? Self.usualAge, Self.leastAge), Self.mostAge)
        // A little early, and never late: no request should have to wait for keys.
        due = now.advanced(by: .seconds(max(Self.leastAge, age * (1 - 0.1 * Self.bounded(chance)))))
    }

    /// The set was not fetched, or was unusable.
    ///
    /// - Parameter mostDelay: seconds until the next fetch, at most; nil: the usual limit.
    package mutating func failed(_ now: MonotonicTime, chance: Double, mostDelay: Double? = nil) {
        isFetching = false
        failures = min(failures + 1, 64)
        let most = mostDelay ?? Self.mostDelay
        let delay = failures > 10 ? most : min(most, Self.leastDelay * Double(1 << (failures - 1)))
        due = now.advanced(by: .seconds(delay * (0.5 + 0.5 * Self.bounded(chance))))
    }

    private mutating func begin() {
        isFetching = true
        isPromised = false
        due = .distantFuture
    }

    private static func bounded(_ chance: Double) -> Double {
        chance >= 0 && chance <= 1 ? chance : 0
    }

    /// At most one fetch for strangers in this time.
    package static let demandInterval = Nanoseconds.seconds(10)
    /// The time after which those who sign in have one more fetch. It and a fetch together are shorter than a request waits for
    /// keys.
    package static let provenInterval = Nanoseconds.seconds(2)
    /// Four at once.
    package static let provenBudget = Nanoseconds.seconds(8)
    /// Seconds.
    package static let usualAge: Double = 600
    package static let leastAge: Double = 60
    package static let mostAge: Double = 86400
    package static let leastDelay: Double = 2
    package static let mostDelay: Double = 300
}

/// The freshness lifetime of a response (RFC 9111 §4.2).
package enum Freshness {
    /// The seconds that remain; nil: not given. A malformed directive is ignored; the least of several applies.
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

    /// RFC 9111 §1.2.2: digits, also quoted, which §5.2 requires recipients to accept.
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
