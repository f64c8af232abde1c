// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// The sessions that the replicas of a gate have seen: each writes its own, and reads those of all.
///
/// Sealed with the session secrets. Without the store each replica knows its own alone.
package final class SharedSessions: Sendable {
    private final class State {
        var coding: SeenSessionCoding
        /// Opened when it is first needed; it outlives configurations.
        var connection: (any ReplicaConnection)?

        init(_ coding: SeenSessionCoding) {
            self.coding = coding
        }
    }

    private let store: any ReplicaStore
    private let loop: EventLoop
    private let state: LoopBound<State>

    /// - Parameter loop: all other methods are called on it.
    package init(_ store: any ReplicaStore, coding: SeenSessionCoding, loop: EventLoop) {
        self.store = store
        self.loop = loop
        state = loop.bind(State(coding))
    }

    package func replace(_ coding: SeenSessionCoding) {
        loop.submit { [state] in state.assumeOnLoop { $0.coding = coding } }
    }

    /// - Parameters:
    ///   - limits: of the sessions, which say how long the store keeps an entry.
    ///   - done: false when the store did not take them.
    package func write(
        _ entries: [SeenSessions.Entry], _ limits: SeenSessions.Limits, _ done: @escaping (Bool) -> Void
    ) {
        let records = zip(entries, coding.seal(entries)).map { entry, sealed in
            ReplicaRecord(
                name: Array(sealed.name.description.utf8), value: sealed.record, expiresAt: limits.end(of: entry))
        }
        connection.record(records, in: .seenSessions, now: loop.wallClock) { [store] result in
            switch result {
            case .success: done(true)
            case .failure(let failure):
                store.report(failure, Self.purpose)
                done(false)
            }
        }
    }

    /// Best effort: an entry that could not be removed expires by itself.
    package func remove(_ names: [SessionName]) {
        for start in stride(from: 0, to: names.count, by: Self.batch) {
            let batch = names[start..<min(start + Self.batch, names.count)]
            connection.remove(batch.map { Array($0.description.utf8) }, from: .seenSessions)
        }
    }

    /// Those of all replicas; nil: the store did not answer, or not completely.
    package func read(_ done: @escaping ([SeenSessions.Entry]?) -> Void) {
        read(from: nil, rounds: Self.maximumRounds, [:], done)
    }

    private func read(
        from cursor: ReplicaCursor?, rounds: Int, _ found: [SessionName: SeenSessions.Entry],
        _ done: @escaping ([SeenSessions.Entry]?) -> Void
    ) {
        connection.page(of: .seenSessions, from: cursor) { [self] result in
            switch result {
            case .failure(let failure):
                store.report(failure, Self.purpose)
                done(nil)
            case .success(let page):
                var found = found
                // The same entry may come more than once.
                for entry in coding.open(page.values) { found[entry.name] = entry }
                guard let next = page.next else { return done(Array(found.values)) }
                guard found.count <= ReplicaTable.seenSessions.capacity, rounds > 0 else { return done(nil) }
                read(from: next, rounds: rounds - 1, found, done)
            }
        }
    }

    private var coding: SeenSessionCoding { state.assumeOnLoop { $0.coding } }

    private var connection: any ReplicaConnection {
        state.assumeOnLoop { state in
            if let connection = state.connection { return connection }
            let connection = store.connect(on: loop)
            state.connection = connection
            return connection
        }
    }

    private static let purpose = "the list of sessions"
    private static let batch = 500
    /// A page has about five hundred places of a table that may be larger than its content.
    private static let maximumRounds = 2048
}
