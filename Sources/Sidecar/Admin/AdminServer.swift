// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Proxy
import Reactor
import TLS

/// The admin listener (`admin.listen`): health, metrics, and the console with its commands.
///
/// The server has a loop of its own and queries the others on request, so it costs them nothing in between, and a loop
/// that hangs is noticed.
final class AdminServer: Sendable {
    private let server: Server<PlainServer>

    var addresses: [SocketAddress] { server.addresses }

    /// - Parameter tls: nil: plain HTTP.
    init(
        listen: [ListenSource], tls: TLSServerContext?, handler: AdminHandler
    ) throws(OpenError) {
        var limits = ConnectionLimits()
        // Requests of the console take a part of these at most (``DoorSlots``), and what is idle or incomplete makes room.
        limits.connections = 128
        limits.evictsIncomplete = true
        limits.keepAliveTimeout = .seconds(30)
        let bounds = limits
        server = try Server(
            name: "sidegate.admin", listen: listen, workers: 1, isPrivate: true, paused: { _ in },
            makeWorker: { loop in PlainServer(loop: loop, limits: bounds, tls: tls, responder: handler) })
    }

    /// Opens the address of the settings; nil when it is off. When the default address is in use, such as by another
    /// Sidegate on the same host, this is logged, and startup continues without it.
    static func open(
        _ settings: AdminSettings, _ handler: AdminHandler, tls: TLSServerContext?, _ inherited: InheritedSockets,
        _ logger: Logger
    ) throws(ServiceError) -> AdminServer? {
        guard let address = settings.listen else { return nil }
        let sources = try address.sources(inherited)
        do throws(OpenError) {
            return try AdminServer(listen: sources, tls: tls, handler: handler)
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

    /// Removes the unix sockets that it created.
    func removeSocketFiles() { server.removeSocketFiles() }
}
