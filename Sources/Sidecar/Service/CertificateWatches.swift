// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Proxy
import Synchronization
import TLS

/// Watches the files of the certificates towards browsers and apps, which are re-read without a reload.
final class CertificateWatches: Sendable {
    private let counters: ProcessCounters
    private let logger: Logger
    private let watches = Mutex<[CertificateWatch]>([])

    init(counters: ProcessCounters, logger: Logger) {
        self.counters = counters
        self.logger = logger
    }

    /// Watches the files of `settings` in place of others.
    ///
    /// - Parameters:
    ///   - proxy: of the same settings.
    ///   - tls: for connections of browsers.
    ///   - admin: for those of operators.
    func replace(
        _ settings: Settings, _ proxy: ProxyConfiguration, _ tls: TLSServerContext?, admin: TLSServerContext?
    ) {
        var fresh: [CertificateWatch] = []
        let offersHTTP2 = settings.limits.http2.isEnabled
        if let wanted = settings.tls, let tls {
            fresh.append(
                CertificateWatch(wanted, "tls", logger: logger, ended: ended("tls")) {
                    try tls.replace(with: TLSServerConfiguration($0, offersHTTP2: offersHTTP2))
                })
        }
        if let wanted = settings.admin.tls, let admin {
            fresh.append(
                CertificateWatch(wanted, "admin.tls", logger: logger, ended: ended("admin.tls")) {
                    try admin.replace(with: TLSServerConfiguration($0, offersHTTP2: false))
                })
        }
        if let context = proxy.upstream.tls { fresh.append(watch(settings.upstream, "upstream.tls", context)) }
        for (index, app) in settings.apps.enumerated() where index < proxy.otherUpstreams.count {
            guard let context = proxy.otherUpstreams[index].tls else { continue }
            fresh.append(watch(app.upstream, "upstreams[\(index)].tls", context))
        }
        let watching = fresh
        watches.withLock { $0 = watching }
    }

    /// The certificates in force.
    var reports: [CertificateReport] { watches.withLock { $0 }.flatMap(\.reports) }

    private func watch(
        _ upstream: UpstreamSettings, _ section: String, _ context: TLSClientContext
    ) -> CertificateWatch {
        let offersHTTP2 = upstream.offersHTTP2
        return CertificateWatch(upstream.tls, section, logger: logger, ended: ended(section)) {
            try context.replace(with: TLSClientConfiguration($0, offersHTTP2: offersHTTP2))
        }
    }

    private func ended(_ section: String) -> @Sendable (Bool) -> Void {
        { [counters] in counters.certificatesReloaded(section, isGood: $0) }
    }
}
