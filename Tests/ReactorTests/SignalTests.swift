// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Signals", .timeLimit(.minutes(5)))
struct SignalTests {
    @Test("a signal runs its handler and does not end the process")
    func signals() async throws {
        let (one, other) = (Mailbox<Void>(), Mailbox<Void>())
        let first = SignalWatcher(SIGUSR1) { one.send() }
        let second = SignalWatcher(SIGUSR2) { other.send() }
        // Several times: later signals are handled as well.
        for _ in 0..<3 {
            kill(getpid(), SIGUSR1)
            try await one.next()
            kill(getpid(), SIGUSR2)
            try await other.next()
        }
        withExtendedLifetime((first, second)) {}
    }

    @Test("a signal without its watcher has no effect")
    func unwatched() async {
        await #expect(processExitsWith: .success) {
            let released = Mailbox<Void>()
            do {
                let sentinel = Sentinel(released)
                let watcher = SignalWatcher(SIGUSR1) { sentinel.touch() }
                withExtendedLifetime(watcher) {}
            }
            try await released.next()
            kill(getpid(), SIGUSR1)
            raise(SIGUSR1)
        }
    }
}
