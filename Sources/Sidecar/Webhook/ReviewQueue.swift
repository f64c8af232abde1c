// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization

/// Runs reviews off the listener's loop, two at once, so that a costly one does not keep all others waiting. They begin in
/// the order in which they came.
package final class ReviewQueue: Sendable {
    private let queues: [WorkQueue]
    /// Not begun yet; at most as many as there are connections.
    private let waiting = Mutex<[@Sendable () -> Void]>([])

    /// - Parameter width: how many run at once.
    package init(width: Int = 2) {
        queues = (0..<max(1, width)).map { WorkQueue(label: "sidegate.reviews.\($0)") }
    }

    package func submit(_ review: @escaping @Sendable () -> Void) {
        waiting.withLock { $0.append(review) }
        // The first that is free takes it; the others find nothing then.
        for queue in queues { queue.submit { [self] in runNext() } }
    }

    private func runNext() {
        let review = waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        review?()
    }
}
