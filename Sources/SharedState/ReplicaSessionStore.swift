// SPDX-License-Identifier: Apache-2.0

import Gate
import Proxy
import Reactor

/// Keeps sessions in the store of all replicas until they were idle for too long. Each is sealed by its ticket and
/// stored under its identifier.
///
/// One for each loop, over that loop's connection.
package final class ReplicaSessionStore: SessionStore {
    private let store: any ReplicaStore
    private let loop: EventLoop
    private let connection: LoopBound<any ReplicaConnection>

    /// - Parameter connection: of `loop`.
    package init(_ store: any ReplicaStore, _ connection: any ReplicaConnection, loop: EventLoop) {
        self.store = store
        self.loop = loop
        self.connection = loop.bind(connection)
    }

    /// Reads the session, and writes at most once in each renewal interval, however many replicas read it.
    package func fetch(_ session: SessionReference, _ done: @escaping @Sendable (SessionAnswer) -> Void) {
        let renewal = TimeToLiveExtension(
            threshold: session.timeToLive - session.renewalInterval, timeToLive: session.timeToLive)
        let key = ReplicaKey(.session, session.id)
        onConnection { [store] connection in
            connection.get(key, atMost: Self.maximumRecord, extending: renewal) { result in
                switch result {
                case .success(let record?): done(.found(record))
                case .success(nil): done(.gone)
                case .failure(let failure):
                    store.report(failure, Self.purpose)
                    done(.unavailable)
                }
            }
        }
    }

    package func keep(_ session: NewStoredSession, _ done: @escaping @Sendable (Bool) -> Void) {
        let (key, record, timeToLive) = (ReplicaKey(.session, session.id), session.record, session.timeToLive)
        let replaced = session.replaced.map { ReplicaKey(.session, $0) }
        onConnection { [self] connection in
            connection.put(key, record, timeToLive: timeToLive) { [self] result in
                switch result {
                case .success:
                    if let replaced { onConnection { $0.delete(replaced) } }
                    done(true)
                case .failure(let failure):
                    store.report(failure, Self.purpose)
                    done(false)
                }
            }
        }
    }

    private func onConnection(_ body: @escaping @Sendable (any ReplicaConnection) -> Void) {
        loop.submit { [connection] in connection.assumeOnLoop(body) }
    }

    private static let purpose = "a session"
    /// Bytes of a sealed session; far more than claims can take.
    private static let maximumRecord = 1 << 18
}
