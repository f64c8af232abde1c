// SPDX-License-Identifier: Apache-2.0

import Proxy
import Reactor

/// Notifies the service manager at intervals that every loop is alive. When one hangs, the notifications stop, and the
/// manager restarts the service.
enum Watchdog {
    /// Does nothing when the manager has no watchdog for this service.
    static func start(_ notifier: ServiceNotifier, _ server: Server<Worker>, loop: EventLoop) {
        guard let timeout = notifier.watchdogTimeout else { return }
        let interval = Nanoseconds(count: max(1_000_000, timeout.count / 3))
        loop.submit {
            let pulse = Pulse(loop, interval) { server.onEachWorker({ _ in }, { notifier.alive() }) }
            pulse.beat()
        }
    }

    /// Lives as long as its timer, which is as long as the loop.
    private final class Pulse {
        private let loop: EventLoop
        private let interval: Nanoseconds
        private let work: () -> Void
        private var timer: LoopTimer?

        init(_ loop: EventLoop, _ interval: Nanoseconds, _ work: @escaping () -> Void) {
            self.loop = loop
            self.interval = interval
            self.work = work
            timer = loop.makeTimer { [self] in beat() }
        }

        func beat() {
            work()
            timer?.set(loop.now.advanced(by: interval))
        }
    }
}
