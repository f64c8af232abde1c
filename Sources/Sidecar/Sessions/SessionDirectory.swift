// SPDX-License-Identifier: Apache-2.0

import Gate
import Proxy
import Reactor
import SharedState

/// Who is signed in: the sessions that this process has seen, and with Redis those of all replicas.
///
/// It lives on the services' loop. Workers report to it a few times a second at most, outside of requests.
final class SessionDirectory: SessionObserver, Sendable {
    private let loop: EventLoop
    private let shared: SharedSessions?
    private let state: LoopBound<DirectoryState>

    /// - Parameters:
    ///   - shared: nil: there are no other replicas.
    ///   - loop: of the services.
    init(_ limits: SeenSessions.Limits, shared: SharedSessions?, loop: EventLoop) {
        self.shared = shared
        self.loop = loop
        state = loop.bind(DirectoryState(limits, shared, loop))
    }

    /// The sessions of other replicas are listed too.
    var hasReplicas: Bool { shared != nil }

    func seen(_ sightings: [SessionSighting]) {
        onLoop { $0.note(sightings) }
    }

    /// Sessions were ended, here or on another replica.
    func ended(_ revocations: [Revocation]) {
        onLoop { $0.end(revocations) }
    }

    /// Another configuration is in force.
    func replace(_ limits: SeenSessions.Limits) {
        onLoop { $0.replace(limits) }
    }

    /// All sessions that are known now; `done` is called once, on the loop.
    func list(_ done: @escaping @Sendable (SessionList) -> Void) {
        onLoop { $0.list(done) }
    }

    /// Those that this process has seen, without waiting for others.
    func own(_ done: @escaping @Sendable ([SeenSessions.Entry]) -> Void) {
        onLoop { done($0.own()) }
    }

    /// As ``list(_:)``, or what it gave within the last ten seconds: for further pages of one list.
    func listAgain(_ done: @escaping @Sendable (SessionList) -> Void) {
        onLoop { $0.listAgain(done) }
    }

    /// Sessions were ended: other replicas do not list them any more.
    func forget(_ names: [SessionName]) {
        onLoop { $0.forget(names) }
    }

    private func onLoop(_ body: @escaping @Sendable (DirectoryState) -> Void) {
        loop.submit { [state] in state.assumeOnLoop(body) }
    }
}

/// Sessions, and how far the list can be relied on.
struct SessionList: Sendable {
    /// In the order of their names.
    var entries: [SeenSessions.Entry]
    /// False: other replicas may have seen more, but the store did not answer.
    var isComplete: Bool
    /// Seconds since 1970.
    var time: Double
}

/// Confined to the services' loop.
private final class DirectoryState {
    private var sessions: SeenSessions
    private let shared: SharedSessions?
    private let loop: EventLoop
    private var timer: LoopTimer?
    private var isWriting = false
    /// Seconds until the store is written to again after a failure.
    private var pause = 1.0
    private var nextWrite = 0.0
    private var last: (list: SessionList, at: Double)?

    init(_ limits: SeenSessions.Limits, _ shared: SharedSessions?, _ loop: EventLoop) {
        sessions = SeenSessions(limits, sharesEntries: shared != nil)
        self.shared = shared
        self.loop = loop
    }

    private var now: Double { loop.now.seconds }

    func note(_ sightings: [SessionSighting]) {
        for sighting in sightings { sessions.note(sighting) }
        if sessions.hasUnshared { wake(after: Self.shortPause) }
    }

    func end(_ revocations: [Revocation]) {
        for revocation in revocations { sessions.end(revocation, now: now) }
        last = nil
        wake(after: Self.shortPause)
    }

    func replace(_ limits: SeenSessions.Limits) {
        sessions.limits = limits
    }

    func forget(_ names: [SessionName]) {
        shared?.remove(names)
    }

    // MARK: Listing

    func list(_ done: @escaping @Sendable (SessionList) -> Void) {
        sweep()
        guard let shared else {
            return finish([:], isComplete: true, done)
        }
        shared.read { [self] found in
            let time = loop.wallClock
            var entries: [SessionName: SeenSessions.Entry] = [:]
            for entry in found ?? [] where time < sessions.limits.end(of: entry) { entries[entry.name] = entry }
            finish(entries, isComplete: found != nil, done)
        }
    }

    func own() -> [SeenSessions.Entry] {
        sweep()
        return sessions.entries
    }

    func listAgain(_ done: @escaping @Sendable (SessionList) -> Void) {
        if let last, now - last.at < Self.listTime { return done(last.list) }
        list(done)
    }

    private func finish(
        _ others: [SessionName: SeenSessions.Entry], isComplete: Bool,
        _ done: @escaping @Sendable (SessionList) -> Void
    ) {
        var all = others
        for entry in sessions.entries {
            if var known = all[entry.name] {
                known.merge(entry)
                all[entry.name] = known
            } else {
                all[entry.name] = entry
            }
        }
        let list = SessionList(
            entries: all.values.sorted { $0.name < $1.name }, isComplete: isComplete, time: loop.wallClock)
        last = (list, now)
        done(list)
    }

    // MARK: In the background

    private func wake(after seconds: Double) {
        let timer = timer ?? loop.makeTimer { [weak self] in self?.work() }
        self.timer = timer
        let date = loop.now.advanced(by: .milliseconds(UInt64(seconds * 1000)))
        if date < timer.deadline { timer.set(date) }
    }

    private func work() {
        if sessions.hasEnded {
            sweep()
            if sessions.hasEnded { wake(after: Self.longPause) }
        }
        guard let shared, sessions.hasUnshared, !isWriting else { return }
        guard now >= nextWrite else { return wake(after: nextWrite - now) }
        let entries = sessions.takeUnshared(limit: Self.batch, now: now)
        guard !entries.isEmpty else { return wake(after: Self.longPause) }
        isWriting = true
        shared.write(entries, sessions.limits) { [self] isDone in
            isWriting = false
            if isDone {
                pause = 1
            } else {
                sessions.putBack(entries)
                nextWrite = now + pause
                pause = min(2 * pause, Self.longestPause)
            }
            if sessions.hasUnshared { wake(after: isDone ? Self.shortPause : pause) }
        }
    }

    private func sweep() {
        let names = sessions.sweep(wall: loop.wallClock, monotonic: now)
        if !names.isEmpty { shared?.remove(names) }
    }

    /// Seconds.
    private static let shortPause = 0.1
    private static let longPause = 5.0
    private static let longestPause = 64.0
    private static let listTime = 10.0
    /// Sessions in one command to the store.
    private static let batch = 200
}
