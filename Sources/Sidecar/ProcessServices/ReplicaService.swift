// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import Logging
import Proxy
import Reactor
import Redis
import SharedState

/// What this process shares with other replicas (`redis`), for the whole life of the process.
final class ReplicaService: Sendable {
    /// The users that any replica notified the app of.
    let notifiedUsers: NotifiedUsers
    /// Ends sessions on all replicas.
    let revocations: SharedRevocations
    /// The sessions that the replicas have seen.
    let sessions: SharedSessions
    private let store: any RedisBackedStore
    /// nil: no sentinels are asked.
    private let locator: RedisSentinelLocator?
    private let policy: ReplicaReplayStore.Policy
    private let unusedTokens = UnusedTokens()
    private let gates: GateRegistry
    private let keepsTokens: Bool
    private let keepsSessions: Bool
    private let tls: ClientTLS?

    /// - Parameter secrets: of sessions; the first seals what replicas exchange, all open it.
    init(
        _ redis: RedisSettings, _ settings: Settings, secrets: [[UInt8]], gates: GateRegistry, loop: EventLoop,
        resolver: Resolver, counters: ProcessCounters, logger: Logger
    ) throws(ServiceError) {
        tls = redis.isSecure ? try ClientTLS(redis.tls, "redis", counters: counters, logger: logger) : nil
        counters.redis(isUp: false)
        locator = Self.makeLocator(
            redis, tls: tls?.context, loop: loop, resolver: resolver, counters: counters, logger: logger)
        store = try Self.makeStore(
            redis, locator, tls: tls?.context, resolver: resolver, counters: counters, logger: logger)
        revocations = SharedRevocations(
            store, coding: RevocationCoding(secrets: secrets), gates: gates, loop: loop)
        sessions = SharedSessions(store, coding: SeenSessionCoding(secrets: secrets), loop: loop)
        notifiedUsers = NotifiedUsers(store, secret: secrets.first ?? [], loop: loop)
        self.gates = gates
        policy = ReplicaReplayStore.Policy(allowsWithoutStore: settings.replay.allowsWithoutStore)
        keepsTokens = settings.replay.isShared
        keepsSessions = settings.session.isShared
    }

    /// Connects, and waits for the revocations in force, but not for long: the process also serves without Redis.
    func start() {
        locator?.start()
        let isLoaded = Reply<Bool>()
        revocations.start { isLoaded.give(true) }
        _ = isLoaded.wait(milliseconds: Self.loadPatience)
    }

    /// Stores of the worker of `loop`, opened on that loop; nil: not shared.
    ///
    /// - Parameter witness: the tokens that this process accepted.
    func stores(
        on loop: EventLoop, witness: any TokenWitness
    ) -> (tokens: (any ReplayStore)?, sessions: (any SessionStore)?) {
        let connection = store.connect(on: loop)
        return (
            keepsTokens
                ? ReplicaReplayStore(
                    store, connection, loop: loop, policy: policy, witness: witness, unused: unusedTokens,
                    endBearer: { [gates] keys, done in gates.tokenSpent(keys, done) }) : nil,
            keepsSessions ? ReplicaSessionStore(store, connection, loop: loop) : nil
        )
    }

    /// Follows `settings`, but for the server itself, which stays the one of the start.
    func replace(with settings: Settings, secrets: [[UInt8]]) {
        policy.allowsWithoutStore = settings.replay.allowsWithoutStore
        if let redis = settings.redis {
            store.replaceCredentials(RedisCredentials(redis))
            locator?.replaceCredentials(RedisCredentials(sentinels: redis))
        }
        revocations.replace(RevocationCoding(secrets: secrets))
        sessions.replace(SeenSessionCoding(secrets: secrets))
    }

    /// The certificate that it presents.
    var certificates: [CertificateReport] { tls?.reports ?? [] }

    func stop() {
        revocations.stop()
        locator?.close()
    }

    /// Milliseconds.
    private static let loadPatience: Int32 = 1000
}
