// SPDX-License-Identifier: Apache-2.0

import Gate
import Proxy

/// Ends sessions in this process, and keeps them ended over a restart.
package final class JournaledRevocations: RevocationBroadcaster {
    private let inner: any RevocationBroadcaster
    private let journal: StateJournal
    private let isAwaited: Bool

    /// - Parameters:
    ///   - inner: ends them now.
    ///   - isAwaited: the journal is the only place where they are kept; otherwise `inner` says whether they are.
    package init(_ inner: any RevocationBroadcaster, _ journal: StateJournal, isAwaited: Bool) {
        self.inner = inner
        self.journal = journal
        self.isAwaited = isAwaited
    }

    package func revoke(_ revocation: Revocation, _ done: @escaping @Sendable (Bool) -> Void) {
        inner.revoke(revocation) { [journal, isAwaited] isRemembered in
            // Also when a loop had no room: after a restart it has.
            journal.record(revocation) { isWritten in
                if isAwaited { done(isRemembered && isWritten) }
            }
            if !isAwaited { done(isRemembered) }
        }
    }

    package func tokenSpent(_ replayKeys: [[UInt8]], _ done: @escaping @Sendable () -> Void) {
        inner.tokenSpent(replayKeys, done)
    }
}
