// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization

/// The count of connections to an app that all workers share. See ``ConnectionLedgerState``.
///
/// A request that uses an idle connection of its worker does not need it: the lock is taken when a connection is opened or
/// closed, and for each request only while requests wait.
package final class ConnectionLedger: Sendable {
    private struct Guarded {
        var state: ConnectionLedgerState
        var members: [Int: @Sendable (ConnectionLedgerState.Note) -> Void] = [:]
        var nextMember = 0
    }

    private let guarded: Mutex<Guarded>

    package init(limit: Int, maximumWaiting: Int = 1024) {
        guarded = Mutex(Guarded(state: ConnectionLedgerState(limit: limit, maximumWaiting: maximumWaiting)))
    }

    /// - Parameter notify: called on any thread; passes the note on to the member's loop.
    func join(_ notify: @escaping @Sendable (ConnectionLedgerState.Note) -> Void) -> Int {
        guarded.withLock { guarded in
            guarded.nextMember += 1
            guarded.members[guarded.nextMember] = notify
            guarded.state.join(guarded.nextMember)
            return guarded.nextMember
        }
    }

    func leave(_ member: Int) {
        guarded.withLock { guarded in
            guarded.members[member] = nil
            guarded.state.leave(member)
        }
    }

    /// Reads or changes the state, then delivers the notes that follow.
    func perform<Result: Sendable>(
        _ body: (inout ConnectionLedgerState, inout [ConnectionLedgerState.Note]) -> Result
    ) -> Result {
        let (result, deliveries) = guarded.withLock { guarded in
            var notes: [ConnectionLedgerState.Note] = []
            let result = body(&guarded.state, &notes)
            let deliveries = notes.compactMap { note in guarded.members[note.member].map { (note, $0) } }
            return (result, deliveries)
        }
        for (note, notify) in deliveries { notify(note) }
        return result
    }

    /// Another configuration is in force.
    package func setLimit(_ limit: Int, _ now: MonotonicTime) {
        perform { state, notes in state.setLimit(limit, now, &notes) }
    }
}

extension ConnectionLedgerState.Note {
    var member: Int {
        switch self {
        case .contended(let member, _), .releaseIdle(let member), .rotate(let member), .granted(let member, _),
            .displaced(let member, _), .heldBack(let member, _):
            member
        }
    }
}
