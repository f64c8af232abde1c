// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Synchronization
import TestSupport
import Testing

@Suite("The memory of used tokens")
struct UsedTokenTests {
    private func key(_ number: Int) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private func clock(_ seconds: Double) -> ClockReading { ClockReading(wall: seconds, monotonic: seconds) }

    @Test("no call looks at or moves more than a bounded number of entries, however many there are")
    func bounded() {
        let count = 40_000
        let store = MemoryReplayStore(capacity: count)
        var most: UInt64 = 0
        func use(_ number: Int, until end: Double, now: Double) -> ReplayVerdict {
            let before = store.touchedCount
            defer { most = max(most, store.touchedCount - before) }
            return store.consume([key(number)], for: Retention(until: end, now: now), now: clock(now))
        }
        // It grows to its limit.
        var fresh = 0
        for number in 0..<count where use(number, until: 600 + Double(number % 7), now: 0) == .fresh { fresh += 1 }
        #expect(fresh == count && store.count == count)
        #expect(use(count, until: 600, now: 1) == .full)
        // All end at once, and others take their places.
        fresh = 0
        for number in count..<(2 * count) where use(number, until: 5000, now: 1000) == .fresh { fresh += 1 }
        #expect(fresh == count && store.count == count)
        // The clock is set back: each must be looked at again.
        for number in 0..<2000 {
            let before = store.touchedCount
            let wall = ClockReading(wall: 2000, monotonic: 6000)
            #expect(
                store.consume([key(-number)], for: Retention(until: 5000, now: 2000), now: wall) == .full)
            most = max(most, store.touchedCount - before)
        }
        // 32 removals, each along the height of a heap and a bucket; far from 40,000.
        #expect(most < 32 * (16 + 16) + 200, "a call touched \(most) entries")
    }

    @Test("what it remembers is what a dictionary would, under random use")
    func model() {
        var random = SeededGenerator(seed: 20_261_130)
        let store = MemoryReplayStore(capacity: 300)
        var model: [Int: Double] = [:]
        var now = 0.0
        for _ in 0..<20_000 {
            now += Double(Int.random(in: 0...3, using: &random)) / 4
            model = model.filter { $0.value > now }
            let keys = (0..<Int.random(in: 1...2, using: &random)).map { _ in Int.random(in: 0..<500, using: &random) }
            let end = now + Double(Int.random(in: 1...400, using: &random))
            let verdict = store.consume(keys.map(key), for: Retention(until: end, now: now), now: clock(now))
            if keys.contains(where: { model[$0] != nil }) {
                #expect(verdict == .replayed)
            } else if verdict == .fresh {
                for key in keys { model[key] = end }
            } else {
                // Expired ones are removed a few at a time, more than come.
                #expect(verdict == .full && model.count + keys.count > 300 - 32)
            }
            store.removeExpired(clock(now))
            #expect(store.count == model.count)
        }
        for number in 0..<500 { #expect(store.isUsed([key(number)]) == (model[number] != nil)) }
    }

    @Test("when it is full it says so each time, counts the tokens, and has room again when some have expired")
    func full() {
        let reports = Mutex<[MemoryReplayStore.Figures]>([])
        let store = MemoryReplayStore(capacity: 2) { figures, _ in reports.withLock { $0.append(figures) } }
        func use(_ number: Int, until end: Double, now: Double) -> ReplayVerdict {
            store.consume([key(number)], for: Retention(until: end, now: now), now: clock(now))
        }
        #expect(use(1, until: 10, now: 0) == .fresh && use(2, until: 20, now: 0) == .fresh)
        #expect(use(3, until: 20, now: 1) == .full && use(4, until: 20, now: 2) == .full)
        #expect(use(1, until: 10, now: 2) == .replayed)
        #expect(reports.withLock { $0.map(\.refused) } == [1, 2])
        #expect(store.figures.entries == 2 && store.figures.capacity == 2 && store.figures.refused == 2)
        #expect(use(3, until: 20, now: 10) == .fresh)
        // Another size, while it is in use: nothing is forgotten.
        store.setCapacity(1)
        #expect(use(5, until: 30, now: 11) == .full && store.isUsed([key(2)]) && store.isUsed([key(3)]))
        store.setCapacity(3)
        #expect(use(5, until: 30, now: 11) == .fresh)
    }
}
