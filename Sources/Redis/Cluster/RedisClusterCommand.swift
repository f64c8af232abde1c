// SPDX-License-Identifier: Apache-2.0

import Reactor

/// A command on its way through a cluster: it is completed once, at its deadline at the latest, however often it is sent.
final class RedisClusterCommand {
    /// nil: any server can execute it.
    let slot: Int?
    let encoded: [UInt8]
    let name: [UInt8]
    let deadline: MonotonicTime
    private var attempts = RedisAttempts()
    /// Released on completion.
    private var pending: PendingCommand?
    private var timer: LoopTimer?
    /// Why it waits to be sent again, and where.
    private var pause: (cause: RedisFailure, next: RedisAttempts.Destination)?

    init(_ pending: PendingCommand, slot: Int?) {
        self.pending = pending
        self.slot = slot
        (encoded, name, deadline) = (pending.encoded, pending.name, pending.deadline)
    }

    var isDone: Bool { pending == nil }

    /// Starts its time limit.
    ///
    /// - Parameter due: called at the end of a pause, and at the deadline.
    func start(on loop: EventLoop, _ due: @escaping (RedisClusterCommand) -> Void) {
        timer = loop.makeTimer { [weak self] in
            if let self { due(self) }
        }
        timer?.set(deadline)
    }

    func step(
        after redirection: RedisRedirection, at destination: RedisAttempts.Destination, timeout: Nanoseconds
    ) -> RedisAttempts.Step {
        attempts.step(after: redirection, at: destination, timeout: timeout)
    }

    /// - Parameter cause: what it fails with if the deadline comes first.
    func wait(until time: MonotonicTime, _ cause: RedisFailure, then next: RedisAttempts.Destination) {
        pause = (cause, next)
        timer?.set(min(time, deadline))
    }

    /// The pause is over: where it is sent now.
    func resume() -> RedisAttempts.Destination {
        let next = pause?.next ?? .owner
        pause = nil
        timer?.set(deadline)
        return next
    }

    /// What it fails with at its deadline.
    var lateness: RedisFailure { pause?.cause ?? .timeout }

    /// - Returns: false if the reply has another type than the command's.
    func accept(_ reply: RESPValue) -> Bool {
        // It is too late, or the cluster was closed; the reply belongs to it nevertheless.
        guard let pending else { return true }
        self.pending = nil
        guard pending.accept(reply) else {
            self.pending = pending
            return false
        }
        timer?.cancel()
        return true
    }

    func fail(_ failure: RedisFailure) {
        guard let pending else { return }
        self.pending = nil
        timer?.cancel()
        pending.fail(failure)
    }
}
