// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A value from elsewhere, for a test to wait for.
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

    /// Nothing was sent that was not taken.
    package var isEmpty: Bool { waiting.load(ordering: .relaxed) == 0 }

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
