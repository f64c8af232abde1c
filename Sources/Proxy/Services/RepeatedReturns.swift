// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor
import Synchronization

/// The returns of attempts whose tokens were consumed a moment ago, or are being consumed. A browser may send the same
/// return again: a form was submitted twice, or a proxy or the browser gave up the first request. All of them share one
/// verdict of the replay store, in whatever order they come and on whatever loop; without this the token would count as
/// used by somebody else.
///
/// Only the browser that began the attempt can bring such a return: its key is made of the secret in the sealed login
/// cookie and of the code. Everything else that shows the same token asks the replay store, and is refused.
///
/// Bounded in number and time, and ended by a sign-out of the user: what is not known here counts as used.
package final class RepeatedReturns: Sendable {
    private typealias Done = @Sendable (ReplayVerdict) -> Void

    private struct Entry {
        let response: AttemptResponse
        /// Nil: the replay store has not answered yet.
        var until: MonotonicTime?
        var waiting: [Done] = []
        /// The user has signed out while the store was asked.
        var isEnded = false
    }

    /// What to do about a return.
    private enum Step {
        case known, wait, refuse
        /// Ask the store; `isShared`: for all others that come meanwhile too.
        case ask(isShared: Bool)
    }

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        /// Of entries whose tokens were consumed, the oldest first. A key may have been removed from `entries` since.
        var consumed: [[UInt8]] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// The verdict on a return. `done` is called once, on any thread.
    ///
    /// - Parameters:
    ///   - consume: asks the replay store to consume the response's keys.
    package func verdict(
        on response: AttemptResponse, clock: @escaping @Sendable () -> MonotonicTime = { .current() },
        consume: (_ done: @escaping @Sendable (ReplayVerdict) -> Void) -> Void,
        _ done: @escaping @Sendable (ReplayVerdict) -> Void
    ) {
        switch state.withLock({ Self.begin(response, clock(), &$0, done) }) {
        case .known: done(.repeated)
        case .wait: break
        case .refuse: done(.unavailable)
        case .ask(isShared: false): consume(done)
        case .ask(isShared: true):
            consume { [self] verdict in
                let waiting = state.withLock { Self.finish(response.key, verdict, clock(), &$0) }
                done(verdict)
                for other in waiting { other(verdict == .fresh ? .repeated : verdict) }
            }
        }
    }

    /// The sessions that a revocation ends are not to begin again by a return that comes once more.
    package func end(_ revocation: Revocation) {
        state.withLock { state in
            for (key, entry) in state.entries where entry.response.isEnded(by: revocation) {
                if entry.until == nil { state.entries[key]?.isEnded = true } else { state.entries[key] = nil }
            }
        }
    }

    private static func begin(
        _ response: AttemptResponse, _ now: MonotonicTime, _ state: inout State, _ done: @escaping Done
    ) -> Step {
        removeExpired(now, &state)
        guard let entry = state.entries[response.key] else {
            guard state.entries.count < 2 * maximumCount else { return .ask(isShared: false) }
            state.entries[response.key] = Entry(response: response)
            return .ask(isShared: true)
        }
        // The provider has given out another token for the same code.
        guard entry.response.replayKeys == response.replayKeys, !entry.isEnded else { return .ask(isShared: false) }
        guard entry.until == nil else { return .known }
        guard entry.waiting.count < maximumWaiting else { return .refuse }
        state.entries[response.key]?.waiting.append(done)
        return .wait
    }

    /// The store has answered; returns those who wait for it.
    private static func finish(
        _ key: [UInt8], _ verdict: ReplayVerdict, _ now: MonotonicTime, _ state: inout State
    ) -> [Done] {
        guard let entry = state.entries[key] else { return [] }
        guard verdict == .fresh, !entry.isEnded else {
            state.entries[key] = nil
            return entry.waiting
        }
        if state.consumed.count >= maximumCount { removeOldest(&state) }
        state.entries[key]?.until = now.advanced(by: lifetime)
        state.entries[key]?.waiting = []
        state.consumed.append(key)
        return entry.waiting
    }

    private static func removeExpired(_ now: MonotonicTime, _ state: inout State) {
        while let first = state.consumed.first {
            // One that was ended may have begun again, and its key stands here twice then.
            if let until = state.entries[first]?.until, until > now { return }
            removeOldest(&state)
        }
    }

    private static func removeOldest(_ state: inout State) {
        guard !state.consumed.isEmpty else { return }
        let key = state.consumed.removeFirst()
        if state.entries[key]?.until != nil { state.entries[key] = nil }
    }

    static let ofThisProcess = RepeatedReturns()

    /// As long as the result of an authorization code is kept.
    private static let lifetime = Nanoseconds.seconds(10)
    /// Of those whose tokens were consumed; as many more may wait for the store.
    private static let maximumCount = 1024
    /// Returns of one attempt that wait for the store at once; no more wait for a code.
    private static let maximumWaiting = 16
}
