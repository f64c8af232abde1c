// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc
import HTTP
import Proxy
import Synchronization

/// Questions that a test answers at any time, or never.
final class Questions<Question: Sendable, Answer: Sendable>: Sendable {
    typealias Done = @Sendable (Answer) -> Void

    private let open = Mutex<[(question: Question, done: Done)]>([])
    private let total = Atomic<Int>(0)

    /// How many were asked in all.
    var count: Int { total.load(ordering: .relaxed) }

    func ask(_ question: Question, _ done: @escaping Done) {
        open.withLock { $0.append((question, done)) }
        total.add(1, ordering: .relaxed)
    }

    /// The next one that was not taken.
    func next() throws -> (question: Question, done: Done) {
        for _ in 0..<5000 {
            let first = open.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let first { return first }
            usleep(2000)
        }
        throw Wire.Failure.timeout
    }
}

final class ScriptedKeys: KeyRefresher {
    let questions = Questions<Void, Void>()

    func refresh(_ providers: [String], isProven: Bool, _ done: @escaping @Sendable () -> Void) {
        questions.ask(()) { done() }
    }
}

final class ScriptedProvisioner: Provisioner {
    let questions = Questions<ProvisioningCall, ProvisioningOutcome>()

    func provision(_ call: ProvisioningCall, _ done: @escaping @Sendable (ProvisioningOutcome) -> Void) {
        questions.ask(call, done)
    }
}

final class ScriptedRevocations: RevocationBroadcaster {
    let questions = Questions<Revocation, Bool>()

    func revoke(_ revocation: Revocation, _ done: @escaping @Sendable (Bool) -> Void) {
        questions.ask(revocation, done)
    }

    let spent = Questions<[[UInt8]], Void>()

    func tokenSpent(_ replayKeys: [[UInt8]], _ done: @escaping @Sendable () -> Void) {
        spent.ask(replayKeys) { done() }
    }
}

final class ScriptedReplayStore: ReplayStore {
    let questions = Questions<[[UInt8]], ReplayVerdict>()

    let uses = Questions<[[UInt8]], TokenUse>()

    func consume(
        _ keys: ReplayKeys, for retention: Retention, now: ClockReading,
        _ completion: @escaping @Sendable (ReplayVerdict) -> Void
    ) {
        questions.ask(keys.names, completion)
    }

    func use(
        of keys: ReplayKeys, until expiry: Double, _ completion: @escaping @Sendable (TokenUse) -> Void
    ) {
        uses.ask(keys.names, completion)
    }

    func knownUse(of keys: [[UInt8]]) -> TokenUse? { nil }
}
