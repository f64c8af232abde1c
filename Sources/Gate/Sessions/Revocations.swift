// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Whose sessions were ended, and up to which moment: a session that began later is another one.
///
/// Bounded in number, and each entry goes when no session can be alive any more that it could end, by either clock.
struct Revocations {
    private struct Entry {
        var revokedAt: Double
        var expiry: Expiry
    }

    private var entries: [[UInt8]: Entry] = [:]
    /// No entry expires before, on the monotonic clock.
    private var nextDue = Double.infinity
    private var lastRemoval = -Double.infinity
    private let capacity: Int

    /// - Parameter capacity: subjects remembered at once; each takes about 150 bytes.
    init(capacity: Int = 65_536) {
        self.capacity = capacity
    }

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// False, and nothing is remembered, when there is no room: better an error now than a session that lives on.
    mutating func add(_ revocation: Revocation, now: ClockReading) -> Bool {
        if now.monotonic >= nextDue { removeExpired(now) }
        let new = Set(revocation.subjects).count { entries[$0] == nil }
        // Some may have come due by a clock that was set right; looked for once a second at most.
        if entries.count + new > capacity, now.monotonic >= lastRemoval + 1 { removeExpired(now) }
        guard entries.count + new <= capacity else { return false }
        let expiry = revocation.retention(now: now.wall).expiry(from: now)
        for subject in revocation.subjects {
            var entry = entries[subject] ?? Entry(revokedAt: revocation.revokedAt, expiry: expiry)
            // Two that overtook each other on their way: the later counts. What is heard again begins no new span.
            if revocation.revokedAt > entry.revokedAt || revocation.expiresAt > entry.expiry.wall {
                entry.revokedAt = max(entry.revokedAt, revocation.revokedAt)
                entry.expiry = entry.expiry.later(expiry)
            }
            entries[subject] = entry
            nextDue = min(nextDue, entry.expiry.monotonic)
        }
        return true
    }

    /// A session of one of `subjects` that began at `signedInAt` is over.
    func end(_ subjects: [[UInt8]], signedInAt: Double) -> Bool {
        subjects.contains { subject in entries[subject].map { signedInAt <= $0.revokedAt } ?? false }
    }

    private mutating func removeExpired(_ now: ClockReading) {
        lastRemoval = now.monotonic
        entries = entries.filter { !$0.value.expiry.isPast(now) }
        nextDue = entries.values.reduce(.infinity) { due, entry in
            min(due, entry.expiry.monotonic > now.monotonic ? entry.expiry.monotonic : entry.expiry.due(after: now))
        }
    }
}

extension Revocation {
    /// The user that a token's `sub`, or a field filled from it, names.
    static func subject(_ identifier: String) -> [UInt8] { Array("s:".utf8) + Array(identifier.utf8) }

    /// The same of a provider that has a name.
    static func subject(_ subject: [UInt8], of provider: String) -> [UInt8] {
        Array("@\(provider):".utf8) + subject
    }

    /// One session, by its identifier.
    static func subject(session: [UInt8]) -> [UInt8] { Array("i:".utf8) + session }

    /// The user with this address, regardless of case and of how the domain is written.
    static func subject(email: String) -> [UInt8] {
        Array("e:".utf8) + (DomainName.comparable(email: email) ?? email.utf8.map(lowercased))
    }
}
