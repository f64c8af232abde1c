// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import TLS

/// What the process's own TLS connections are made from. Its certificates follow their files for as long as it lives.
struct ClientTLS: Sendable {
    let context: TLSClientContext
    private let watch: CertificateWatch

    /// The certificate that it presents, if any.
    var reports: [CertificateReport] { watch.reports }

    /// - Parameter section: of the configuration, for the log and the metrics.
    init(
        _ settings: ClientTLSSettings, _ section: String, counters: ProcessCounters, logger: Logger
    ) throws(ServiceError) {
        do {
            let context = try TLSClientContext(TLSClientConfiguration(settings))
            self.context = context
            watch = CertificateWatch(
                settings, section, logger: logger,
                ended: { counters.certificatesReloaded(section, isGood: $0) }
            ) {
                try context.replace(with: TLSClientConfiguration($0))
            }
        } catch {
            throw ServiceError("connections over TLS are not possible: \(error)")
        }
    }
}
