// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization

/// Reports failed accepts of all loops in few lines: without a free descriptor each loop fails twenty times a second, and
/// lines would fill the disk with the same words.
package final class AcceptFailures: Sendable {
    private struct State {
        var reported: MonotonicTime?
        var unreported = 0
    }

    /// - Parameter attempts: how many accepts have failed since the last report, with this one.
    package typealias Report = @Sendable (_ error: SystemError, _ attempts: Int) -> Void

    private let state = Mutex(State())
    private let interval: Nanoseconds
    private let now: @Sendable () -> MonotonicTime
    private let report: Report

    package init(
        interval: Nanoseconds = .seconds(60), now: @escaping @Sendable () -> MonotonicTime = { .current() },
        report: @escaping Report
    ) {
        self.interval = interval
        self.now = now
        self.report = report
    }

    package func note(_ error: SystemError) {
        let attempts = state.withLock { state -> Int? in
            state.unreported += 1
            let now = now()
            if let reported = state.reported, now.since(reported) < interval { return nil }
            defer { state.unreported = 0 }
            state.reported = now
            return state.unreported
        }
        if let attempts { report(error, attempts) }
    }
}
