// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Which server is used as the primary, after what sentinels report and answer.
///
/// Sentinels learn of a failover one after another, over some seconds, so at any time some of them may describe the past. The
/// messages of `+switch-master` have no epoch, but each sentinel sends them in order. Hence:
///
/// - **Reports.** The switches of the last 30 s are kept in their order, and for each sentinel the last of them that it has
///   reported. A report that equals a switch behind that one is that switch, heard late, and moves nothing. Any other is
///   acted on at once if the sentinel has reported the last switch, if it leaves the server in use, or if it leads to a
///   server that none of these switches mentions (a report was missed). What remains is ambiguous, such as A→C of a
///   sentinel that was away during A→B, B→C, C→D: the answers decide.
/// - **Answers.** The server that more than half of those that answered name is used, but none that a report left in the last
///   10 s: such an answer may be older than the report. That never applies to a report.
/// - Whatever was not acted on is followed by another question, until the answers agree with the server in use.
///
/// A sentinel that missed reports while its connection was down may have news taken for a late report; another sentinel's
/// report, or the answers, then decide.
struct PrimaryChoice {
    typealias Endpoint = RedisConfiguration.Endpoint

    enum Verdict: Equatable {
        case keep
        case move(to: Endpoint, from: Endpoint?)
        /// ``due(at:)`` is to be called then.
        case moveLater(MonotonicTime)
        /// The sentinels are to be asked (again) then.
        case ask(MonotonicTime)
    }

    private struct Switch {
        let number: UInt64
        let old: Endpoint
        let new: Endpoint
        let time: MonotonicTime
    }

    /// nil: no sentinel has named one yet.
    private(set) var current: Endpoint?
    /// Reported within the pause after a move.
    private var pending: Endpoint?
    /// In their order.
    private var switches: [Switch] = []
    private var lastNumber: UInt64 = 0
    /// The last switch that a sentinel has reported.
    private var heard: [Endpoint: UInt64] = [:]
    private var left: [Endpoint: MonotonicTime] = [:]
    private var lastMove: MonotonicTime?

    /// A sentinel reports that `new` has taken the place of `old`.
    mutating func reported(_ old: Endpoint, to new: Endpoint, by sentinel: Endpoint, at now: MonotonicTime) -> Verdict {
        forget(at: now)
        guard let head = pending ?? current else {
            record(old, new, by: sentinel, at: now)
            current = new
            return .move(to: new, from: nil)
        }
        let position = heard[sentinel] ?? 0
        if let late = switches.first(where: { $0.number > position && $0.old == old && $0.new == new }) {
            note(sentinel, late.number)
            return new == head ? .keep : .ask(now)
        }
        if new == head {
            if switches.last.map({ $0.old != old || $0.new != new }) ?? true { record(old, new, by: sentinel, at: now) }
            leave(old, for: new, at: now)
            return .keep
        }
        let isAhead = switches.last.map { position >= $0.number } ?? true
        let isUnheardOf = !switches.contains { $0.old == new || $0.new == new }
        guard isAhead || old == head || isUnheardOf else { return .ask(now) }
        record(old, new, by: sentinel, at: now)
        leave(old, for: new, at: now)
        leave(head, for: new, at: now)
        pending = new
        return due(at: now)
    }

    /// Acts on a report that came within the pause after a move.
    mutating func due(at now: MonotonicTime) -> Verdict {
        guard let new = pending else { return .keep }
        if let end = lastMove?.advanced(by: Self.reportPause), now < end { return .moveLater(end) }
        pending = nil
        guard new != current else { return .keep }
        return move(to: new, at: now)
    }

    /// The sentinels that were asked name these, each one; not empty.
    mutating func answered(_ named: [Endpoint], at now: MonotonicTime) -> Verdict {
        forget(at: now)
        guard let current else {
            guard let first = Self.majority(named) ?? named.first else {
                return .ask(now.advanced(by: Self.answerPause))
            }
            self.current = first
            return .move(to: first, from: nil)
        }
        // A report was put off for a moment.
        if pending != nil { return .ask(now.advanced(by: Self.answerPause)) }
        guard let new = Self.majority(named), left[new] == nil || new == current else {
            return .ask(now.advanced(by: Self.answerPause))
        }
        guard new != current else { return .keep }
        // Sentinels that contradict each other must not keep all connections busy.
        if let end = lastMove?.advanced(by: Self.answerPause), now < end { return .ask(end) }
        record(current, new, by: nil, at: now)
        return move(to: new, at: now)
    }

    private mutating func move(to new: Endpoint, at now: MonotonicTime) -> Verdict {
        let previous = current
        current = new
        lastMove = now
        return .move(to: new, from: previous)
    }

    private static func majority(_ named: [Endpoint]) -> Endpoint? {
        var votes: [Endpoint: Int] = [:]
        for primary in named { votes[primary, default: 0] += 1 }
        return votes.first { $0.value > named.count / 2 }?.key
    }

    // MARK: Memory

    private mutating func record(_ old: Endpoint, _ new: Endpoint, by sentinel: Endpoint?, at now: MonotonicTime) {
        lastNumber += 1
        switches.append(Switch(number: lastNumber, old: old, new: new, time: now))
        if switches.count > Self.maximumSwitches { switches.removeFirst() }
        if let sentinel { note(sentinel, lastNumber) }
    }

    private mutating func note(_ sentinel: Endpoint, _ number: UInt64) {
        if heard[sentinel] == nil, heard.count >= Self.maximumSentinels { heard = [:] }
        heard[sentinel] = number
    }

    private mutating func leave(_ old: Endpoint, for new: Endpoint, at now: MonotonicTime) {
        left[new] = nil
        if old != new, left.count < Self.maximumSwitches { left[old] = now.advanced(by: Self.hold) }
    }

    private mutating func forget(at now: MonotonicTime) {
        switches.removeAll { now.since($0.time) >= Self.lateness }
        left = left.filter { now < $0.value }
    }

    /// At most 20 moves a second after reports.
    static let reportPause = Nanoseconds.milliseconds(50)
    /// At most one move a second after answers.
    static let answerPause = Nanoseconds.seconds(1)
    /// Sentinels notify each other every two seconds.
    static let hold = Nanoseconds.seconds(10)
    /// A message that was on its way for longer is of a connection that has been given up since.
    static let lateness = Nanoseconds.seconds(30)
    private static let maximumSwitches = 64
    private static let maximumSentinels = 256
}
