// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor

/// A journal as it was found at the start.
package struct StoredJournal {
    enum State {
        /// It can be continued where it ends.
        case appendable(FrameSealer, length: Int)
        /// What is remembered is to be written to a new file before anything is added.
        case toBeWritten
    }

    /// What its reader has to tell the operator.
    package enum Notice: Sendable {
        /// Nothing was found, as at the first start.
        case new
        case read(tokens: Int, revocations: Int)
        /// The last write was incomplete.
        case torn(tokens: Int, revocations: Int)
        /// - Parameter kept: the name under which the file was set aside; nil: that failed.
        case setAside(cause: String, kept: String?, tokens: Int, revocations: Int)
    }

    let state: State
    package let notice: Notice
    package let sessions: EndedSessions
    /// See ``JournalHeader/completeSince``.
    package let completeSince: Double

    /// Reads the journal on `disk`; used tokens go into `tokens`. Never fails: whatever cannot be read is set aside.
    ///
    /// - Parameter boot: identifies the boot of the machine.
    package init(
        on disk: any JournalDisk, _ secrets: JournalSecrets, boot: [UInt8], into tokens: MemoryReplayStore,
        now: ClockReading
    ) {
        var reader = Reader(secrets, boot: boot, tokens: tokens, now: now)
        let failure = reader.read(disk)
        sessions = reader.sessions
        if let failure, failure.isMissing {
            (state, notice, completeSince) = (.toBeWritten, .new, 0)
            return
        }
        let cause: String
        switch reader.condition {
        case _ where failure != nil: cause = "it cannot be read (\(failure.map { "\($0)" } ?? ""))"
        case .good(let header, let secret, let nextFrame, let length):
            completeSince = header.completeSince
            notice = .read(tokens: reader.tokenCount, revocations: reader.revocationCount)
            // The first secret writes, and times of the monotonic clock are those of one boot.
            state =
                secret == 0 && header.isOfBoot(boot)
                ? .appendable(
                    FrameSealer(secrets.keys.key(0, salt: header.salt), nextNumber: nextFrame), length: length)
                : .toBeWritten
            return
        case .torn(let header, _, _, _):
            state = .toBeWritten
            notice = .torn(tokens: reader.tokenCount, revocations: reader.revocationCount)
            completeSince = header.completeSince
            return
        case .damaged(_, let position): cause = "it is damaged, \(position) bytes from its beginning"
        case .otherSecret: cause = "it was written with another session.secret, or its first bytes are damaged"
        case .otherVersion(let version): cause = "it is of another version of Sidegate (format \(version))"
        }
        state = .toBeWritten
        completeSince = max(reader.completeSince, now.wall)
        notice = .setAside(
            cause: cause, kept: JournalNames.setAside(on: disk, now: now.wall), tokens: reader.tokenCount,
            revocations: reader.revocationCount)
    }

    private struct Reader {
        private let secrets: JournalSecrets
        private let boot: [UInt8]
        private let tokens: MemoryReplayStore
        private let now: ClockReading
        private(set) var sessions = EndedSessions()
        private(set) var tokenCount = 0
        private(set) var revocationCount = 0
        private(set) var completeSince = 0.0
        private(set) var condition = JournalCondition.damaged(nil, position: 0)

        init(_ secrets: JournalSecrets, boot: [UInt8], tokens: MemoryReplayStore, now: ClockReading) {
            self.secrets = secrets
            self.boot = boot
            self.tokens = tokens
            self.now = now
        }

        mutating func read(_ disk: any JournalDisk) -> SystemError? {
            var decoder = JournalDecoder(secrets.keys)
            var failure: SystemError?
            do throws(SystemError) {
                try disk.read(JournalNames.current) { piece in decoder.feed(piece) { take($0, $1) } }
            } catch {
                failure = error
            }
            condition = decoder.finish { take($0, $1) }
            return failure
        }

        private mutating func take(_ header: JournalHeader, _ entries: [JournalEntry]) {
            completeSince = header.completeSince
            let isSameBoot = header.isOfBoot(boot)
            var used: [(digest: [UInt8], expiry: Expiry)] = []
            for entry in entries {
                switch entry {
                case .token(let digest, let times):
                    let expiry = times.expiry(now: now, isSameBoot: isSameBoot)
                    if !expiry.isPast(now) { used.append((digest, expiry)) }
                case .revocation(let sealed, let times):
                    let expiry = times.expiry(now: now, isSameBoot: isSameBoot)
                    guard !expiry.isPast(now), let revocation = secrets.coding.open(sealed) else { continue }
                    _ = sessions.add(revocation, expiry, isBounded: false, now: now)
                    revocationCount += 1
                }
            }
            tokenCount += used.count
            tokens.restore(used)
        }
    }
}

/// The session secrets, or what stands for them, as a journal uses them.
package struct JournalSecrets {
    let keys: JournalKeys
    let coding: RevocationCoding

    /// - Parameter secrets: the first writes, all read.
    package init(_ secrets: [[UInt8]]) {
        keys = JournalKeys(secrets)
        coding = RevocationCoding(secrets: secrets)
    }
}

/// The names of a journal's files.
enum JournalNames {
    static let current = "journal"
    static let next = "journal.new"
    private static let damaged = "journal.damaged-"

    /// Gives the current file the name of a damaged one; of these the newest few stay. Nil: that failed.
    ///
    /// It keeps its own name as well, until a new one takes its place: if the process ends before that, the next one must not
    /// find that there was none.
    static func setAside(on disk: any JournalDisk, now: Double) -> String? {
        let existing = Set(disk.names())
        let second = UInt64(max(0, min(now, 9e15)))
        let candidates = (0..<UInt64(maximumDamaged + 1)).map { damaged + String(second + $0) }
        guard let name = candidates.first(where: { !existing.contains($0) }) else { return nil }
        do throws(SystemError) {
            try disk.link(current, as: name)
        } catch {
            return nil
        }
        let older = existing.compactMap { name in
            name.hasPrefix(damaged) ? UInt64(name.dropFirst(damaged.count)).map { (time: $0, name: name) } : nil
        }
        for file in older.sorted(by: { $0.time > $1.time }).dropFirst(maximumDamaged - 1) { disk.remove(file.name) }
        return name
    }

    private static let maximumDamaged = 3
}
