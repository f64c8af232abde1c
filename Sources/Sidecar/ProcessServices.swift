// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT
import Logging
import Outbound
import Proxy
import Reactor
import Redis
import TLS

/// What serves all workers of a process: key sets, the app's word about users, the list of registered users. It has a
/// loop of its own, so nothing of it holds up a browser.
final class ProcessServices: Sendable {
    let gates = LiveGates()
    /// What the workers ask.
    let worker: WorkerServices
    private let keys: RemoteKeys?
    private let emails: ListedEmails?
    private let watches: [CertificateWatch]
    /// What other replicas share; nil: nothing.
    let shared: SharedStore?
    /// Used tokens of this process; also beside those of all replicas.
    private let memory = MemoryReplayStore()
    private let sharesTokens: Bool
    private let sharesSessions: Bool
    private let allowsWithoutStore: Bool

    init(
        _ settings: Settings, gate: GateConfiguration, resolver: Resolver, logger: Logger
    ) throws(ServiceError) {
        let loop = EventLoop(label: "sidegate.services")
        let gates = gates
        var worker = WorkerServices()
        worker.revocations = gates
        sharesTokens = settings.replay.isShared
        sharesSessions = settings.session.isShared
        allowsWithoutStore = gate.replayFailure == .allow
        var watches: [CertificateWatch] = []
        if let redis = settings.redis {
            let tls = redis.address.isSecure ? try Self.tls(redis.tls, "redis", logger, &watches) : nil
            let shared = SharedStore(
                RedisConfiguration(redis, tls: tls), prefix: redis.prefix, resolver: resolver, logger: logger)
            let revocations = SharedRevocations(
                shared, coding: RevocationCoding(secrets: gate.session.secrets), gates: gates, loop: loop)
            revocations.start()
            worker.revocations = revocations
            self.shared = shared
        } else {
            shared = nil
        }

        var sources: [RemoteKeys.Source] = []
        for remote in settings.token.remoteKeys {
            sources.append(
                RemoteKeys.Source(
                    try Self.url(remote.url, "jwksURL"), allowWeak: remote.allowWeakSecret,
                    tls: try Self.tls(remote.tls, "token.keys", logger, &watches)))
        }
        if sources.isEmpty {
            keys = nil
        } else {
            let keys = RemoteKeys(
                sources, constant: settings.token.keys, algorithms: Array(settings.token.policy.algorithms), loop: loop,
                resolver: resolver, logger: logger,
                apply: { gates.replaceKeys($0, $1) })
            worker.keys = keys
            self.keys = keys
        }

        if let provisioning = settings.provisioning {
            worker.provisioner = HTTPProvisioner(
                try Self.url(provisioning.url, "provisioning.url"), secret: provisioning.secret?.bytes,
                eachLogin: provisioning.eachLogin, loop: loop, resolver: resolver,
                tls: try Self.tls(provisioning.tls, "provisioning", logger, &watches), logger: logger)
        }
        self.worker = worker
        self.watches = watches

        emails = settings.access.emailsFile.map { path in
            ListedEmails(
                path, now: settings.access.listedEmails, logger: logger, read: Self.readEmails,
                apply: { gates.replaceListedEmails($0) })
        }
    }

    /// The workers are there: what changes reaches them, and what is fetched is begun with.
    func start(_ server: Server) {
        gates.attach(server)
        keys?.start()
    }

    /// What one loop's worker runs with; on that loop.
    func stores(on loop: EventLoop) -> (tokens: any ReplayStore, services: WorkerServices) {
        guard let shared else { return (memory, worker) }
        let connection = shared.connect(on: loop)
        let tokens: any ReplayStore =
            sharesTokens
            ? RedisReplayStore(shared, connection, loop: loop, witness: allowsWithoutStore ? memory : nil) : memory
        var services = worker
        if sharesSessions { services.sessions = RedisSessionStore(shared, connection, loop: loop) }
        return (tokens, services)
    }

    private static func url(_ text: String, _ key: String) throws(ServiceError) -> OutboundURL {
        guard let url = OutboundURL(text) else {
            throw ServiceError(
                "`\(key)` is no URL that can be called: write it as http://host/path or https://host/path")
        }
        return url
    }

    /// What https calls are made from, and what keeps it up to date.
    private static func tls(
        _ settings: ClientTLSSettings, _ section: String, _ logger: Logger, _ watches: inout [CertificateWatch]
    ) throws(ServiceError) -> TLSClientContext {
        do {
            let context = try TLSClientContext(TLSClientConfiguration(settings))
            watches.append(
                CertificateWatch(settings, section, logger: logger) {
                    try context.replace(with: TLSClientConfiguration($0))
                })
            return context
        } catch {
            throw ServiceError("https calls are not possible: \(error)")
        }
    }

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
