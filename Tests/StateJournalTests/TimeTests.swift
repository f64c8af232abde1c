// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import StateJournal
import Synchronization
import TestSupport
import Testing

/// Clocks, sizes, and the loop that waits for the disk.
@Suite("Journals over time", .timeLimit(.minutes(5)))
struct TimeTests {
    /// A disk with one token that was used at noon, when the monotonic clock was at 1000, and ends five minutes later.
    private static func disk() -> MemoryDisk {
        let disk = MemoryDisk()
        let bench = Bench(on: disk)
        bench.finish()
        bench.use(0..<1)
        return MemoryDisk(disk.files(.lost))
    }

    @Test(
        "a clock that jumps over a restart lets no token in again",
        arguments: [
            // After 100 seconds, or what a wrong clock makes of them.
            (100.0, 1100.0, true), (31_536_000, 1100, true), (-31_536_000, 1100, true),
            // The machine was started in between.
            (100, 20, false), (31_536_000, 20, false), (31_536_000, 5000, false), (-31_536_000, 20, false),
            // The same, where the kernel does not say so.
            (31_536_000, 20, true),
        ])
    func jumps(_ wall: Double, _ monotonic: Double, _ isSameBoot: Bool) {
        let boot = isSameBoot ? Bench.boot : [UInt8](repeating: 1, count: 16)
        let clock = Mutex(ClockReading(wall: Bench.noon + wall, monotonic: monotonic))
        let bench = Bench(on: Self.disk(), boot: boot, clock: { clock.withLock { $0 } })
        #expect(bench.isUsed(0))
        // The clock is set right.
        bench.tokens.removeExpired(ClockReading(wall: Bench.noon + 100, monotonic: monotonic + 1))
        #expect(bench.isUsed(0))
        bench.tokens.removeExpired(ClockReading(wall: Bench.noon + 1000, monotonic: monotonic + 301))
        #expect(!bench.isUsed(0))
    }

    @Test("restarts do not extend the time for which a token is remembered")
    func restarts() {
        var disk = Self.disk()
        for round in 1...4 {
            let clock = ClockReading(wall: Bench.noon + Double(round) * 70, monotonic: 1000 + Double(round) * 70)
            #expect(Bench(on: disk, clock: { clock }).isUsed(0))
            disk = MemoryDisk(disk.files(.lost))
        }
        #expect(!Bench(on: disk, clock: { ClockReading(wall: Bench.noon + 301, monotonic: 1301) }).isUsed(0))
    }

    @Test("the file does not grow with tokens that expire")
    func growth() throws {
        let disk = MemoryDisk()
        let seconds = Mutex(0.0)
        var limits = JournalLimits()
        limits.minimumLength = 16_384
        let bench = Bench(
            on: disk, limits: limits,
            clock: {
                let second = seconds.withLock { $0 }
                return ClockReading(wall: Bench.noon + second, monotonic: 1000 + second)
            })
        bench.finish()
        for number in 0..<4000 {
            seconds.withLock { $0 += 1 }
            // About 60 are remembered at a time.
            bench.use(number..<number + 1, until: Bench.noon + Double(number) + 61)
            bench.finish()
        }
        #expect(bench.acknowledged.count == 4000)
        #expect(disk.longest < 2 * 16_384)
        #expect(disk.names() == ["journal"])
    }

    @Test("as many tokens as are remembered by default are read back")
    func size() throws {
        let disk = MemoryDisk()
        let memory = MemoryReplayStore()
        let clock = ClockReading(wall: Bench.noon, monotonic: 1000)
        for number in 0..<200_000 {
            _ = memory.consume(
                [Bench.key(number)], for: Retention(until: Bench.noon + 300, now: Bench.noon), now: clock)
        }
        let secrets = JournalSecrets([Bench.secret])
        let report = JournalReport(place: "memory", consequence: "none", logger: TestLog().logger)
        let writer = JournalWriter(
            StoredJournal(on: disk, secrets, boot: Bench.boot, into: MemoryReplayStore(), now: clock), on: disk,
            secrets,
            boot: Bench.boot, tokens: memory, limits: JournalLimits(), clock: { clock }, report: report)
        while writer.next == .step { writer.step() }
        let bytes = try #require(disk.bytes(of: "journal"))
        #expect(bytes.count < 200_000 * 64)
        let read = MemoryReplayStore(capacity: 10)
        _ = StoredJournal(on: MemoryDisk(["journal": bytes]), secrets, boot: Bench.boot, into: read, now: clock)
        #expect(read.count == 200_000, "all of them, whatever the capacity is now")
    }

    @Test("ended sessions of the same user take one place")
    func endedSessions() {
        let disk = MemoryDisk()
        let bench = Bench(on: disk)
        bench.finish()
        for second in 0..<50 {
            let time = Bench.noon + Double(second)
            #expect(
                bench.end(
                    Revocation(
                        subjects: [Array("s:alice".utf8)], revokedAt: time, expiresAt: time + 3600, user: "alice")))
        }
        let found = Bench(on: MemoryDisk(disk.files(.lost))).stored.sessions.all
        #expect(found.map(\.revokedAt) == [Bench.noon + 49])
    }

    @Test("while the disk stalls nobody but those who wait for it waits; then one sync is enough for all of them")
    func stall() async throws {
        let isStalled = Mutex(false)
        let barrier = Barrier()
        let syncs = Count()
        let reached = Mailbox<Void>()
        let disk = MemoryDisk { _, isSync in
            guard isSync, isStalled.withLock({ $0 }) else { return .none }
            if syncs.increment() == 0 { reached.send() }
            barrier.wait()
            return .none
        }
        let memory = MemoryReplayStore()
        let log = TestLog()
        let journal = StateJournal(
            on: disk, place: "memory", secrets: [Bench.secret], boot: Bench.boot, tokens: memory,
            consequence: "none", logger: log.logger,
            clock: { ClockReading(wall: Bench.noon, monotonic: 1000) })
        let store = JournaledReplayStore(memory, journal)
        let verdicts = Mailbox<ReplayVerdict>()
        func consume(_ number: Int) {
            store.consume(
                ReplayKeys(Bench.key(number)), for: Retention(until: Bench.noon + 300, now: Bench.noon),
                now: ClockReading(wall: Bench.noon, monotonic: 1000)
            ) { verdicts.send($0) }
        }
        consume(0)
        #expect(try await verdicts.next() == .fresh)
        isStalled.withLock { $0 = true }
        consume(1)
        try await reached.next()
        // These calls return, and a used token is refused at once.
        for number in 2..<100 { consume(number) }
        #expect(verdicts.isEmpty)
        consume(0)
        #expect(try await verdicts.next() == .replayed)
        barrier.open()
        #expect(try await verdicts.next(99).allSatisfy { $0 == .fresh })
        #expect(syncs.now == 2)
    }

    @Test("what waits is bounded")
    func bound() async throws {
        let barrier = Barrier()
        let disk = MemoryDisk { _, isSync in
            if isSync { barrier.wait() }
            return .none
        }
        var limits = JournalLimits()
        limits.waiting = 10
        let memory = MemoryReplayStore()
        let journal = StateJournal(
            on: disk, place: "memory", secrets: [Bench.secret], boot: Bench.boot, tokens: memory, limits: limits,
            consequence: "none", logger: TestLog().logger,
            clock: { ClockReading(wall: Bench.noon, monotonic: 1000) })
        let store = JournaledReplayStore(memory, journal)
        let verdicts = Mailbox<ReplayVerdict>()
        for number in 0..<40 {
            store.consume(
                ReplayKeys(Bench.key(number)), for: Retention(until: Bench.noon + 300, now: Bench.noon),
                now: ClockReading(wall: Bench.noon, monotonic: 1000)
            ) { verdicts.send($0) }
        }
        let refused = try await verdicts.next(20)
        #expect(refused.allSatisfy { $0 == .unavailable })
        barrier.open()
        _ = try await verdicts.next(20)
        #expect(memory.count == 40, "none of them can be tried again")
    }
}
