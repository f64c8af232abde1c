// SPDX-License-Identifier: Apache-2.0

import Reactor
import TestSupport
import Testing

@Suite("The timer heap")
struct TimerHeapTests {
    @Test("timers fire in the order of their deadlines, each once")
    func order() {
        let heap = TimerHeap()
        var fired: [Int] = []
        for deadline in [5, 3, 9, 1, 7, 2, 8, 4, 6] { heap.makeTimer { fired.append(deadline) }.set(at(deadline)) }
        #expect(heap.earliest == at(1))
        heap.fire(upTo: at(0))
        #expect(fired.isEmpty)
        heap.fire(upTo: at(6))
        #expect(fired == [1, 2, 3, 4, 5, 6])
        heap.fire(upTo: at(6))
        #expect(fired == [1, 2, 3, 4, 5, 6])
        heap.fire(upTo: at(100))
        #expect(fired == Array(1...9))
        #expect(heap.count == 0)
        #expect(heap.earliest == .distantFuture)
    }

    @Test("a postponed timer does not fire early, and an advanced one not late")
    func moves() {
        let heap = TimerHeap()
        var fired: [String] = []
        let later = heap.makeTimer { fired.append("later") }
        let earlier = heap.makeTimer { fired.append("earlier") }
        let still = heap.makeTimer { fired.append("still") }
        later.set(at(1))
        earlier.set(at(9))
        still.set(at(5))
        later.set(at(7))
        earlier.set(at(3))
        #expect(later.deadline == at(7))
        #expect(heap.earliest <= at(3))
        heap.fire(upTo: at(2))
        #expect(fired == [])
        heap.fire(upTo: at(4))
        #expect(fired == ["earlier"])
        heap.fire(upTo: at(6))
        #expect(fired == ["earlier", "still"])
        heap.fire(upTo: at(8))
        #expect(fired == ["earlier", "still", "later"])
        #expect(later.deadline == .distantFuture, "a timer that fired is off")
    }

    @Test("a timer may be postponed, then advanced again")
    func laterThenEarlier() {
        let heap = TimerHeap()
        var fired = 0
        let timer = heap.makeTimer { fired += 1 }
        timer.set(at(5))
        timer.set(at(9))
        timer.set(at(7))
        heap.fire(upTo: at(6))
        #expect(fired == 0)
        heap.fire(upTo: at(7))
        #expect(fired == 1)
        timer.set(at(8))
        timer.set(at(20))
        timer.set(at(2))
        heap.fire(upTo: at(7))
        #expect(fired == 2)
    }

    @Test("a cancelled timer does not fire and is released")
    func cancel() {
        let heap = TimerHeap()
        var fired: [Int] = []
        var timers: [LoopTimer] = []
        for number in 0..<10 {
            let timer = heap.makeTimer { fired.append(number) }
            timer.set(at(number))
            timers.append(timer)
        }
        for number in [0, 9, 4, 4] { timers[number].cancel() }
        #expect(heap.count == 7)
        heap.fire(upTo: at(100))
        #expect(fired == [1, 2, 3, 5, 6, 7, 8])
        timers[4].set(at(101))
        heap.fire(upTo: at(101))
        #expect(fired.last == 4, "a cancelled timer can be set again")
    }

    @Test("an action may cancel, set and move other timers")
    func changesInside() {
        let heap = TimerHeap()
        var fired: [String] = []
        let cancelled = heap.makeTimer { fired.append("cancelled") }
        let moved = heap.makeTimer { fired.append("moved") }
        let advanced = heap.makeTimer { fired.append("advanced") }
        heap.makeTimer {
            fired.append("first")
            cancelled.cancel()
            moved.set(at(20))
            advanced.set(at(3))
        }.set(at(1))
        cancelled.set(at(2))
        moved.set(at(2))
        advanced.set(at(9))
        heap.fire(upTo: at(4))
        #expect(fired.first == "first")
        #expect(!fired.contains("cancelled") && !fired.contains("moved"))
        heap.fire(upTo: at(5))
        #expect(fired == ["first", "advanced"])
        heap.fire(upTo: at(20))
        #expect(fired == ["first", "advanced", "moved"])
    }

    @Test("a timer that its own action sets again, for now, does not block the loop")
    func againAtOnce() {
        let heap = TimerHeap()
        var fired = 0
        var again: () -> Void = {}
        let timer = heap.makeTimer {
            fired += 1
            if fired < 1000 { again() }
        }
        again = { timer.set(at(5)) }
        timer.set(at(5))
        heap.fire(upTo: at(5))
        #expect(fired == 1)
        #expect(timer.deadline == at(5))
        heap.fire(upTo: at(6))
        #expect(fired == 2)
        timer.cancel()
        again = {}
    }

    @Test(
        "many random changes have the same result as with a plain list of deadlines",
        arguments: 1...20 as ClosedRange<UInt64>)
    func model(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...60, using: &random)
        let heap = TimerHeap()
        var fired: [Int] = []
        // What each timer's action does to another one: by the model's rules, and to the heap.
        let plans = (0..<count).map { _ in
            (other: Int.random(in: 0..<count, using: &random), change: Int.random(in: -3...30, using: &random))
        }
        var deadlines = [Int?](repeating: nil, count: count)
        var timers: [LoopTimer] = []
        var now = 0
        for number in 0..<count {
            timers.append(
                heap.makeTimer {
                    fired.append(number)
                    let plan = plans[number]
                    // Deadlines are made unique by the timer's number, so that the order is always defined.
                    if plan.change < 0 {
                        timers[plan.other].cancel()
                    } else {
                        timers[plan.other].set(at((now + 1 + plan.change) * 64 + plan.other))
                    }
                })
        }
        for _ in 0..<400 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let number = Int.random(in: 0..<count, using: &random)
                let deadline = (now + Int.random(in: -2...40, using: &random)) * 64 + number
                guard deadline >= 0 else { continue }
                timers[number].set(at(deadline))
                deadlines[number] = deadline
            case 6:
                let number = Int.random(in: 0..<count, using: &random)
                timers[number].cancel()
                deadlines[number] = nil
            default:
                now += Int.random(in: 0...10, using: &random)
                let limit = now * 64 + 63
                var expected: [Int] = []
                while let next = deadlines.enumerated().filter({ $0.element ?? .max <= limit })
                    .min(by: { $0.element ?? 0 < $1.element ?? 0 })?.offset
                {
                    expected.append(next)
                    deadlines[next] = nil
                    let plan = plans[next]
                    deadlines[plan.other] = plan.change < 0 ? nil : (now + 1 + plan.change) * 64 + plan.other
                }
                fired = []
                heap.fire(upTo: at(limit))
                try #require(fired == expected)
            }
            let earliest = deadlines.compactMap(\.self).min()
            #expect(heap.earliest <= earliest.map(at) ?? .distantFuture)
            #expect(heap.count == deadlines.compactMap(\.self).count)
            for (timer, deadline) in zip(timers, deadlines) {
                #expect(timer.deadline == deadline.map(at) ?? .distantFuture)
            }
        }
        // The actions retain the timers, and those the actions.
        for timer in timers { timer.cancel() }
        timers = []
    }

    @Test("a distant moment stays distant")
    func saturation() {
        let now = MonotonicTime.current()
        #expect(now.advanced(by: .seconds(.infinity)) > now)
        #expect(now.advanced(by: Nanoseconds(count: .max)) == .distantFuture)
        #expect(Nanoseconds.milliseconds(.max) > .seconds(1e9))
        #expect(Nanoseconds.milliseconds(1500) == .seconds(1.5))
        #expect(Nanoseconds.seconds(-1).count == 0)
        #expect(Nanoseconds.seconds(.nan).count == 0)
        #expect(now.since(now.advanced(by: .seconds(1))).count == 0)
        #expect(now.advanced(by: .seconds(2)).since(now) == .seconds(2))
        #expect(Nanoseconds.seconds(0.25).seconds == 0.25)
    }
}

private func at(_ moment: Int) -> MonotonicTime {
    MonotonicTime(nanoseconds: UInt64(moment))
}
