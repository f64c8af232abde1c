// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The memory for forms that are kept, of the whole process: so many bytes, of which one client gets half at most: a
/// client that sends forms and never ends them leaves room for the others.
package final class FormBudget: Sendable {
    private struct State {
        var used = 0
        /// Bytes of each client that holds any, so there are no more entries than requests that hold a form.
        var shares: [ClientNetwork: Int] = [:]
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let share: Int

    package init(bytes: Int) {
        capacity = bytes
        share = bytes / 2
    }

    /// - Returns: whether there was room for `count` more bytes of this client; ``give(_:by:)`` returns them.
    package func take(_ count: Int, for client: ClientNetwork) -> Bool {
        state.withLock { state in
            let held = state.shares[client] ?? 0
            guard count <= share - held, count <= capacity - state.used else { return false }
            state.used += count
            state.shares[client] = held + count
            return true
        }
    }

    package func give(_ count: Int, by client: ClientNetwork) {
        guard count > 0 else { return }
        state.withLock { state in
            let held = (state.shares[client] ?? 0) - count
            precondition(held >= 0, "more is returned than was taken")
            state.used -= count
            state.shares[client] = held == 0 ? nil : held
        }
    }

    static let ofThisProcess = FormBudget(bytes: 16 << 20)
}
