// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Sizes and times of a journal; tests have smaller ones.
package struct JournalLimits: Sendable {
    /// A file below this length is not replaced, in bytes.
    package var minimumLength = 1 << 20
    /// Entries that may wait to be written. At that number the store does not answer.
    package var waiting = 16_384
    /// Entries that are written to a new file at once.
    package var entriesPerStep = 4096
    /// Between two attempts to write a new file.
    package var retryInterval = Nanoseconds.seconds(1)

    package init() {}

    /// The length at which a file is replaced of which `live` bytes were needed when it was written.
    func rewriteLength(live: Int) -> Int {
        let (double, overflow) = live.multipliedReportingOverflow(by: 2)
        return max(minimumLength, overflow ? .max : double)
    }
}
