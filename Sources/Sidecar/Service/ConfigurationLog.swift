// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization

/// What became of the configuration since the start, for operators. Times are in seconds since 1970.
final class ConfigurationLog: Sendable {
    struct Reload: Sendable {
        var time: Double
        /// The names of what changed; never values.
        var changes: [String]
        /// Options that take effect at the next start.
        var waiting: [String]
    }

    struct Failure: Sendable {
        var time: Double
        /// One for each error.
        var messages: [String]
    }

    struct Report: Sendable {
        var inForceSince: Double
        /// The last one that succeeded.
        var reload: Reload?
        /// nil: the last one succeeded, or there was none.
        var failure: Failure?
    }

    private let report = Mutex(Report(inForceSince: wallClockNow()))

    func reloaded(_ changes: [String], waiting: [String]) {
        let now = wallClockNow()
        report.withLock { report in
            report.inForceSince = now
            report.reload = Reload(time: now, changes: changes, waiting: waiting)
            report.failure = nil
        }
    }

    func failed(_ messages: [String]) {
        let failure = Failure(time: wallClockNow(), messages: Array(messages.prefix(Self.maximumMessages)))
        report.withLock { $0.failure = failure }
    }

    var current: Report { report.withLock { $0 } }

    private static let maximumMessages = 32
}
