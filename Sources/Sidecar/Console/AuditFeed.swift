// SPDX-License-Identifier: Apache-2.0

import Console
import Cryptography
import Decisions
import Proxy
import Synchronization
import Telemetry

/// The last events of the audit trail, of all workers, for the console: those who look and those who follow.
///
/// Nothing is queued for a follower: each has a place in the ring, and who is slower than the ring forgets misses events.
package final class AuditFeed: AuditListener {
    private struct State {
        var trail = TrailRing()
        var signIns = SignInHistory()
        /// Followers that have seen everything, each waked once.
        var waiting: [UInt64: @Sendable () -> Void] = [:]
        var followers: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Tells the positions of this process from those of others.
    private let epoch = Base64URL.encodeToString(Random.bytes(6))
    private let isOn = Atomic(false)

    /// Events are kept from now on, or no more.
    package init() {}

    package func turn(on: Bool) {
        guard isOn.exchange(on, ordering: .relaxed) != on, !on else { return }
        state.withLock { state in
            state.trail = TrailRing()
            state.signIns = SignInHistory()
        }
    }

    package func add(_ event: AuditEvent) {
        guard isOn.load(ordering: .relaxed) else { return }
        let entry = TrailEvent(event)
        let waiting = state.withLock { state in
            state.trail.add(entry)
            if let series = SignInSeries(event) { state.signIns.add(series, at: event.time) }
            defer { state.waiting = [:] }
            return state.waiting
        }
        for wake in waiting.values { wake() }
    }

    /// All followers end.
    package func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for wake in waiting.values { wake() }
    }

    // MARK: Those who look

    package var history: (trail: TrailRing, signIns: SignInHistory) { state.withLock { ($0.trail, $0.signIns) } }

    /// The position of the event of that number, as followers name it.
    package func position(_ number: UInt64) -> String { "\(epoch)-\(number)" }

    /// The number of a position that a follower names; nil: it is none of this process.
    package func number(at position: String) -> UInt64? {
        guard position.hasPrefix(epoch + "-") else { return nil }
        return UInt64(position.dropFirst(epoch.utf8.count + 1))
    }

    // MARK: Those who follow

    struct Batch {
        var events: [TrailEvent]
        /// Events before them that the ring has forgotten.
        var forgotten: UInt64
    }

    func makeFollower() -> UInt64 {
        state.withLock { state in
            state.followers += 1
            return state.followers
        }
    }

    /// What follows the event `number`, at most `limit` events; empty: nothing does yet, and `wake` is called once when that
    /// changes. nil: the feed is closed.
    func batch(
        after number: UInt64, limit: Int, _ follower: UInt64, _ wake: @escaping @Sendable () -> Void
    ) -> Batch? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            let (events, forgotten) = state.trail.events(after: number, limit: limit)
            if events.isEmpty { state.waiting[follower] = wake } else { state.waiting[follower] = nil }
            return Batch(events: events, forgotten: forgotten)
        }
    }

    func forget(_ follower: UInt64) {
        state.withLock { $0.waiting[follower] = nil }
    }
}

extension TrailEvent {
    fileprivate init(_ event: AuditEvent) {
        self.init(
            time: event.time, kind: Self.kind(event.kind), event: event.kind.rawValue, user: event.user ?? "",
            provider: event.provider ?? "", reason: event.reason, cause: event.cause?.rawValue ?? "",
            by: event.by ?? "",
            detail: event.detail ?? "", client: event.client, host: event.host, requestID: event.id)
        var line: [UInt8] = []
        var more = [(name: "words", value: words), (name: "tone", value: tone)]
        if reason != nil || !by.isEmpty { more.append(("title", reasonTitle)) }
        event.append(to: &line, format: .json, more: more)
        if line.last == 10 { line.removeLast() }
        self.line = line
    }

    private static func kind(_ kind: AuditEvent.Kind) -> Kind {
        switch kind {
        case .login: .good
        case .logout: .ended
        case .denied, .replayed: .refused
        case .provisioned, .nativeLogin: .note
        }
    }
}

extension SignInSeries {
    /// nil: the event is neither a sign-in nor a refusal.
    fileprivate init?(_ event: AuditEvent) {
        switch event.kind {
        case .login: self = .signedIn
        case .denied, .replayed:
            guard let reason = event.reason else { return nil }
            self = .refused(reason)
        case .logout, .provisioned, .nativeLogin: return nil
        }
    }
}
