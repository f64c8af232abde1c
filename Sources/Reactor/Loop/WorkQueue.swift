// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Runs work one after another off the loops: for work that can wait, such as reading files.
package final class WorkQueue: Sendable {
    private let queue: DispatchQueue

    package init(label: String) {
        queue = DispatchQueue(label: label)
    }

    package func submit(_ work: @escaping @Sendable () -> Void) {
        queue.async(execute: work)
    }

    package func submit(after delay: Nanoseconds, _ work: @escaping @Sendable () -> Void) {
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(clamping: delay.count)), execute: work)
    }
}
