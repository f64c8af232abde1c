// SPDX-License-Identifier: Apache-2.0

import Reactor
import Sidecar
import Testing

@Suite("When key sets are fetched")
struct KeyRefreshScheduleTests {
    enum Event: Equatable, Sendable {
        case time(begins: Bool)
        case wanted(KeyRefreshSchedule.Demand)
        case succeeded(maxAge: Double? = nil, chance: Double = 0)
        case failed(chance: Double = 1)
    }

    /// Events at seconds, and when the next fetch is due after each; nil: not while one is on its way.
    struct Script: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let steps: [(at: Double, event: Event, due: Double?)]
    }

    @Test("events at their times begin the fetches they should", arguments: Self.scripts)
    func script(_ script: Script) {
        var schedule = KeyRefreshSchedule()
        let start = MonotonicTime(nanoseconds: 1_000_000_000_000)
        for (index, step) in script.steps.enumerated() {
            let now = start.advanced(by: .seconds(step.at))
            switch step.event {
            case .time(let expected):
                let begins = schedule.timeCame(now)
                #expect(begins == expected, "step \(index)")
            case .wanted(let expected):
                let demand = schedule.keyWanted(now)
                #expect(demand == expected, "step \(index)")
            case .succeeded(let age, let chance): schedule.succeeded(now, maxAge: age, chance: chance)
            case .failed(let chance): schedule.failed(now, chance: chance)
            }
            #expect(schedule.isFetching == (step.due == nil), "step \(index)")
            let due = step.due.map { start.advanced(by: .seconds($0)) } ?? .distantFuture
            #expect(schedule.due == due, "step \(index)")
        }
    }

    @Test(
        "those who sign in have a budget of their own: four fetches at once, then one in two seconds, and none is refused"
    )
    func proven() {
        var schedule = KeyRefreshSchedule()
        let start = MonotonicTime(nanoseconds: 1_000_000_000_000)
        for (second, isProven, expected) in [
            // Strangers take nothing from them, nor they from strangers.
            (0, false, KeyRefreshSchedule.Demand.fetch), (1, false, .refuse),
            (2, true, .fetch), (2, true, .fetch), (2.5, true, .fetch), (2.5, true, .fetch), (2.5, false, .refuse),
            // The fifth waits for its share of the budget, and so do all that come meanwhile.
            (3, true, .later), (3.5, true, .join), (3.9, false, .refuse),
        ] as [(Double, Bool, KeyRefreshSchedule.Demand)] {
            let now = start.advanced(by: .seconds(second))
            let demand = schedule.keyWanted(now, isProven: isProven)
            #expect(demand == expected, "\(second)")
            if demand == .fetch { schedule.succeeded(now, maxAge: nil, chance: 0) }
        }
        #expect(schedule.isPromised && !schedule.isFetching)
        #expect(schedule.due == start.advanced(by: .seconds(4)))
        let begins = schedule.timeCame(schedule.due)
        #expect(begins && schedule.isFetching && !schedule.isPromised)
        schedule.succeeded(schedule.due, maxAge: nil, chance: 0)
    }

    @Test("a promised fetch comes at its time, at the latest: any other before it will do")
    func promised() {
        let start = MonotonicTime(nanoseconds: 1_000_000_000_000)
        func spent(due: Double) -> KeyRefreshSchedule {
            var schedule = KeyRefreshSchedule()
            for _ in 0..<4 {
                let demand = schedule.keyWanted(start, isProven: true)
                #expect(demand == .fetch)
                schedule.succeeded(start, maxAge: due, chance: 0)
            }
            let demand = schedule.keyWanted(start, isProven: true)
            #expect(demand == .later && schedule.due == start.advanced(by: .seconds(2)))
            return schedule
        }
        // A stranger's.
        var schedule = spent(due: 600)
        let demand = schedule.keyWanted(start.advanced(by: .seconds(1)))
        #expect(demand == .fetch && !schedule.isPromised)
        schedule.succeeded(start.advanced(by: .seconds(1)), maxAge: nil, chance: 0)
        #expect(schedule.due == start.advanced(by: .seconds(601)))
        // A failure promises nothing.
        schedule = spent(due: 600)
        let begins = schedule.timeCame(start.advanced(by: .seconds(2)))
        #expect(begins)
        schedule.failed(start.advanced(by: .seconds(2)), chance: 1)
        #expect(!schedule.isPromised && !schedule.isFetching)
        // The budget fills up again, and no further.
        for (second, expected) in [
            (100, KeyRefreshSchedule.Demand.fetch), (100, .fetch), (100, .fetch), (100, .fetch), (100, .later),
        ] as [(Double, KeyRefreshSchedule.Demand)] {
            let now = start.advanced(by: .seconds(second))
            let demand = schedule.keyWanted(now, isProven: true)
            #expect(demand == expected)
            if demand == .fetch { schedule.succeeded(now, maxAge: nil, chance: 0) }
        }
    }

    @Test("while nothing is known, the pauses between failures are shorter")
    func impatience() {
        var schedule = KeyRefreshSchedule()
        var (now, pauses): (Double, [Double]) = (0, [])
        for _ in 0..<14 {
            let time = MonotonicTime(nanoseconds: UInt64(now * 1e9))
            let begins = schedule.timeCame(time)
            #expect(begins)
            schedule.failed(time, chance: 1, mostDelay: 15)
            pauses.append(schedule.due.since(time).seconds)
            now += pauses.last ?? 0
        }
        #expect(pauses == [2, 4, 8] + [Double](repeating: 15, count: 11))
    }

    static let scripts: [Script] = [
        Script(
            testDescription: "at once, then by what the response says, within bounds",
            steps: [
                (0, .time(begins: true), nil), (1, .succeeded(maxAge: 300), 301), (300, .time(begins: false), 301),
                (301, .time(begins: true), nil), (302, .succeeded(), 902),
                (902, .time(begins: true), nil), (902, .succeeded(maxAge: 0), 962),
                (962, .time(begins: true), nil), (962, .succeeded(maxAge: 59.9), 1022),
                (1022, .time(begins: true), nil), (1022, .succeeded(maxAge: 1e9), 1022 + 86400),
                (1022 + 86400, .time(begins: true), nil),
            ]),
        Script(
            testDescription: "replicas spread: up to a tenth early, never below the least",
            steps: [
                (0, .time(begins: true), nil), (0, .succeeded(maxAge: 1000, chance: 1), 900),
                (900, .time(begins: true), nil), (900, .succeeded(maxAge: 1000, chance: 0.5), 1850),
                (1850, .time(begins: true), nil), (1850, .succeeded(maxAge: 60, chance: 1), 1910),
                (1910, .time(begins: true), nil), (1910, .succeeded(maxAge: 1000, chance: .nan), 2910),
            ]),
        Script(
            testDescription: "failures wait longer each time, up to five minutes, and half of it by chance",
            steps: [
                (0, .time(begins: true), nil), (0, .failed(), 2), (1.9, .time(begins: false), 2),
                (2, .time(begins: true), nil), (2, .failed(), 6),
                (6, .time(begins: true), nil), (6, .failed(), 14),
                (14, .time(begins: true), nil), (14, .failed(chance: 0), 22),
                (22, .time(begins: true), nil), (22, .failed(), 54),
                (54, .time(begins: true), nil), (54, .failed(), 118),
                (118, .time(begins: true), nil), (118, .failed(), 246),
                (246, .time(begins: true), nil), (246, .failed(), 502),
                (502, .time(begins: true), nil), (502, .failed(), 802),
                (802, .time(begins: true), nil), (802, .failed(chance: 0), 952),
                (952, .time(begins: true), nil), (952, .failed(), 1252),
                (1252, .time(begins: true), nil), (1252, .succeeded(), 1852),
                (1852, .time(begins: true), nil), (1852, .failed(), 1854),
            ]),
        Script(
            testDescription: "an unknown key fetches at once, and the next one after ten seconds",
            steps: [
                (0, .time(begins: true), nil), (1, .succeeded(), 601),
                (2, .wanted(.fetch), nil), (2.1, .wanted(.join), nil), (3, .succeeded(), 603),
                (3, .wanted(.refuse), 603), (11.9, .wanted(.refuse), 603), (12, .wanted(.fetch), nil),
                (12, .failed(), 14), (13, .wanted(.refuse), 14), (14, .time(begins: true), nil),
                (15, .wanted(.join), nil), (16, .failed(), 20), (22, .wanted(.fetch), nil),
                (22, .time(begins: false), nil),
            ]),
    ]

    @Test("failures without end never overflow")
    func endless() {
        var schedule = KeyRefreshSchedule()
        var now = MonotonicTime(nanoseconds: 0)
        for _ in 0..<1000 {
            let begins = schedule.timeCame(now)
            #expect(begins)
            schedule.failed(now, chance: 1)
            #expect(schedule.due.since(now) <= .seconds(300))
            now = schedule.due
        }
    }

    @Test(
        "a response gives its freshness lifetime (RFC 9111)",
        arguments: [
            (nil, nil, nil), ("", nil, nil), ("public", nil, nil), ("max-age=300", nil, 300),
            ("public, max-age=300, must-revalidate", nil, 300), ("Max-Age=300", nil, 300),
            ("max-age=\"300\"", nil, 300),
            ("  max-age = 300 ", nil, 300), ("max-age=300", "100", 200), ("max-age=300", "400", 0),
            ("max-age=300", "x", 300), ("max-age=-1", nil, nil), ("max-age=", nil, nil), ("max-age=1e3", nil, nil),
            ("max-age=300, max-age=100", nil, 100), ("no-store", nil, 0), ("no-cache, max-age=300", nil, 0),
            ("max-age=99999999999999999999", nil, 2_147_483_648), ("s-maxage=300", nil, nil),
            ("x-max-age=300", nil, nil), ("max-age=\"", nil, nil),
        ] as [(String?, String?, Double?)])
    func freshness(cacheControl: String?, age: String?, seconds: Double?) {
        #expect(Freshness.maxAge(cacheControl: cacheControl, age: age) == seconds)
    }
}
