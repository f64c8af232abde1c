// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The memory for content of requests that is collected (`upstream.collectRequests`): so many bytes in the whole process.
package final class CollectionBudget: Sendable {
    private let room: Atomic<Int>

    package init(bytes: Int) {
        room = Atomic(bytes)
    }

    /// - Returns: whether there was room for `count` bytes; they are returned by ``give(_:)`` then.
    package func take(_ count: Int) -> Bool {
        let left = room.subtract(count, ordering: .relaxed).newValue
        if left < 0 { give(count) }
        return left >= 0
    }

    package func give(_ count: Int) {
        room.add(count, ordering: .relaxed)
    }

    static let ofThisProcess = CollectionBudget(bytes: 64 << 20)
}
