// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor
import Synchronization

/// Remembers used tokens for all replicas, until they expire. A token is consumed by one atomic operation, whose result
/// says whether it had been consumed before.
///
/// One for each loop, over that loop's connection.
package final class ReplicaReplayStore: ReplayStore {
    /// `replay.onFailure: allow`; shared by all loops, and changed by a reload.
    package final class Policy: Sendable {
        private let allows: Atomic<Bool>

        package init(allowsWithoutStore: Bool) {
            allows = Atomic(allowsWithoutStore)
        }

        /// A token that the store could not check is accepted.
        package var allowsWithoutStore: Bool {
            get { allows.load(ordering: .relaxed) }
            set { allows.store(newValue, ordering: .relaxed) }
        }
    }

    private let store: any ReplicaStore
    private let loop: EventLoop
    private let connection: LoopBound<any ReplicaConnection>
    private let policy: Policy
    /// The tokens that this process accepted, and those that the store reported as used. They are not accepted again, even
    /// if the store fails or forgets them: it measures time by its own clock only, and with `replay.onFailure: allow` it
    /// may never have seen them.
    private let witness: any TokenWitness
    /// The tokens that the store has reported as unused to this process.
    private let unused: UnusedTokens
    private let endBearer: @Sendable (_ keys: [[UInt8]], _ done: @escaping @Sendable () -> Void) -> Void

    /// - Parameters:
    ///   - connection: of `loop`.
    ///   - witness: the process's, as is `unused`.
    ///   - endBearer: has all loops of the process forget that a token was good as bearer, then calls `done`.
    package init(
        _ store: any ReplicaStore, _ connection: any ReplicaConnection, loop: EventLoop, policy: Policy,
        witness: any TokenWitness, unused: UnusedTokens,
        endBearer: @escaping @Sendable (_ keys: [[UInt8]], _ done: @escaping @Sendable () -> Void) -> Void
    ) {
        self.store = store
        self.loop = loop
        self.connection = loop.bind(connection)
        self.policy = policy
        self.witness = witness
        self.unused = unused
        self.endBearer = endBearer
    }

    package func consume(
        _ keys: ReplayKeys, for retention: Retention, now: ClockReading,
        _ completion: @escaping @Sendable (ReplayVerdict) -> Void
    ) {
        let (names, keys) = (Self.names(keys), keys.names)
        loop.submit { [self] in
            connection.assumeOnLoop { connection in
                connection.consume(names, timeToLive: max(1, retention.span) + Self.margin) { [self] result in
                    var verdict = verdict(result)
                    if verdict != .unavailable || policy.allowsWithoutStore { unused.remove(keys) }
                    // A token that the store did not check is not accepted, and may be tried again.
                    if verdict != .unavailable || policy.allowsWithoutStore,
                        witness.consume(keys, for: retention, now: now) == .replayed
                    {
                        verdict = .replayed
                    }
                    completion(verdict)
                }
            }
        }
    }

    package func use(
        of keys: ReplayKeys, until expiry: Double, _ completion: @escaping @Sendable (TokenUse) -> Void
    ) {
        let (names, keys) = (Self.names(keys), keys.names)
        loop.submit { [self] in
            unused.expect(keys)
            connection.assumeOnLoop { connection in
                connection.isConsumed(names) { [self] result in
                    switch result {
                    case .success(false):
                        unused.confirm(keys, until: expiry)
                        completion(.unused)
                    case .success(true):
                        unused.remove(keys)
                        remember(keys, until: expiry)
                        // Not left to the request, whose client may be gone.
                        endBearer(keys) { completion(.used) }
                    case .failure(let failure):
                        store.report(failure, Self.purpose)
                        completion(unused.contains(keys, now: loop.wallClock) ? .lastKnownUnused : .unavailable)
                    }
                }
            }
        }
    }

    package func knownUse(of keys: [[UInt8]]) -> TokenUse? { witness.isUsed(keys) ? .used : nil }

    private static func names(_ keys: ReplayKeys) -> [ReplicaKey] {
        keys.names.map { ReplicaKey(.token, $0, group: keys.group) }
    }

    /// Another replica has accepted a token: this process refuses it until its end, whatever becomes of the store.
    private func remember(_ keys: [[UInt8]], until expiry: Double) {
        let now = ClockReading(wall: loop.wallClock, monotonic: loop.now.seconds)
        _ = witness.consume(keys, for: Retention(until: expiry, now: now.wall), now: now)
    }

    private func verdict(_ result: Result<Bool, ReplicaFailure>) -> ReplayVerdict {
        switch result {
        case .success(let isFirst): return isFirst ? .fresh : .replayed
        case .failure(let failure):
            store.report(failure, Self.purpose)
            return .unavailable
        }
    }

    private static let purpose = "single use of a token"
    /// Seconds beyond the token's own life, for replicas whose clocks are behind.
    private static let margin = 120.0
}
