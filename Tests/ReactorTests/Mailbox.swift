// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Reactor

/// What happens elsewhere, for a test to wait for.
///
/// A test waits without a time of its own; its suite's limit cancels it, and ``next()`` then throws.
final class Mailbox<Value: Sendable>: Sendable {
    struct NothingCame: Error {}

    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func send(_ value: Value) {
        continuation.yield(value)
    }

    /// The next value, in the order of sending. For one waiter at a time.
    func next() async throws -> Value {
        var iterator = stream.makeAsyncIterator()
        guard let value = await iterator.next() else { throw NothingCame() }
        return value
    }

    func next(_ count: Int) async throws -> [Value] {
        var values: [Value] = []
        while values.count < count { values.append(try await next()) }
        return values
    }
}

extension Mailbox<Void> {
    func send() { send(()) }
}

/// Tells of its own end: shows that whoever held it let go.
final class Sentinel: Sendable {
    private let released: Mailbox<Void>

    init(_ released: Mailbox<Void>) {
        self.released = released
    }

    func touch() {}

    deinit {
        released.send()
    }
}

extension LoopBound {
    /// ``assumeOnLoop(_:)`` for a body that may throw.
    func tryOnLoop<Value>(_ body: (State) throws -> Value) throws -> Value {
        try assumeOnLoop { state in Result { try body(state) } }.get()
    }
}

extension EventLoop {
    convenience init(_ kind: Kind) {
        self.init(label: "test.\(kind)", kind: kind)
    }

    /// Waits until the loop has given its queue back: it lingers no more.
    func idle() async throws {
        try await onThread { self.queue.sync {} }
    }

    /// Runs `body` on the loop and waits for what it returns.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let answer = Mailbox<Result<Value, any Error>>()
        submit { answer.send(Result(catching: body)) }
        return try await answer.next().get()
    }
}
