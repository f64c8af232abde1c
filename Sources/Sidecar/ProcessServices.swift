// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT
import Logging
import Outbound
import Proxy
import Reactor
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

    init(_ settings: Settings, resolver: Resolver, logger: Logger) throws(ServiceError) {
        let loop = EventLoop(label: "sidegate.services")
        let gates = gates
        var worker = WorkerServices()
        worker.revocations = gates

        var watches: [CertificateWatch] = []
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
