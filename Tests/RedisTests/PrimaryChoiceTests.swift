// SPDX-License-Identifier: Apache-2.0

import Reactor
import Testing

@testable import Redis

/// What happens to a ``PrimaryChoice`` that uses A, as a table.
@Suite("The choice of the primary")
struct PrimaryChoiceTests {
    enum Input {
        /// A sentinel reports a switch.
        case report(_ sentinel: String, _ old: String, _ new: String)
        /// What those name that answered.
        case answers(String)
        /// The pause is over.
        case due
    }

    enum Outcome: Equatable {
        case keep
        case move(String)
        case later(UInt64)
        case ask(UInt64)
    }

    /// Milliseconds, what happens then, what is to come of it.
    typealias Step = (at: UInt64, Input, Outcome)

    private static let start: UInt64 = 1_000_000

    private static func time(_ milliseconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: (start + milliseconds) * 1_000_000)
    }

    private static func server(_ name: some StringProtocol) -> RedisConfiguration.Endpoint {
        .host(String(name), port: 6379)
    }

    private static func outcome(_ verdict: PrimaryChoice.Verdict) -> Outcome {
        func milliseconds(_ time: MonotonicTime) -> UInt64 { time.since(Self.time(0)).count / 1_000_000 }
        return switch verdict {
        case .keep: .keep
        case .move(.host(let name, _), _): .move(name)
        case .move: .move("")
        case .moveLater(let time): .later(milliseconds(time))
        case .ask(let time): .ask(milliseconds(time))
        }
    }

    private static let table: [(String, [Step])] = [
        (
            "a switch and the one back are acted on, whatever the time between them",
            [
                (0, .report("1", "A", "B"), .move("B")), (500, .report("1", "B", "A"), .move("A")),
                (600, .answers("AAA"), .keep),
            ]
        ),
        (
            "switches in quick succession are put off for a moment, and the last one counts",
            [
                (0, .report("1", "A", "B"), .move("B")), (10, .report("1", "B", "C"), .later(50)),
                (20, .report("1", "C", "D"), .later(50)), (30, .answers("CCC"), .ask(1030)), (50, .due, .move("D")),
            ]
        ),
        (
            "there and back within the pause is no move, and the next one is",
            [
                (0, .report("1", "A", "B"), .move("B")), (10, .report("1", "B", "C"), .later(50)),
                (20, .report("1", "C", "B"), .later(50)), (50, .due, .keep), (60, .report("1", "B", "D"), .move("D")),
            ]
        ),
        (
            "each sentinel reports the same switch: the first one counts",
            [
                (0, .report("1", "A", "B"), .move("B")), (900, .report("2", "A", "B"), .keep),
                (1700, .report("3", "A", "B"), .keep),
            ]
        ),
        (
            "a switch that is reported late does not lead back",
            [
                (0, .report("1", "A", "B"), .move("B")), (500, .report("1", "B", "C"), .move("C")),
                (1200, .report("2", "A", "B"), .ask(1200)), (1300, .report("2", "B", "C"), .keep),
            ]
        ),
        (
            "a switch that is reported late, after the one back, does not lead there again; the same switch made a second time does",
            [
                (0, .report("1", "A", "B"), .move("B")), (500, .report("1", "B", "A"), .move("A")),
                (1200, .report("2", "A", "B"), .ask(1200)), (1300, .report("2", "B", "A"), .keep),
                (2000, .report("2", "A", "B"), .move("B")), (2100, .report("1", "A", "B"), .keep),
            ]
        ),
        (
            "a late switch that another one has skipped is decided by the answers",
            [
                (0, .report("1", "A", "B"), .move("B")), (500, .report("1", "B", "C"), .move("C")),
                (900, .report("1", "C", "D"), .move("D")), (1200, .report("2", "A", "C"), .ask(1200)),
                (1300, .answers("DCD"), .keep),
            ]
        ),
        (
            "after a report that was missed the next one counts",
            [(0, .report("1", "A", "B"), .move("B")), (900, .report("2", "C", "D"), .move("D"))]
        ),
        (
            "a sentinel that has reported the last switch has news, though its last report was missed",
            [(0, .report("1", "A", "B"), .move("B")), (900, .report("1", "C", "A"), .move("A"))]
        ),
        (
            "answers older than a report do not lead back, and are asked for until they agree",
            [
                (0, .report("1", "A", "B"), .move("B")), (100, .answers("AAB"), .ask(1100)),
                (1100, .answers("AAB"), .ask(2100)), (2100, .answers("BAB"), .keep),
            ]
        ),
        (
            "a switch back whose report was missed is made up for by the answers",
            [
                (0, .report("1", "A", "B"), .move("B")), (9_900, .answers("AAA"), .ask(10_900)),
                (10_900, .answers("AAA"), .move("A")),
            ]
        ),
        ("more than half of the answers lead to another server", [(0, .answers("BBA"), .move("B"))]),
        ("no majority leads nowhere", [(0, .answers("BA"), .ask(1000)), (1000, .answers("BCA"), .ask(2000))]),
        (
            "answers lead to another server once a second at most, and none is forgotten",
            [(0, .answers("B"), .move("B")), (300, .answers("C"), .ask(1000)), (1000, .answers("C"), .move("C"))]
        ),
        (
            "a report does not wait for the pause of answers, and a late one of what they led to moves nothing",
            [
                (0, .answers("B"), .move("B")), (300, .report("1", "B", "C"), .move("C")),
                (400, .report("2", "A", "B"), .ask(400)),
            ]
        ),
    ]

    @Test("reports, answers and what comes of them", arguments: table.indices)
    func choices(_ row: Int) {
        let (name, steps) = Self.table[row]
        var choice = PrimaryChoice()
        #expect(Self.outcome(choice.answered([Self.server("A")], at: Self.time(0))) == .move("A"))
        for (number, (at, input, expected)) in steps.enumerated() {
            let now = Self.time(at)
            let verdict =
                switch input {
                case .report(let sentinel, let old, let new):
                    choice.reported(Self.server(old), to: Self.server(new), by: Self.server(sentinel), at: now)
                case .answers(let named): choice.answered(named.map { Self.server(String($0)) }, at: now)
                case .due: choice.due(at: now)
                }
            #expect(Self.outcome(verdict) == expected, "\(name): step \(number)")
        }
    }

    @Test("any report is the first if there was none")
    func first() {
        var choice = PrimaryChoice()
        let verdict = choice.reported(Self.server("A"), to: Self.server("B"), by: Self.server("1"), at: Self.time(0))
        #expect(Self.outcome(verdict) == .move("B"))
    }

    @Test("without bound in time and number, reports do not grow the memory: late ones are recognized for 30 s")
    func bounds() {
        var choice = PrimaryChoice()
        _ = choice.answered([Self.server("A")], at: Self.time(0))
        for number in 0..<1000 as Range<UInt64> {
            let (old, new) = number.isMultiple(of: 2) ? ("A", "B") : ("B", "A")
            let verdict = choice.reported(
                Self.server(old), to: Self.server(new), by: Self.server("1"), at: Self.time(number * 100))
            #expect(Self.outcome(verdict) == .move(new))
        }
        // Another sentinel, 40 s later.
        let verdict = choice.reported(
            Self.server("A"), to: Self.server("B"), by: Self.server("2"), at: Self.time(140_000))
        #expect(Self.outcome(verdict) == .move("B"))
    }
}
