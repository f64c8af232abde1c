// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

/// The revocations that a journal holds, each until no session that it ends can be alive.
package struct EndedSessions {
    struct Entry {
        let revocation: Revocation
        let expiry: Expiry

        /// Ends all sessions that `other` ends, and is remembered as long.
        func includes(_ other: Entry) -> Bool {
            revocation.revokedAt >= other.revocation.revokedAt && revocation.expiresAt >= other.revocation.expiresAt
                && expiry.wall >= other.expiry.wall && expiry.monotonic >= other.expiry.monotonic
        }
    }

    /// What two revocations have in common of which one may include the other.
    private struct Subject: Hashable {
        let names: [[UInt8]]
        let isOfOneSession: Bool
    }

    private var entries: [Subject: [Entry]] = [:]
    private(set) var count = 0
    private let capacity: Int

    /// - Parameter capacity: twice what a gate remembers; each takes about 400 bytes.
    init(capacity: Int = 131_072) {
        self.capacity = capacity
    }

    /// False, and nothing is remembered, when there is no room.
    ///
    /// - Parameter isBounded: false for those of an earlier process, none of which is forgotten.
    mutating func add(_ revocation: Revocation, _ expiry: Expiry, isBounded: Bool = true, now: ClockReading) -> Bool {
        let entry = Entry(revocation: revocation, expiry: expiry)
        let subject = Subject(names: revocation.subjects, isOfOneSession: revocation.isOfOneSession)
        var same = entries[subject] ?? []
        let before = same.count
        same.removeAll { entry.includes($0) }
        if isBounded, count >= capacity, same.count == before {
            removeExpired(now)
            guard count < capacity else { return false }
            return add(revocation, expiry, now: now)
        }
        same.append(entry)
        entries[subject] = same
        count += same.count - before
        return true
    }

    package var all: [Revocation] { entries.values.flatMap { $0.map(\.revocation) } }

    /// Those that have not expired.
    mutating func live(_ now: ClockReading) -> [Entry] {
        removeExpired(now)
        return entries.values.flatMap { $0 }
    }

    private mutating func removeExpired(_ now: ClockReading) {
        entries = entries.compactMapValues { same in
            let live = same.filter { !$0.expiry.isPast(now) }
            return live.isEmpty ? nil : live
        }
        count = entries.values.reduce(0) { $0 + $1.count }
    }
}
