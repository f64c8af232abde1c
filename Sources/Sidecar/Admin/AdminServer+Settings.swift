// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Proxy
import Reactor

extension AdminServer {
    /// Opens the address of the settings; nil when it is off. The default address is not worth a failed start: when another
    /// program has it, such as another Sidegate on the same host, the log says so.
    static func open(
        _ settings: AdminSettings, _ handler: AdminHandler, _ inherited: InheritedSockets, _ logger: Logger
    ) throws(ServiceError) -> AdminServer? {
        guard let address = settings.listen else { return nil }
        let sources = try address.sources(inherited)
        do throws(Server.OpenError) {
            return try AdminServer(listen: sources, handler: handler)
        } catch {
            guard settings.isDefault else { throw ServiceError("`admin.listen`: \(error)") }
            logger.warning(
                "no health and metrics here: set admin.listen to a free address, or to off",
                metadata: ["cause": "\(error)"])
            return nil
        }
    }
}

extension AppProbe {
    init(_ settings: Settings, _ upstream: UpstreamConfiguration) {
        tls = upstream.tls
        switch settings.upstream.address {
        case .unix(let path): socket = path
        default: origin = settings.upstream.address.description
        }
    }
}
