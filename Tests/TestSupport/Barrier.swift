// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Holds threads until it opens.
package final class Barrier: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    package init() {}

    package func wait() {
        semaphore.wait()
        semaphore.signal()
    }

    package func open() { semaphore.signal() }
}
