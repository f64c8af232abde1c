// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import StateJournal
import TestSupport
import Testing

/// The end of the process or of the machine at each moment, and disks that fail.
@Suite("Crashes and failing disks")
struct CrashTests {
    /// New files all the time, in small parts.
    private static var limits: JournalLimits {
        var limits = JournalLimits()
        limits.minimumLength = 700
        limits.entriesPerStep = 3
        return limits
    }

    /// Forty groups of sign-ins, which come in between the steps of new files.
    private static func load(_ bench: Bench) {
        for group in 0..<40 {
            bench.use(group * 3..<group * 3 + 1 + group % 3)
            if group % 4 != 0, bench.writer.next == .step { bench.writer.step() }
            if bench.writer.next == .retry { bench.writer.retry() }
        }
        bench.finish()
    }

    @Test("a crash at any operation loses nothing that was acknowledged", arguments: MemoryDisk.Unsynced.allCases)
    func crashes(_ unsynced: MemoryDisk.Unsynced) {
        var total = 0
        var crashAt = 0
        while true {
            let moment = crashAt
            let disk = MemoryDisk { operation, _ in operation == moment ? .crash : .none }
            let bench = Bench(on: disk, limits: Self.limits)
            Self.load(bench)
            total += bench.acknowledged.count
            let next = Bench(on: MemoryDisk(disk.files(unsynced)), limits: Self.limits)
            #expect(bench.acknowledged.allSatisfy(next.isUsed), "crash at operation \(moment)")
            if unsynced != .zeroed { #expect(next.stored.completeSince == 0, "crash at operation \(moment)") }
            // A crash loop is no way around it.
            next.finish()
            guard disk.hasCrashed else { break }
            crashAt += 1
        }
        #expect(crashAt > 100, "new files were written in between")
        #expect(total > 1000)
    }

    @Test(
        "an operation that fails on a full disk, or a failed sync: not acknowledged, and it goes on",
        arguments: [true, false])
    func failures(_ isFull: Bool) {
        for failing in 0..<160 {
            let disk = MemoryDisk { operation, isSync in
                guard (failing..<failing + 3).contains(operation) else { return .none }
                return isFull ? .full : .syncFails
            }
            let bench = Bench(on: disk, limits: Self.limits)
            Self.load(bench)
            // The failure may come at the end.
            for number in 500..<560 {
                if bench.writer.next == .retry { bench.writer.retry() }
                bench.use(number..<number + 1)
                bench.finish()
            }
            #expect(bench.acknowledged.contains(559), "it has recovered from operation \(failing)")
            let next = Bench(on: MemoryDisk(disk.files(.lost)), limits: Self.limits)
            #expect(bench.acknowledged.allSatisfy(next.isUsed), "failure at operation \(failing)")
            #expect(next.stored.completeSince == 0, "failure at operation \(failing)")
        }
    }

    @Test("a crash while a damaged file is replaced: the next start knows of the damage, and of what could be read")
    func replacement() throws {
        let disk = MemoryDisk()
        let first = Bench(on: disk)
        first.finish()
        first.use(0..<2)
        first.use(2..<3)
        var wrong = try #require(disk.bytes(of: "journal"))
        wrong[wrong.count - 1] ^= 1
        for moment in 0..<12 {
            let crashing = MemoryDisk(["journal": wrong]) { operation, _ in operation == moment ? .crash : .none }
            Bench(on: crashing).finish()
            let next = Bench(on: MemoryDisk(crashing.files(.lost)))
            #expect(next.isUsed(0) && next.isUsed(1), "crash at operation \(moment)")
            #expect(next.stored.completeSince == Bench.noon, "crash at operation \(moment)")
        }
    }

    @Test("what could not be written is written later, with what comes then")
    func laterOn() {
        // The header's write, its step's sync, the last sync, and the renaming come first.
        let start = MemoryDisk()
        Bench(on: start).finish()
        let first = start.operations
        let disk = MemoryDisk { operation, _ in operation == first ? .full : .none }
        let bench = Bench(on: disk)
        bench.finish()
        bench.use(0..<2)
        #expect(bench.acknowledged == [])
        #expect(bench.report.figures.failures == 1)
        #expect(bench.log.text.contains("cannot be written"))
        bench.use(2..<3)
        bench.finish()
        #expect(bench.acknowledged == [2])
        #expect(bench.log.text.contains("can be written again"))
        let next = Bench(on: MemoryDisk(disk.files(.lost)))
        #expect((0..<3).allSatisfy(next.isUsed))
    }

    @Test("sign-ins are written while a new file is, to the one in use")
    func meanwhile() {
        let disk = MemoryDisk()
        let bench = Bench(on: disk, limits: Self.limits)
        bench.finish()
        bench.use(0..<40)
        #expect(bench.writer.next == .step)
        bench.writer.step()
        bench.use(40..<41)
        #expect(bench.writer.next == .step)
        #expect(bench.acknowledged.contains(40))
        #expect(Bench(on: MemoryDisk(disk.files(.lost))).isUsed(40))
        bench.finish()
        #expect(Bench(on: MemoryDisk(disk.files(.lost))).isUsed(40))
    }
}
