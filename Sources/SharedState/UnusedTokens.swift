// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The tokens that the store has reported as unused, for all loops of this process: while it does not answer, they remain
/// valid as bearer tokens, whichever loop asked about them.
///
/// Bounded: when there is no room, those that were not asked about for longest are forgotten. A forgotten token is treated
/// as one that was never seen.
package final class UnusedTokens: Sendable {
    private struct State {
        /// When the token of a key expires, in seconds since 1970; ``awaited``: no answer has come yet.
        var recent: [[UInt8]: Double] = [:]
        /// Those of the generation before.
        var older: [[UInt8]: Double] = [:]

        subscript(key: [UInt8]) -> Double? { recent[key] ?? older[key] }
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: keys remembered at once; each takes about 150 bytes.
    package init(capacity: Int = 65_536) {
        self.capacity = max(2, capacity)
    }

    /// The store is asked about a token. A token that signs in before the answer comes is not confirmed by it.
    package func expect(_ keys: [[UInt8]]) {
        state.withLock { state in
            for key in keys {
                let expiry = state[key] ?? Self.awaited
                if state.recent[key] == nil, state.recent.count >= capacity / 2 {
                    state.older = state.recent
                    state.recent = [:]
                }
                state.recent[key] = expiry
            }
        }
    }

    /// The store has answered that none of `keys` was used.
    package func confirm(_ keys: [[UInt8]], until expiry: Double) {
        state.withLock { state in
            guard keys.allSatisfy({ state[$0] != nil }) else { return }
            for key in keys { state.recent[key] = expiry }
        }
    }

    /// A token with one of `keys` has signed in.
    package func remove(_ keys: [[UInt8]]) {
        state.withLock { state in
            for key in keys {
                state.recent[key] = nil
                state.older[key] = nil
            }
        }
    }

    /// The store has reported all of `keys` as unused, and the token has not expired.
    ///
    /// - Parameter now: seconds since 1970.
    package func contains(_ keys: [[UInt8]], now: Double) -> Bool {
        state.withLock { state in
            !keys.isEmpty && keys.allSatisfy { key in state[key].map { now < $0 } ?? false }
        }
    }

    private static let awaited = -Double.infinity
}
