// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor

/// Serves responses of a function on one event loop: the demo's servers, and the admin listener.
package final class PlainServer: LoopServer {
    private let clients: ClientConnections

    /// - Parameter respond: makes the response from the head, the content and the time in seconds since 1970.
    package convenience init(loop: EventLoop, respond: @escaping (RequestHead, [UInt8], Double) -> LocalResponse) {
        self.init(PlainService(loop, .function(respond)), ConnectionLimits())
    }

    /// - Parameter ask: has the response made elsewhere, from the head alone.
    package convenience init(
        loop: EventLoop, limits: ConnectionLimits,
        ask: @escaping (RequestHead, @escaping @Sendable (LocalResponse) -> Void) -> Void
    ) {
        self.init(PlainService(loop, .asynchronous(ask)), limits)
    }

    private init(_ service: PlainService, _ limits: ConnectionLimits) {
        clients = ClientConnections(LoopMemory(service.loop), service, limits: limits)
    }

    package var connectionCount: Int { clients.count }

    package func listen(
        on socket: consuming ListeningSocket, redirects: Bool = false, paused: @escaping (SystemError) -> Void
    ) throws(SystemError) {
        try clients.listen(on: socket, paused: paused)
    }

    package func drain(_ completion: @escaping () -> Void) {
        clients.drain(completion)
    }

    package func stop() {
        clients.stop()
    }
}
