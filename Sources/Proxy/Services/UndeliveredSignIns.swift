// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor
import Synchronization

/// Sign-ins that answer an attempt of a browser, and whose response reached nobody: the browser had left when its token was
/// consumed. It may have sent the same form once more, and that request ends what the first one began: without this its
/// token would count as used.
///
/// Only the request of the same attempt can bring the same token: the provider issued it for a verifier that the browser's
/// login cookie holds. Each is taken once, and soon. Bounded; what finds no room counts as used.
package final class UndeliveredSignIns: Sendable {
    private struct Entry {
        let keys: [[UInt8]]
        let until: MonotonicTime
    }

    private let entries = Mutex<[Entry]>([])

    package init() {}

    /// The response to the sign-in that has consumed `keys` will never be sent.
    package func add(_ keys: [[UInt8]], now: MonotonicTime) {
        entries.withLock { entries in
            entries.removeAll { $0.until <= now }
            guard entries.count < Self.maximumCount else { return }
            entries.append(Entry(keys: keys, until: now.advanced(by: Self.lifetime)))
        }
    }

    /// Whether `keys` were consumed by such a sign-in. It is one no longer.
    package func take(_ keys: [[UInt8]], now: MonotonicTime) -> Bool {
        entries.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.keys == keys }) else { return false }
            return entries.remove(at: index).until > now
        }
    }

    static let ofThisProcess = UndeliveredSignIns()

    /// As long as the result of an authorization code is kept.
    private static let lifetime = Nanoseconds.seconds(10)
    private static let maximumCount = 1024
}

/// What became of one request that ends a sign-in. Two things happen to it in either order: its token is consumed, and its
/// client leaves.
final class SignInDelivery: Sendable {
    private struct State {
        var isConsumed = false
        var hasLeft = false
    }

    private let keys: [[UInt8]]
    private let undelivered: UndeliveredSignIns
    private let state = Mutex(State())

    init(_ keys: [[UInt8]], _ undelivered: UndeliveredSignIns = .ofThisProcess) {
        self.keys = keys
        self.undelivered = undelivered
    }

    /// The replay store has answered, perhaps when nobody waits for it any more. A token that only a sign-in without a
    /// delivered response has consumed is fresh.
    func answered(_ verdict: ReplayVerdict) -> ReplayVerdict {
        guard verdict == .fresh || verdict == .replayed && undelivered.take(keys, now: .current()) else {
            return verdict
        }
        let hasLeft = state.withLock { state in
            state.isConsumed = true
            return state.hasLeft
        }
        if hasLeft { undelivered.add(keys, now: .current()) }
        return .fresh
    }

    /// The client has left before the response was sent.
    func clientLeft() {
        let isConsumed = state.withLock { state in
            defer { state.hasLeft = true }
            return state.isConsumed && !state.hasLeft
        }
        if isConsumed { undelivered.add(keys, now: .current()) }
    }
}
