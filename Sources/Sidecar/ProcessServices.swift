// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT
import Logging
import Outbound
import Proxy
import Reactor
import Redis
import SharedState
import Synchronization
import TLS

/// What serves all workers of a process: key sets, the app's word about users, the list of registered users. It has a
/// loop of its own, so nothing of it holds up a browser.
final class ProcessServices: Sendable {
    /// What belongs to one configuration.
    private struct Current {
        var keys: RemoteKeys?
        var emails: ListedEmails?
        var provisioner: HTTPProvisioner?
        var provisioning: ProvisioningSettings?
        var limiter: RateLimiter?
        /// Keep the certificates of the calls up to date.
        var keyWatches: [CertificateWatch] = []
        var provisioningWatches: [CertificateWatch] = []
    }

    /// Another configuration's services, which do nothing before they are put into the place of the ones in force.
    struct Next: Sendable {
        fileprivate let keys: RemoteKeys?
        fileprivate let provisioner: HTTPProvisioner?
        fileprivate let limiter: RateLimiter?
        fileprivate let keyWatches: [CertificateWatch]
        fileprivate let provisioningWatches: [CertificateWatch]
        fileprivate let settings: Settings
        /// What the workers ask.
        let worker: WorkerServices
    }

    let gates = GateRegistry()
    let loop = EventLoop(label: "sidegate.services")
    private let resolver: Resolver
    private let logger: Logger
    private let counters: ProcessCounters
    private let current = Mutex(Current())
    /// What other replicas share, opened once for the process's life; nil: nothing.
    private let shared: Shared?
    /// Used tokens of this process; also beside those of all replicas.
    private let memory = MemoryReplayStore()

    private struct Shared: Sendable {
        let store: RedisReplicaStore
        let revocations: SharedRevocations
        let replayPolicy: ReplicaReplayStore.Policy
        let keepsTokens: Bool
        let keepsSessions: Bool
        let users: NotifiedUsers
        /// Keeps the certificates of its connections up to date.
        let watches: [CertificateWatch]
    }

    /// - Parameter sessionSecrets: with which replicas tell each other of sessions that ended.
    init(
        _ settings: Settings, sessionSecrets: [[UInt8]], resolver: Resolver, counters: ProcessCounters, logger: Logger
    ) throws(ServiceError) {
        self.resolver = resolver
        self.counters = counters
        self.logger = logger
        guard let redis = settings.redis else {
            shared = nil
            return
        }
        var watches: [CertificateWatch] = []
        let tls = redis.address.isSecure ? try Self.tls(redis.tls, "redis", &watches, counters, logger) : nil
        counters.redis(isUp: false)
        let store = RedisReplicaStore(
            RedisConfiguration(redis, tls: tls), prefix: redis.prefix, resolver: resolver, logger: logger,
            observe: { [counters] event in
                switch event {
                case .connected: counters.redis(isUp: true)
                case .lost: counters.redis(isUp: false)
                case .unexpectedReply: counters.unexpectedRedisReply()
                }
            })
        let revocations = SharedRevocations(
            store, coding: RevocationCoding(secrets: sessionSecrets), gates: gates, loop: loop)
        let isLoaded = Reply<Bool>()
        revocations.start { isLoaded.give(true) }
        // Without Redis the process serves all the same.
        _ = isLoaded.wait(milliseconds: Self.loadPatience)
        shared = Shared(
            store: store, revocations: revocations,
            replayPolicy: ReplicaReplayStore.Policy(allowsWithoutStore: settings.replay.allowsWithoutStore),
            keepsTokens: settings.replay.isShared, keepsSessions: settings.session.isShared,
            users: NotifiedUsers(store, secret: sessionSecrets.first ?? [], loop: loop), watches: watches)
    }

    /// What the worker of `loop` keeps used tokens and sessions in; on that loop. Sessions are in cookies when there is
    /// nothing for them.
    func stores(on loop: EventLoop) -> (tokens: any ReplayStore, sessions: (any SessionStore)?) {
        guard let shared else { return (memory, nil) }
        let connection = shared.store.connect(on: loop)
        return (
            shared.keepsTokens
                ? ReplicaReplayStore(
                    shared.store, connection, loop: loop, policy: shared.replayPolicy, witness: memory) : memory,
            shared.keepsSessions ? ReplicaSessionStore(shared.store, connection, loop: loop) : nil
        )
    }

    /// Makes what `settings` name. Whatever is not changed by them, and remembers something, is the one in force.
    func prepare(_ settings: Settings) throws(ServiceError) -> Next {
        let current = current.withLock { current in
            (
                provisioner: current.provisioner, provisioning: current.provisioning, limiter: current.limiter,
                watches: current.provisioningWatches
            )
        }
        var worker = WorkerServices()
        worker.revocations = shared?.revocations ?? gates
        var keyWatches: [CertificateWatch] = []
        let keys = try makeKeys(settings, &keyWatches)
        worker.keys = keys
        var provisioner: HTTPProvisioner?
        var provisioningWatches: [CertificateWatch] = []
        if let wanted = settings.provisioning {
            if let old = current.provisioning, wanted.isSame(as: old) {
                (provisioner, provisioningWatches) = (current.provisioner, current.watches)
            } else {
                provisioner = try makeProvisioner(wanted, &provisioningWatches)
            }
        }
        worker.provisioner = provisioner
        if let rate = settings.limits.requestsPerSecond {
            worker.limiter = current.limiter?.rate == rate ? current.limiter : RateLimiter(rate: rate)
        }
        return Next(
            keys: keys, provisioner: provisioner, limiter: worker.limiter, keyWatches: keyWatches,
            provisioningWatches: provisioningWatches, settings: settings, worker: worker)
    }

    /// The workers are there: what changes reaches them, and what is fetched is begun with.
    func start(_ next: Next, _ server: Server) {
        gates.attach(server)
        install(next)
        next.keys?.start()
        watchEmails(next)
    }

    /// Puts `next` into force in place of what is. `swap` gets the keys that are known by then, gives them and all else to
    /// the workers, and calls back.
    ///
    /// - Parameter sessionSecrets: of the new configuration.
    func replace(
        with next: Next, sessionSecrets: [[UInt8]],
        swap: @escaping @Sendable (KeySet, @escaping @Sendable () -> Void) -> Void,
        _ done: @escaping @Sendable () -> Void
    ) {
        let old = current.withLock { $0.keys }
        let finish: @Sendable () -> Void = { [self] in
            next.keys?.confirm()
            watchEmails(next)
            done()
        }
        current.withLock { $0.emails = nil }
        install(next)
        shared?.revocations.replace(RevocationCoding(secrets: sessionSecrets))
        guard let keys = next.keys else {
            old?.stop()
            return swap(next.settings.token.keys, finish)
        }
        keys.takeOver(from: old) { swap($0, finish) }
    }

    private func install(_ next: Next) {
        current.withLock { current in
            current.keys = next.keys
            current.provisioner = next.provisioner
            current.provisioning = next.settings.provisioning
            current.limiter = next.limiter
            current.keyWatches = next.keyWatches
            current.provisioningWatches = next.provisioningWatches
        }
        guard let shared else { return }
        shared.replayPolicy.allowsWithoutStore = next.settings.replay.allowsWithoutStore
        if let redis = next.settings.redis { shared.store.replaceCredentials(RedisCredentials(redis)) }
    }

    private func makeKeys(
        _ settings: Settings, _ watches: inout [CertificateWatch]
    ) throws(ServiceError) -> RemoteKeys? {
        var sources: [RemoteKeys.Source] = []
        for remote in settings.token.remoteKeys {
            sources.append(
                RemoteKeys.Source(
                    try Self.url(remote.url, "jwksURL"), allowWeak: remote.allowWeakSecret,
                    tls: try tls(remote.tls, "token.keys", &watches)))
        }
        guard !sources.isEmpty else { return nil }
        return RemoteKeys(
            sources, constant: settings.token.keys,
            algorithms: Algorithm.allCases.filter { settings.token.policy.algorithms.contains($0) },
            loop: loop, resolver: resolver, logger: logger,
            ended: { [counters] in counters.keysRefreshed(isGood: $0) },
            apply: { [gates] in gates.replaceKeys($0, $1) })
    }

    private func makeProvisioner(
        _ settings: ProvisioningSettings, _ watches: inout [CertificateWatch]
    ) throws(ServiceError) -> HTTPProvisioner {
        HTTPProvisioner(
            try Self.url(settings.url, "provisioning.url"), secret: settings.secret?.bytes,
            eachLogin: settings.eachLogin,
            shared: shared?.users, loop: loop,
            resolver: resolver,
            tls: try tls(settings.tls, "provisioning", &watches), logger: logger)
    }

    private func watchEmails(_ next: Next) {
        let emails = next.settings.access.emailsFile.map { path in
            ListedEmails(
                path, now: next.settings.access.listedEmails, logger: logger, read: Self.readEmails,
                apply: { [gates] in gates.replaceListedEmails($0) })
        }
        current.withLock { $0.emails = emails }
    }

    private static func url(_ text: String, _ key: String) throws(ServiceError) -> OutboundURL {
        guard let url = OutboundURL(text) else {
            throw ServiceError(
                "`\(key)` is no URL that can be called: write it as http://host/path or https://host/path")
        }
        return url
    }

    /// What https calls are made from, and what keeps it up to date.
    private func tls(
        _ settings: ClientTLSSettings, _ section: String, _ watches: inout [CertificateWatch]
    ) throws(ServiceError) -> TLSClientContext {
        try Self.tls(settings, section, &watches, counters, logger)
    }

    private static func tls(
        _ settings: ClientTLSSettings, _ section: String, _ watches: inout [CertificateWatch],
        _ counters: ProcessCounters, _ logger: Logger
    ) throws(ServiceError) -> TLSClientContext {
        do {
            let context = try TLSClientContext(TLSClientConfiguration(settings))
            watches.append(
                CertificateWatch(
                    settings, section, logger: logger,
                    told: { [counters] in counters.certificatesReloaded(section, isGood: $0) }
                ) {
                    try context.replace(with: TLSClientConfiguration($0))
                })
            return context
        } catch {
            throw ServiceError("connections over TLS are not possible: \(error)")
        }
    }

    /// How long the start waits for the revocations in force, in milliseconds.
    private static let loadPatience: Int32 = 1000

    @Sendable
    private static func readEmails(_ path: String) -> Result<[String], ListedEmails.Problem> {
        do {
            let list = try EmailList.read(path)
            guard let problem = list.problems.first else { return .success(list.emails) }
            return .failure(ListedEmails.Problem("line \(problem.line): \(problem.message)"))
        } catch {
            return .failure(ListedEmails.Problem(error.message))
        }
    }
}
