// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Logging
import Reactor
import Synchronization

/// Keeps the used tokens and the ended sessions of a gate over its restarts, in files of a directory (`state.directory`).
///
/// What is recorded is acknowledged when it is on the disk. All that comes while the disk is busy is written and synced at
/// once. No loop but the journal's own ever waits for the disk.
package final class StateJournal: Sendable {
    /// The sessions that had ended when the journal was read.
    package let endedSessions: [Revocation]
    private let report: JournalReport
    /// Of what an earlier process recorded.
    let gap: JournalGap
    private let clock: @Sendable () -> ClockReading
    private let loop = EventLoop(label: "sidegate.state")
    private let driver: LoopBound<JournalDriver>
    private let limits: JournalLimits
    private let waiting = Mutex<[JournalWriter.Work]>([])

    /// Reads what is there, and blocks meanwhile; then writes on a loop of its own. Never fails: a journal that cannot be
    /// read is set aside, and what cannot be written is reported.
    ///
    /// - Parameters:
    ///   - place: of the disk, for the log.
    ///   - secrets: the first writes, all read.
    ///   - boot: identifies the machine's boot, 16 bytes; others: unknown.
    ///   - tokens: gets the used tokens, and is what a new file is written from.
    ///   - consequence: what happens to sign-ins while nothing can be written, for the log.
    package init(
        on disk: any JournalDisk, place: String, secrets: [[UInt8]], boot: [UInt8], tokens: MemoryReplayStore,
        limits: JournalLimits = JournalLimits(), consequence: String, logger: Logger,
        clock: @escaping @Sendable () -> ClockReading = StateJournal.systemClock
    ) {
        let report = JournalReport(place: place, consequence: consequence, logger: logger)
        let secrets = JournalSecrets(secrets)
        let boot = boot.count == JournalHeader.bootByteCount ? boot : JournalHeader.unknownBoot
        let stored = StoredJournal(on: disk, secrets, boot: boot, into: tokens, now: clock())
        report.found(stored.notice)
        self.report = report
        self.clock = clock
        self.limits = limits
        endedSessions = stored.sessions.all
        gap = JournalGap(end: stored.completeSince)
        let writer = JournalWriter(
            stored, on: disk, secrets, boot: boot, tokens: tokens, limits: limits, clock: clock, report: report)
        let driver = loop.bind(JournalDriver(writer, loop: loop, retryInterval: limits.retryInterval))
        self.driver = driver
        loop.submit { driver.assumeOnLoop { $0.run(driver) } }
    }

    package var figures: JournalReport.Figures { report.figures }

    /// Records used tokens until `retention` is over.
    ///
    /// - Parameter done: called exactly once, on any thread: true when they are on the disk.
    package func record(
        _ keys: [[UInt8]], for retention: Retention, now: ClockReading, _ done: @escaping @Sendable (Bool) -> Void
    ) {
        let expiry = retention.expiry(from: now)
        let tokens = keys.map { (digest: MemoryReplayStore.digest(of: $0), expiry: expiry) }
        write(JournalWriter.Work(tokens: tokens, done))
    }

    /// Records ended sessions. `done` as above.
    package func record(_ revocation: Revocation, _ done: @escaping @Sendable (Bool) -> Void) {
        let now = clock()
        let expiry = revocation.retention(now: now.wall).expiry(from: now)
        write(JournalWriter.Work(revocation, until: expiry, done))
    }

    /// Writes everything again when the first secret is another one.
    package func replace(secrets: [[UInt8]]) {
        let secrets = JournalSecrets(secrets)
        loop.submit { [driver] in driver.assumeOnLoop { $0.run(driver) { $0.replace(secrets) } } }
    }

    private func write(_ work: JournalWriter.Work) {
        let position = waiting.withLock { waiting -> Int? in
            guard waiting.count < limits.waiting else { return nil }
            waiting.append(work)
            return waiting.count
        }
        guard let position else { return work.done(false) }
        guard position == 1 else { return }
        loop.submit { [self] in
            let batch = waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            driver.assumeOnLoop { $0.run(driver) { $0.write(batch) } }
        }
    }

    /// The clocks of this machine.
    package static let systemClock: @Sendable () -> ClockReading = {
        ClockReading(wall: wallClockNow(), monotonic: MonotonicTime.current().seconds)
    }
}
