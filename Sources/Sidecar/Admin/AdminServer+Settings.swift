// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Proxy
import Reactor

extension AdminServer {
    /// Opens the address of the settings; nil when it is off. When the default address is in use, such as by another
    /// Sidegate on the same host, this is logged, and startup continues without it.
    static func open(
        _ settings: AdminSettings, _ handler: AdminHandler, _ inherited: InheritedSockets, _ logger: Logger
    ) throws(ServiceError) -> AdminServer? {
        guard let address = settings.listen else { return nil }
        let sources = try address.sources(inherited)
        do throws(OpenError) {
            return try AdminServer(listen: sources, handler: handler)
        } catch {
            var error = error
            error.option = "admin.listen"
            guard settings.isDefault else { throw ServiceError("`admin.listen`: \(error)") }
            logger.warning(
                "health and metrics are not available: set admin.listen to a free address, or to off",
                metadata: ["cause": "\(error)"])
            return nil
        }
    }
}

extension AppProbe {
    init(_ settings: Settings, _ upstream: UpstreamConfiguration) {
        tls = upstream.tls
        leniency = upstream.leniency
        switch settings.upstream.address {
        case .unix(let path): socket = path
        default: origin = settings.upstream.address.description
        }
    }
}
