// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import StateJournal
import TestSupport
import Testing

/// What is read of a file that is not what was written.
@Suite("Damaged journals")
struct DamageTests {
    /// A journal of several frames: groups of tokens, and the end of a user's sessions.
    private static func journal() throws -> (bytes: [UInt8], ends: [(length: Int, tokens: Int)]) {
        let disk = MemoryDisk()
        let bench = Bench(on: disk)
        bench.finish()
        var ends: [(length: Int, tokens: Int)] = []
        func note(_ tokens: Int) throws { ends.append((try #require(disk.bytes(of: "journal")).count, tokens)) }
        try note(0)
        for (group, count) in [(0, 1), (1, 3), (4, 2)] {
            bench.use(group..<group + count)
            try note(group + count)
        }
        #expect(bench.end(revocation))
        try note(6)
        return (try #require(disk.bytes(of: "journal")), ends)
    }

    private static let revocation = Revocation(
        subjects: [Array("s:alice".utf8)], revokedAt: Bench.noon, expiresAt: Bench.noon + 3600, user: "alice")

    @Test("all that was written is read")
    func whole() throws {
        let bench = Bench(on: MemoryDisk(["journal": try Self.journal().bytes]))
        #expect((0..<6).allSatisfy(bench.isUsed))
        #expect(!bench.isUsed(6))
        #expect(bench.stored.sessions.all == [Self.revocation])
        #expect(bench.stored.completeSince == 0)
        #expect(bench.writer.next == .nothing, "it is continued, not written again")
    }

    @Test("a file that ends anywhere: every whole frame counts, and the gate starts")
    func truncations() throws {
        let (bytes, ends) = try Self.journal()
        for length in 0..<bytes.count {
            let disk = MemoryDisk(["journal": Array(bytes.prefix(length))])
            let bench = Bench(on: disk)
            let whole = ends.last { $0.length <= length }
            let expected = whole?.tokens ?? 0
            #expect((0..<6).filter(bench.isUsed).count == expected, "\(length) bytes")
            #expect((0..<expected).allSatisfy(bench.isUsed))
            // Within the header it is no torn write: the file has its name only when it is complete.
            #expect((bench.stored.completeSince > 0) == (whole == nil), "\(length) bytes")
            #expect(disk.names().contains { $0.hasPrefix("journal.damaged-") } == (whole == nil), "\(length) bytes")
            bench.finish()
            bench.use(10..<11)
            #expect(bench.acknowledged == [10])
            let next = Bench(on: MemoryDisk(disk.files(.lost)))
            #expect((0..<expected).allSatisfy(next.isUsed) && next.isUsed(10), "\(length) bytes")
        }
    }

    @Test("a single wrong bit anywhere: set aside, nothing but what was written is read, and the gate starts")
    func bits() throws {
        let (bytes, ends) = try Self.journal()
        let header = try #require(ends.first).length
        for index in bytes.indices {
            for bit in 0..<8 {
                var wrong = bytes
                wrong[index] ^= 1 << UInt8(bit)
                let disk = MemoryDisk(["journal": wrong])
                let bench = Bench(on: disk)
                let place = "bit \(bit) of byte \(index)"
                // One frame is missing at most, or all of them with the header.
                let frame = ends.dropFirst().firstIndex { index < $0.length }
                for (number, group) in [0, 1, 1, 1, 2, 2].enumerated() {
                    let isLost = index < header || frame == group + 1
                    #expect(bench.isUsed(number) == !isLost, "\(place), token \(number)")
                }
                #expect(!bench.isUsed(6))
                #expect(bench.stored.sessions.all.allSatisfy { $0 == Self.revocation }, "\(place)")
                #expect(bench.stored.completeSince == Bench.noon, "\(place)")
                #expect(disk.names().contains("journal.damaged-\(Int(Bench.noon))"), "\(place)")
                #expect(disk.bytes(of: "journal.damaged-\(Int(Bench.noon))") == wrong)
            }
        }
    }

    @Test("a frame that is missing, or comes twice, is damage")
    func frames() throws {
        let (bytes, ends) = try Self.journal()
        let (first, second) = (ends[1].length, ends[2].length)
        let missing = Array(bytes[..<first] + bytes[second...])
        #expect(Bench(on: MemoryDisk(["journal": missing])).stored.completeSince > 0)
        let twice = Array(bytes[..<second] + bytes[first...])
        #expect(Bench(on: MemoryDisk(["journal": twice])).stored.completeSince > 0)
    }

    @Test("tokens issued before the damage was found may have been used")
    func uncertainty() throws {
        var wrong = try Self.journal().bytes
        wrong[wrong.count - 1] ^= 1
        let disk = MemoryDisk(["journal": wrong])
        let bench = Bench(on: disk)
        #expect(bench.log.text.contains("set aside"))
        bench.finish()
        // Also after the next restart.
        let later = Bench(on: MemoryDisk(disk.files(.lost)))
        #expect(later.stored.completeSince == Bench.noon)
        let gap = JournalGap(end: later.stored.completeSince)
        #expect(gap.covers(Self.issued(Bench.noon - 1), now: Bench.noon + 60))
        #expect(!gap.covers(Self.issued(Bench.noon + 1), now: Bench.noon + 60))
        #expect(!gap.covers(Self.issued(nil), now: Bench.noon + 60))
        // The clock was far ahead when it was found.
        #expect(!gap.covers(Self.issued(Bench.noon - 1), now: Bench.noon - 7200))
    }

    private static func issued(_ time: Double?) -> Retention {
        Retention(until: Bench.noon + 300, issuedAt: time, now: Bench.noon)
    }

    @Test("of damaged files a few are kept")
    func keptFiles() throws {
        var files: [String: [UInt8]] = [:]
        for round in 0..<6 {
            let time = Bench.noon + Double(round)
            files["journal"] = [1, 2, 3]
            let disk = MemoryDisk(files)
            Bench(on: disk, clock: { ClockReading(wall: time, monotonic: 1000) }).finish()
            files = disk.files(.lost)
        }
        let kept = files.keys.filter { $0.hasPrefix("journal.damaged-") }.sorted()
        #expect(kept == (3..<6).map { "journal.damaged-\(Int(Bench.noon) + $0)" })
    }

    @Test("another secret, and one that was replaced")
    func secrets() throws {
        let bytes = try Self.journal().bytes
        let other = [UInt8](repeating: 8, count: 32)
        let foreign = Bench(on: MemoryDisk(["journal": bytes]), secrets: [other])
        #expect(!(0..<6).contains(where: foreign.isUsed))
        #expect(foreign.stored.completeSince == Bench.noon)
        #expect(foreign.log.text.contains("another session.secret"))

        let disk = MemoryDisk(["journal": bytes])
        let rotated = Bench(on: disk, secrets: [other, Bench.secret])
        #expect((0..<6).allSatisfy(rotated.isUsed))
        #expect(rotated.stored.completeSince == 0)
        rotated.finish()
        let after = Bench(on: MemoryDisk(disk.files(.lost)), secrets: [other])
        #expect((0..<6).allSatisfy(after.isUsed))
        #expect(after.stored.sessions.all == [Self.revocation])

        let reloaded = Bench(on: disk, secrets: [other])
        reloaded.writer.replace(JournalSecrets([Bench.secret, other]))
        reloaded.finish()
        #expect((0..<6).allSatisfy(Bench(on: MemoryDisk(disk.files(.lost)), secrets: [Bench.secret]).isUsed))
    }

    @Test("neither names nor tokens stand in the file")
    func clearText() throws {
        let text = String(decoding: try Self.journal().bytes, as: Unicode.ASCII.self)
        #expect(!text.contains("alice") && !text.contains("token"))
    }
}
