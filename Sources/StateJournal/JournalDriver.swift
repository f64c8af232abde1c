// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Has a journal's writer run on its loop, what comes in between its steps.
final class JournalDriver {
    private let writer: JournalWriter
    private let loop: EventLoop
    private let retryInterval: Nanoseconds
    private var timer: LoopTimer?
    private var isStepSubmitted = false

    init(_ writer: JournalWriter, loop: EventLoop, retryInterval: Nanoseconds) {
        self.writer = writer
        self.loop = loop
        self.retryInterval = retryInterval
    }

    /// - Parameter reference: to this, on the loop.
    func run(_ reference: LoopBound<JournalDriver>, _ body: (JournalWriter) -> Void = { _ in }) {
        body(writer)
        switch writer.next {
        case .nothing:
            return
        case .step:
            guard !isStepSubmitted else { return }
            isStepSubmitted = true
            loop.submit {
                reference.assumeOnLoop { driver in
                    driver.isStepSubmitted = false
                    driver.run(reference) { $0.step() }
                }
            }
        case .retry:
            let timer = timer ?? loop.makeTimer { [unowned self] in run(reference) { $0.retry() } }
            self.timer = timer
            if timer.deadline == .distantFuture { timer.set(loop.now.advanced(by: retryInterval)) }
        }
    }
}
