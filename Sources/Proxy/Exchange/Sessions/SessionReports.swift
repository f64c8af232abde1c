// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// Reports the sessions that one loop's gate has seen, in batches and outside of requests; and at intervals those with
/// something open, such as a WebSocket, which send no requests.
final class SessionReports {
    private let loop: EventLoop
    private var gate: Gate
    private var observer: (any SessionObserver)?
    /// Calls its argument with each identity that has something open.
    private let forEachOpen: ((Identity) -> Void) -> Void
    private var batch: LoopTimer?
    private var open: LoopTimer?

    init(
        _ gate: Gate, _ observer: (any SessionObserver)?, loop: EventLoop,
        forEachOpen: @escaping ((Identity) -> Void) -> Void
    ) {
        self.gate = gate
        self.observer = observer
        self.loop = loop
        self.forEachOpen = forEachOpen
        observe()
    }

    /// Another configuration is in force.
    func replace(_ gate: Gate, _ observer: (any SessionObserver)?) {
        flush()
        self.gate.observeSessions(nil)
        self.gate = gate
        self.observer = observer
        observe()
    }

    /// Something was opened that may stay open for long.
    func opened() {
        guard observer != nil else { return }
        let timer = open ?? loop.makeTimer { [weak self] in self?.noteOpen() }
        open = timer
        if timer.deadline == .distantFuture { timer.set(loop.now.advanced(by: Self.openInterval)) }
    }

    private func observe() {
        gate.observeSessions(observer == nil ? nil : { [weak self] in self?.collect() })
    }

    private func collect() {
        let timer = batch ?? loop.makeTimer { [weak self] in self?.flush() }
        batch = timer
        if timer.deadline == .distantFuture { timer.set(loop.now.advanced(by: Self.batchTime)) }
    }

    private func flush() {
        let sightings = gate.takeSightings()
        if !sightings.isEmpty { observer?.seen(sightings) }
    }

    private func noteOpen() {
        var count = 0
        let (gate, now) = (gate, loop.wallClock)
        forEachOpen { identity in
            count += 1
            gate.noteOpen(identity, now: now)
        }
        if count > 0 { opened() }
    }

    private static let batchTime = Nanoseconds.milliseconds(200)
    private static let openInterval = Nanoseconds.seconds(60)
}
