// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

/// Remembers used tokens in this process and in its journal: a token signs in once, and not again after a restart.
///
/// The memory decides first. A token that is fresh there counts as used from then on, whether it can be recorded or not;
/// it is reported as fresh only when the record is on the disk.
package final class JournaledReplayStore: ReplayStore, TokenWitness {
    private let memory: MemoryReplayStore
    private let journal: StateJournal

    package init(_ memory: MemoryReplayStore, _ journal: StateJournal) {
        self.memory = memory
        self.journal = journal
    }

    package func consume(
        _ keys: ReplayKeys, for retention: Retention, now: ClockReading,
        _ completion: @escaping @Sendable (ReplayVerdict) -> Void
    ) {
        let verdict = memory.consume(keys.names, for: retention, now: now)
        guard verdict == .fresh else { return completion(verdict) }
        let isUncertain = journal.gap.covers(retention, now: now.wall)
        journal.record(keys.names, for: retention, now: now) { isWritten in
            completion(isWritten && !isUncertain ? .fresh : .unavailable)
        }
    }

    /// Does not wait for the disk: another store decides.
    package func consume(_ keys: [[UInt8]], for retention: Retention, now: ClockReading) -> ReplayVerdict {
        let verdict = memory.consume(keys, for: retention, now: now)
        if verdict == .fresh { journal.record(keys, for: retention, now: now) { _ in } }
        return verdict
    }

    package func use(
        of keys: ReplayKeys, until expiry: Double, _ completion: @escaping @Sendable (TokenUse) -> Void
    ) {
        memory.use(of: keys, until: expiry, completion)
    }

    package func knownUse(of keys: [[UInt8]]) -> TokenUse? { memory.knownUse(of: keys) }

    package func isUsed(_ keys: [[UInt8]]) -> Bool { memory.isUsed(keys) }
}
