// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Outbound
import Reactor
import SharedState
import Synchronization

/// Notifies the app of users before their first request (`provisioning`).
final class ProvisioningService: Sendable {
    /// The provisioner of one configuration; the one in force where the configuration leaves it unchanged, since it
    /// remembers the users.
    struct Prepared: Sendable {
        let provisioner: HTTPProvisioner
        fileprivate let settings: ProvisioningSettings
        fileprivate let tls: ClientTLS
    }

    private let notified: NotifiedUsers?
    private let loop: EventLoop
    private let resolver: Resolver
    private let counters: ProcessCounters
    private let logger: Logger
    private let current = Mutex<Prepared?>(nil)

    /// - Parameter notified: the users that other replicas notified the app of; nil: not shared.
    init(
        notified: NotifiedUsers?, loop: EventLoop, resolver: Resolver, counters: ProcessCounters, logger: Logger
    ) {
        self.notified = notified
        self.loop = loop
        self.resolver = resolver
        self.counters = counters
        self.logger = logger
    }

    /// nil: the configuration has no provisioning.
    func prepare(_ settings: Settings) throws(ServiceError) -> Prepared? {
        guard let wanted = settings.provisioning else { return nil }
        if let current = current.withLock({ $0 }), wanted.isSame(as: current.settings) { return current }
        let url = try OutboundURL(callable: wanted.url, "provisioning.url")
        let tls = try ClientTLS(wanted.tls, "provisioning", counters: counters, logger: logger)
        let provisioner = HTTPProvisioner(
            url, secret: wanted.secret?.bytes, eachLogin: wanted.eachLogin, shared: notified, loop: loop,
            resolver: resolver, tls: tls.context, logger: logger)
        return Prepared(provisioner: provisioner, settings: wanted, tls: tls)
    }

    func start(_ prepared: Prepared?) { replace(with: prepared) }

    /// Calls in flight of the old provisioner are completed.
    func replace(with next: Prepared?) {
        current.withLock { $0 = next }
    }

    /// The certificate that it presents.
    var certificates: [CertificateReport] { current.withLock { $0?.tls.reports ?? [] } }

    func stop() { replace(with: nil) }
}
