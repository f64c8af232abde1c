// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor

/// Writes one journal, on a loop of its own, whose thread blocks on the disk.
///
/// Entries are appended to the current file. When it has grown, and after an error that leaves it uncertain, all that is
/// remembered goes into a new file, which then takes its place: a part at a time, so that entries that come meanwhile do
/// not wait for all of it.
package final class JournalWriter {
    /// What is to be written, and who waits for it.
    package struct Work: Sendable {
        fileprivate let tokens: [(digest: [UInt8], expiry: Expiry)]
        fileprivate let revocation: (revocation: Revocation, expiry: Expiry)?
        /// Called on the loop: true when it is on the disk.
        let done: @Sendable (Bool) -> Void

        package init(
            tokens: [(digest: [UInt8], expiry: Expiry)], _ done: @escaping @Sendable (Bool) -> Void
        ) {
            self.tokens = tokens
            revocation = nil
            self.done = done
        }

        package init(_ revocation: Revocation, until expiry: Expiry, _ done: @escaping @Sendable (Bool) -> Void) {
            tokens = []
            self.revocation = (revocation, expiry)
            self.done = done
        }
    }

    private enum Condition {
        case appending(JournalSegment)
        /// A new file is being written.
        ///
        /// - Parameters:
        ///   - from: the file that it replaces, to which entries are appended meanwhile; nil: there is none that is sound.
        ///   - waiting: without such a file, those who wait until the new one is in its place.
        case rewriting(JournalRewrite, from: JournalSegment?, waiting: [Work])
        /// Nothing can be written until the next attempt to write a new file.
        case failed
    }

    private let disk: any JournalDisk
    private let boot: [UInt8]
    private let tokens: MemoryReplayStore
    private let limits: JournalLimits
    private let clock: () -> ClockReading
    private let report: JournalReport
    private let completeSince: Double
    private var secrets: JournalSecrets
    private var sessions: EndedSessions
    private var condition = Condition.failed
    /// The current file is to be replaced when it has this length.
    private var rewriteLength: Int
    /// The current file does not hold all that is remembered.
    private var isIncomplete = false

    /// What is to be called next, besides ``write(_:)``.
    package enum Next: Equatable {
        case nothing
        /// ``step()``, after what has come in meanwhile.
        case step
        /// ``retry()``, after the interval.
        case retry
    }

    package init(
        _ stored: StoredJournal, on disk: any JournalDisk, _ secrets: JournalSecrets, boot: [UInt8],
        tokens: MemoryReplayStore, limits: JournalLimits, clock: @escaping () -> ClockReading, report: JournalReport
    ) {
        self.disk = disk
        self.secrets = secrets
        self.boot = boot
        self.tokens = tokens
        self.limits = limits
        self.clock = clock
        self.report = report
        completeSince = stored.completeSince
        sessions = stored.sessions
        rewriteLength = limits.minimumLength
        if case .appendable(let sealer, let length) = stored.state,
            let file = try? disk.append(to: JournalNames.current, after: length)
        {
            condition = .appending(JournalSegment(file, sealer, length: length))
            report.opened(length: length)
        } else {
            beginRewrite(from: nil, waiting: [])
        }
    }

    package var next: Next {
        switch condition {
        case .appending: .nothing
        case .rewriting: .step
        case .failed: .retry
        }
    }

    /// Writes all of `batch` at once.
    package func write(_ batch: [Work]) {
        let now = clock()
        let work = remember(batch, now)
        guard !work.isEmpty else { return }
        switch condition {
        case .appending(let segment):
            append(work, to: segment, now)
        case .rewriting(let rewrite, let segment?, let waiting):
            appendMeanwhile(work, to: segment, rewrite, waiting, now)
        case .rewriting(let rewrite, nil, let waiting):
            guard waiting.count + work.count <= limits.waiting else { return complete(work, isWritten: false) }
            rewrite.add(entries(work, now))
            condition = .rewriting(rewrite, from: nil, waiting: waiting + work)
        case .failed:
            complete(work, isWritten: false)
        }
    }

    /// The first secret has changed: what is on the disk is sealed again.
    package func replace(_ secrets: JournalSecrets) {
        self.secrets = secrets
        switch condition {
        case .appending(let segment): beginRewrite(from: segment, waiting: [])
        case .rewriting(_, let segment, let waiting): beginRewrite(from: segment, waiting: waiting)
        case .failed: return
        }
    }

    /// Writes the next part of a new file.
    package func step() {
        guard case .rewriting(let rewrite, let segment, let waiting) = condition else { return }
        do throws(SystemError) {
            guard try rewrite.step(tokens) else { return }
            let finished = try rewrite.finish()
            condition = .appending(finished)
            isIncomplete = false
            rewriteLength = limits.rewriteLength(live: finished.length)
            report.written(length: finished.length)
            complete(waiting, isWritten: true)
        } catch {
            report.failed(error)
            // When the new file may be in its place, the old one is no longer the current one.
            leave(to: rewrite.mayBeInPlace ? nil : segment, waiting)
        }
    }

    /// Tries again to write a new file.
    package func retry() {
        guard case .failed = condition else { return }
        beginRewrite(from: nil, waiting: [])
    }

    // MARK: Appending

    private func append(_ work: [Work], to segment: JournalSegment, _ now: ClockReading) {
        var segment = segment
        do throws(SystemError) {
            try segment.append(entries(work, now))
        } catch {
            report.failed(error)
            isIncomplete = true
            return leave(to: segment, work)
        }
        condition = .appending(segment)
        report.written(length: segment.length)
        complete(work, isWritten: true)
        if isIncomplete || segment.length >= rewriteLength { beginRewrite(from: segment, waiting: []) }
    }

    private func appendMeanwhile(
        _ work: [Work], to segment: JournalSegment, _ rewrite: JournalRewrite, _ waiting: [Work], _ now: ClockReading
    ) {
        var segment = segment
        let entries = entries(work, now)
        rewrite.add(entries)
        do throws(SystemError) {
            try segment.append(entries)
        } catch {
            report.failed(error)
            condition = .rewriting(rewrite, from: segment.isSound ? segment : nil, waiting: waiting)
            return complete(work, isWritten: false)
        }
        condition = .rewriting(rewrite, from: segment, waiting: waiting)
        report.written(length: segment.length)
        complete(work, isWritten: true)
    }

    /// Adds ended sessions to those that are remembered, and answers those for which there is no room.
    private func remember(_ batch: [Work], _ now: ClockReading) -> [Work] {
        batch.filter { work in
            guard let ended = work.revocation, !sessions.add(ended.revocation, ended.expiry, now: now) else {
                return true
            }
            work.done(false)
            return false
        }
    }

    private func entries(_ work: [Work], _ now: ClockReading) -> [JournalEntry] {
        work.flatMap { item in
            item.tokens.map { JournalEntry.token(digest: $0.digest, JournalTimes($0.expiry, now: now)) }
                + (item.revocation.map { [secrets.entry($0.revocation, $0.expiry, now: now)] } ?? [])
        }
    }

    // MARK: A new file

    private func beginRewrite(from segment: JournalSegment?, waiting: [Work]) {
        let now = clock()
        let sessions = sessions.live(now).map { secrets.entry($0.revocation, $0.expiry, now: now) }
        do throws(SystemError) {
            let rewrite = try JournalRewrite(
                on: disk, secrets.keys, boot: boot, completeSince: completeSince, sessions, limits, now: now)
            // Tokens are read from their table, these from nowhere else.
            rewrite.add(entries(waiting, now))
            condition = .rewriting(rewrite, from: segment, waiting: waiting)
        } catch {
            report.failed(error)
            leave(to: segment, waiting)
        }
    }

    /// Goes on with a file, if it is sound. What it does not hold is not acknowledged.
    private func leave(to segment: JournalSegment?, _ work: [Work]) {
        if let segment, segment.isSound {
            condition = .appending(segment)
            // Not again at once: the disk is likely to be full.
            rewriteLength = max(rewriteLength, limits.rewriteLength(live: segment.length))
        } else {
            condition = .failed
        }
        complete(work, isWritten: false)
    }

    private func complete(_ work: [Work], isWritten: Bool) {
        for item in work { item.done(isWritten) }
    }
}

extension JournalSecrets {
    fileprivate func entry(_ revocation: Revocation, _ expiry: Expiry, now: ClockReading) -> JournalEntry {
        .revocation(sealed: coding.seal(revocation), JournalTimes(expiry, now: now))
    }
}
