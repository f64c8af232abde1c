// SPDX-License-Identifier: Apache-2.0

/// Whose sessions were ended, and up to which moment: a session that began later is another one.
///
/// Bounded in number, and each entry goes when no session can be alive any more that it could end.
struct Revocations {
    private struct Entry {
        var revokedAt: Double
        var expiresAt: Double
    }

    private var entries: [[UInt8]: Entry] = [:]
    /// No entry expires before.
    private var nextExpiry = Double.infinity
    private let capacity: Int

    /// - Parameter capacity: subjects remembered at once; each takes about 150 bytes.
    init(capacity: Int = 65_536) {
        self.capacity = capacity
    }

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// False, and nothing is remembered, when there is no room: better an error now than a session that lives on.
    mutating func add(_ revocation: Revocation) -> Bool {
        removeExpired(now: revocation.revokedAt)
        let new = Set(revocation.subjects).count { entries[$0] == nil }
        guard entries.count + new <= capacity else { return false }
        for subject in revocation.subjects {
            var entry = entries[subject] ?? Entry(revokedAt: revocation.revokedAt, expiresAt: revocation.expiresAt)
            // Two that overtook each other on their way: the later counts.
            entry.revokedAt = max(entry.revokedAt, revocation.revokedAt)
            entry.expiresAt = max(entry.expiresAt, revocation.expiresAt)
            entries[subject] = entry
            nextExpiry = min(nextExpiry, entry.expiresAt)
        }
        return true
    }

    /// A session of one of `subjects` that began at `signedInAt` is over.
    func end(_ subjects: [[UInt8]], signedInAt: Double) -> Bool {
        subjects.contains { subject in entries[subject].map { signedInAt <= $0.revokedAt } ?? false }
    }

    private mutating func removeExpired(now: Double) {
        guard now >= nextExpiry else { return }
        entries = entries.filter { $0.value.expiresAt > now }
        nextExpiry = entries.values.reduce(.infinity) { min($0, $1.expiresAt) }
    }
}

extension Revocation {
    /// Who a token's `sub`, or a field filled from it, names.
    static func subject(_ identifier: String) -> [UInt8] { Array("s:".utf8) + Array(identifier.utf8) }

    /// One session, by its identifier.
    static func subject(session: [UInt8]) -> [UInt8] { Array("i:".utf8) + session }

    /// Who has this address, whatever its letters' case.
    static func subject(email: String) -> [UInt8] { Array("e:".utf8) + AccessPolicy.folded(email) }
}
