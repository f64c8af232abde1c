// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import StateJournal
import Synchronization
import TestSupport
import Testing

/// A process that keeps a journal, without a loop: its writer's steps are the test's.
final class Bench {
    let tokens = MemoryReplayStore(capacity: 100_000)
    let log = TestLog()
    let stored: StoredJournal
    let writer: JournalWriter
    let report: JournalReport
    private let accepted = Numbers()
    private let clock: @Sendable () -> ClockReading

    init(
        on disk: MemoryDisk, secrets: [[UInt8]] = [Bench.secret], boot: [UInt8] = Bench.boot,
        limits: JournalLimits = JournalLimits(),
        clock: @escaping @Sendable () -> ClockReading = { ClockReading(wall: Bench.noon, monotonic: 1000) }
    ) {
        let secrets = JournalSecrets(secrets)
        report = JournalReport(place: "memory", consequence: "none", logger: log.logger)
        stored = StoredJournal(on: disk, secrets, boot: boot, into: tokens, now: clock())
        report.found(stored.notice)
        writer = JournalWriter(
            stored, on: disk, secrets, boot: boot, tokens: tokens, limits: limits, clock: clock, report: report)
        self.clock = clock
    }

    /// The numbers of the tokens that were acknowledged.
    var acknowledged: [Int] { accepted.all }

    /// Uses tokens as a sign-in does, written in one group.
    func use(_ numbers: Range<Int>, until end: Double = Bench.noon + 300) {
        let now = clock()
        let retention = Retention(until: end, now: now.wall)
        let work = numbers.map { number in
            let key = Self.key(number)
            #expect(tokens.consume([key], for: retention, now: now) == .fresh)
            return JournalWriter.Work(
                tokens: [(MemoryReplayStore.digest(of: key), retention.expiry(from: now))]
            ) { [accepted] isWritten in if isWritten { accepted.add(number) } }
        }
        writer.write(work)
    }

    /// Ends sessions.
    func end(_ revocation: Revocation) -> Bool {
        let written = Count()
        let now = clock()
        writer.write([
            JournalWriter.Work(revocation, until: revocation.retention(now: now.wall).expiry(from: now)) { isWritten in
                if isWritten { written.increment() }
            }
        ])
        finish()
        return written.now == 1
    }

    /// Until no new file is being written.
    func finish() {
        while writer.next == .step { writer.step() }
    }

    func isUsed(_ number: Int) -> Bool { tokens.isUsed([Self.key(number)]) }

    static func key(_ number: Int) -> [UInt8] { Array("token \(number)".utf8) }

    static let noon = 1_767_225_600.0
    static let secret = [UInt8](repeating: 7, count: 32)
    static let boot = [UInt8](repeating: 9, count: 16)
}

/// Numbers from closures.
private final class Numbers: Sendable {
    private let numbers = Mutex<[Int]>([])

    var all: [Int] { numbers.withLock { $0 } }

    func add(_ number: Int) { numbers.withLock { $0.append(number) } }
}
