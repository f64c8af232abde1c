// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization

/// Lets few of many equal reports through: otherwise clients that repeat a mistake could fill the disk.
final class ReportThrottle: Sendable {
    private struct State {
        var reported: MonotonicTime?
        var unreported = 0
    }

    private let state = Mutex(State())
    private let interval: Nanoseconds
    private let now: @Sendable () -> MonotonicTime

    /// - Parameter interval: between two reports.
    init(interval: Nanoseconds, now: @escaping @Sendable () -> MonotonicTime = { .current() }) {
        self.interval = interval
        self.now = now
    }

    /// Counts an event.
    ///
    /// - Returns: how many there were since the last report, with this one, if it is to be reported; else nil.
    func count() -> Int? {
        state.withLock { state in
            state.unreported += 1
            let now = now()
            if let reported = state.reported, now.since(reported) < interval { return nil }
            defer { state.unreported = 0 }
            state.reported = now
            return state.unreported
        }
    }
}
