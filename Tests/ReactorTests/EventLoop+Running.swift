// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Reactor
import TestSupport

/// Reports its own release.
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
