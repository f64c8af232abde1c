// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A count that several threads change.
package final class Count: Sendable {
    private let value = Atomic<Int>(0)

    package init() {}

    /// The number before.
    @discardableResult
    package func increment() -> Int { value.add(1, ordering: .relaxed).oldValue }

    package func decrement() { value.subtract(1, ordering: .relaxed) }

    package var now: Int { value.load(ordering: .relaxed) }
}
