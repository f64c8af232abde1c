// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Reports failed accepts of all loops in few lines: without a free descriptor each loop fails twenty times a second, and
/// lines would fill the disk with the same words.
package final class AcceptFailures: Sendable {
    /// - Parameter attempts: how many accepts have failed since the last report, with this one.
    package typealias Report = @Sendable (_ error: SystemError, _ attempts: Int) -> Void

    private let throttle: ReportThrottle
    private let report: Report

    package init(
        interval: Nanoseconds = .seconds(60), now: @escaping @Sendable () -> MonotonicTime = { .current() },
        report: @escaping Report
    ) {
        throttle = ReportThrottle(interval: interval, now: now)
        self.report = report
    }

    package func note(_ error: SystemError) {
        if let attempts = throttle.count() { report(error, attempts) }
    }
}
