// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor
import TLS

/// Serves responses of a function on one event loop: the demo's servers, and the admin listener.
package final class PlainServer: LoopServer {
    private let clients: ClientConnections

    /// - Parameter respond: makes the response from the head, the content and the time in seconds since 1970.
    package convenience init(loop: EventLoop, respond: @escaping (RequestHead, [UInt8], Double) -> LocalResponse) {
        self.init(PlainService(loop, .function(respond)), ConnectionLimits())
    }

    /// - Parameters:
    ///   - responder: makes the responses elsewhere.
    ///   - tls: nil: plain HTTP.
    package convenience init(
        loop: EventLoop, limits: ConnectionLimits, tls: TLSServerContext?, responder: any PlainResponder
    ) {
        self.init(PlainService(loop, .responder(responder)), limits, tls)
    }

    private init(_ service: PlainService, _ limits: ConnectionLimits, _ tls: TLSServerContext? = nil) {
        clients = ClientConnections(
            LoopMemory(service.loop), service, limits: limits, tls: tls, identifiesProcesses: true)
        service.shareConnections { [weak clients] in clients?.isFull ?? false }
    }

    package var connectionCount: Int { clients.count }

    package func listen(
        on socket: consuming ListeningSocket, redirects: Bool = false, paused: @escaping (SystemError) -> Void
    ) throws(SystemError) {
        try clients.listen(on: socket, paused: paused)
    }

    package func drain(_ completion: @escaping () -> Void) {
        // Others end by themselves.
        var exchanges: [PlainExchange] = []
        clients.forEachExchange { if let exchange = $0 as? PlainExchange { exchanges.append(exchange) } }
        for exchange in exchanges { exchange.endStream() }
        clients.drain(completion)
    }

    package func stop() {
        clients.stop()
    }
}
