// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate
import HTTP
import Reactor

/// A new file with all that is remembered, which is to take the place of the current one. It is written part by part; each
/// part is synced, so that no sync takes long.
final class JournalRewrite {
    private let disk: any JournalDisk
    private let file: any JournalFile
    private let limits: JournalLimits
    private let now: ClockReading
    private var sealer: FrameSealer
    private var length = 0
    private var sessions: ArraySlice<JournalEntry>
    /// Of the walk over the used tokens; nil: it is over.
    private var cursor: Int? = 0
    /// Entries that came since.
    private var added: [JournalEntry] = []
    private(set) var mayBeInPlace = false

    /// - Parameter sessions: those that have ended, as entries.
    init(
        on disk: any JournalDisk, _ keys: JournalKeys, boot: [UInt8], completeSince: Double,
        _ sessions: [JournalEntry], _ limits: JournalLimits, now: ClockReading
    ) throws(SystemError) {
        self.disk = disk
        self.limits = limits
        self.now = now
        self.sessions = sessions[...]
        let header = JournalHeader(
            salt: Random.bytes(JournalHeader.saltByteCount), boot: boot, completeSince: completeSince)
        let key = keys.key(0, salt: header.salt)
        sealer = FrameSealer(key)
        file = try disk.create(JournalNames.next)
        try write(header.text(key))
    }

    /// What is remembered from now on is in the new file as well.
    func add(_ entries: [JournalEntry]) { added += entries }

    /// Writes the next part; true when everything is written.
    func step(_ tokens: MemoryReplayStore) throws(SystemError) -> Bool {
        var entries = added
        added = []
        entries += sessions.prefix(limits.entriesPerStep)
        sessions = sessions.dropFirst(limits.entriesPerStep)
        var left = limits.entriesPerStep
        while left > 0, let start = cursor {
            // Few at a time, since sign-ins use the table meanwhile.
            let count = min(left, Self.entriesAtOnce)
            let found = tokens.keys(from: start, limit: count)
            for key in found.keys where !key.expiry.isPast(now) {
                entries.append(.token(digest: key.digest, JournalTimes(key.expiry, now: now)))
            }
            cursor = found.next
            left -= count
        }
        try write(sealer.frames(entries))
        try file.sync()
        return cursor == nil && sessions.isEmpty
    }

    /// Puts the file into its place.
    func finish() throws(SystemError) -> JournalSegment {
        try write(sealer.frames(added))
        added = []
        try file.sync()
        mayBeInPlace = true
        try disk.rename(JournalNames.next, to: JournalNames.current)
        return JournalSegment(file, sealer, length: length)
    }

    private static let entriesAtOnce = 256

    private func write(_ bytes: [UInt8]) throws(SystemError) {
        try file.write(bytes)
        length += bytes.count
    }
}
