// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// The only way for code outside a loop to hold state that belongs to it.
///
/// State confined to a loop is not `Sendable`; a `LoopBound` is, since it hands the state to closures that run on the
/// loop and to nobody else. This is the project's only `nonisolated(unsafe)`: the compiler cannot see that a serial
/// queue confines the state, so ``assumeOnLoop(_:)`` checks it in debug builds.
package final class LoopBound<State>: Sendable {
    private nonisolated(unsafe) let state: State
    private let queue: DispatchQueue

    /// Transfers the state to the loop: nothing else may access it from here on.
    package init(_ state: State, on queue: DispatchQueue) {
        unsafe self.state = state
        self.queue = queue
    }

    /// Runs `body` with the state, at once. Only for code that already runs on the loop; traps elsewhere in debug
    /// builds.
    @inline(__always)
    package func assumeOnLoop<Result>(_ body: (State) -> Result) -> Result {
        assert(
            {
                dispatchPrecondition(condition: .onQueue(queue)); return true
            }())
        return unsafe body(state)
    }
}
