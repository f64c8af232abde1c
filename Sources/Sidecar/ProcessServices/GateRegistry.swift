// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Proxy
import SharedState
import Synchronization

/// The gates of all workers, for services that change keys, lists and revocations while the gates run.
///
/// It is made before the workers, which need it. Changes that come before ``attach(_:)`` are applied then.
package final class GateRegistry: LocalGates {
    private struct State {
        var server: Server<Worker>?
        var early: [@Sendable (Server<Worker>) -> Void] = []
        var observer: (@Sendable ([Revocation]) -> Void)?
    }

    private let state = Mutex(State())
    private let ended: EndedSessionsReport

    init(_ ended: EndedSessionsReport) {
        self.ended = ended
    }

    /// The workers have started.
    package func attach(_ server: Server<Worker>) {
        let early = state.withLock { state in
            state.server = server
            let early = state.early
            state.early = []
            return early
        }
        for work in early { work(server) }
    }

    /// Replaces the keys of the provider of this name; `done` is called when they are in force on every loop.
    package func replaceKeys(
        _ keys: KeySet, of provider: String = "", _ done: @escaping @Sendable () -> Void = {}
    ) {
        withServer { server in
            server.onEachWorker({ worker in worker.update { $0.replaceKeys(keys, of: provider) } }, done)
        }
    }

    /// Replaces what is known of an OpenID provider; `done` is called when it is in force on every loop.
    func replaceProvider(_ known: KnownProvider, _ done: @escaping @Sendable () -> Void) {
        withServer { server in
            server.onEachWorker(
                { worker in
                    worker.update { $0.replaceProvider(known.name, known.metadata, keys: known.keys) }
                }, done)
        }
    }

    /// Replaces the addresses of an `emailsFile`.
    ///
    /// - Parameter provider: the name of the one whose users they are; nil: they are those of `access.users`.
    package func replaceListedEmails(
        _ emails: [String], of provider: String? = nil, _ done: @escaping @Sendable () -> Void = {}
    ) {
        withServer { server in
            server.onEachWorker({ worker in worker.update { $0.replaceListedEmails(emails, of: provider) } }, done)
        }
    }

    /// `observer` gets all revocations from now on, from here and from other replicas; it is called on any thread.
    func observe(_ observer: @escaping @Sendable ([Revocation]) -> Void) {
        state.withLock { $0.observer = observer }
    }

    private func report(_ revocations: [Revocation]) {
        state.withLock { $0.observer }?(revocations)
    }

    package func revoke(_ revocation: Revocation, _ done: @escaping @Sendable (Bool) -> Void) {
        report([revocation])
        let missing = MissingRevocations()
        withServer { [ended] server in
            server.onEachWorker(
                { worker in
                    if !worker.revoke(revocation) { missing.note(1) }
                },
                {
                    ended.full(.gate, missing.count)
                    done(missing.count == 0)
                })
        }
    }

    package func tokenSpent(_ replayKeys: [[UInt8]], _ done: @escaping @Sendable () -> Void) {
        withServer { server in
            server.onEachWorker({ $0.tokenSpent(replayKeys) }, done)
        }
    }

    /// Revocations that came from other replicas.
    package func revoke(all revocations: [Revocation]) {
        report(revocations)
        let missing = MissingRevocations()
        withServer { [ended] server in
            server.onEachWorker(
                { missing.note($0.revoke(all: revocations)) }, { ended.full(.gate, missing.count) })
        }
    }

    package func revocationNotKept() { ended.full(.redis, 1) }

    private func withServer(_ work: @escaping @Sendable (Server<Worker>) -> Void) {
        let server = state.withLock { state in
            if state.server == nil { state.early.append(work) }
            return state.server
        }
        if let server { work(server) }
    }

    /// How many revocations the workers had no room for: the most that one of them had none for.
    private final class MissingRevocations: Sendable {
        private let most = Atomic(0)

        func note(_ count: Int) { most.max(count, ordering: .relaxed) }

        var count: Int { most.load(ordering: .relaxed) }
    }
}
