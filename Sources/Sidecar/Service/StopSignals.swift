// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import Synchronization

/// Handles SIGTERM and SIGINT from its creation on; a signal that arrives before there is an action is kept.
///
/// The watchers live as long as the process.
final class StopSignals: Sendable {
    private struct State {
        var hasCome = false
        var action: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let watchers: Mutex<[SignalWatcher]> = Mutex([])

    init() {
        for number in [SIGTERM, SIGINT] {
            watchers.withLock { $0.append(SignalWatcher(number) { [self] in received() }) }
        }
    }

    /// Runs `action` at each signal, and at once when one has arrived already.
    func onStop(_ action: @escaping @Sendable () -> Void) {
        let hasCome = state.withLock { state in
            state.action = action
            return state.hasCome
        }
        if hasCome { action() }
    }

    private func received() {
        let action = state.withLock { state in
            state.hasCome = true
            return state.action
        }
        action?()
    }
}
