// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Values from other threads, for a test to wait for.
///
/// There is no time limit: the suite's limit cancels the test, and ``next()`` then throws.
package final class Mailbox<Value: Sendable>: Sendable {
    package struct NothingCame: Error {}

    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation
    private let waiting = Atomic<Int>(0)

    package init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    package func send(_ value: Value) {
        waiting.add(1, ordering: .relaxed)
        continuation.yield(value)
    }

    /// Whether all values sent have been taken.
    package var isEmpty: Bool { waiting.load(ordering: .relaxed) == 0 }

    /// The next value, in the order of sending. For one waiter at a time.
    package func next() async throws -> Value {
        var iterator = stream.makeAsyncIterator()
        guard let value = await iterator.next() else { throw NothingCame() }
        waiting.subtract(1, ordering: .relaxed)
        return value
    }

    package func next(_ count: Int) async throws -> [Value] {
        var values: [Value] = []
        while values.count < count { values.append(try await next()) }
        return values
    }
}

extension Mailbox<Void> {
    package func send() { send(()) }
}
