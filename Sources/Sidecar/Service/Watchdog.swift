// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Tells the service manager again and again that every loop still turns. When one hangs the manager hears nothing any
/// more, and starts the service anew.
enum Watchdog {
    /// Nothing, when the manager does not want to know.
    static func start(_ notifier: ServiceNotifier, _ server: Server, loop: EventLoop) {
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
