// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// The browsers' connections, from the listening sockets until the last one has gone.
extension Worker {
    /// Serves the connections of `socket` from now on.
    ///
    /// - Parameter redirects: only to send them on to https, if the configuration says so.
    package func listen(
        on socket: consuming ListeningSocket, redirects: Bool = false, paused: @escaping (SystemError) -> Void
    ) throws(SystemError) {
        if redirects, let redirector { return try redirector.listen(on: socket, paused: paused) }
        let port = socket.address.port
        let listener = try Listener(
            socket, loop: loop, mayAccept: { [unowned self] in hasRoom },
            paused: paused,
            accepted: { [unowned self] descriptor, address in
                accept(descriptor, from: address, localPort: port)
            })
        listeners.append(listener)
    }

    private func accept(_ descriptor: consuming FileDescriptor, from address: SocketAddress?, localPort: UInt16?) {
        let peer = Peer(address, localPort: localPort, trusted: trustedProxies)
        // A socket that cannot be watched is closed, which is all that can be done for it.
        guard let transport = try? SocketTransport(connected: descriptor, loop: loop) else { return }
        if expectsProxyProtocol, peer.isTrusted || peer.address == nil {
            receiveProxyProtocol(transport, from: peer)
        } else {
            serve(transport, peer)
        }
    }

    private func serve(_ socket: SocketTransport, _ peer: Peer) {
        guard let acceptor else { return begin(socket, peer) }
        acceptor.accept(socket) { [unowned self] transport in
            // Counted anew: the handshake is over, and the connection begins.
            begin(transport, peer.secured)
        }
    }

    /// The browser can be heard: begins with the protocol agreed on. Without an agreement that is HTTP/1.1, or what a
    /// cleartext client knows beforehand.
    private func begin(_ transport: Transport, _ peer: Peer) {
        if transport.negotiatedProtocol == TLSServerConfiguration.http2 {
            HTTP2Downstream(transport, peer: peer, worker: self)
        } else {
            connectionBegan(HTTP1Downstream(transport, peer: peer, worker: self))
        }
        evictIdle()
    }

    /// A proxy that is trusted says first whom it speaks for; a connection without that is not served, since it would
    /// count as the proxy's own.
    private func receiveProxyProtocol(_ transport: SocketTransport, from proxy: Peer) {
        let key = ObjectIdentifier(transport)
        receivers[key] = ProxyProtocolReceiver(transport, timeout: limits.headerTimeout) { [unowned self] header in
            // The receiver is still at work further up the call stack.
            let receiver = receivers.removeValue(forKey: key)
            defer { withExtendedLifetime(receiver) {} }
            guard let header, !isDraining else {
                transport.close()
                return slotFreed()
            }
            serve(transport, Peer(header, from: proxy, trusted: trustedProxies))
            // What came with the header brings no new event.
            loop.afterEvent { [weak transport] in transport?.owner?.transportReadable() }
        }
    }

    var tunnelCount: Int { tunnels.count }

    /// Connections that are not open for requests yet.
    var handshakeCount: Int { receivers.count + (acceptor?.count ?? 0) }

    /// Open connections of browsers, tunnels included.
    package var connectionCount: Int { connections.count + tunnels.count + receivers.count + (acceptor?.count ?? 0) }

    func connectionBegan(_ connection: any DownstreamConnection) {
        connections[ObjectIdentifier(connection)] = connection
        if isCrowded { startPacing() }
    }

    func connectionEnded(_ connection: any DownstreamConnection) {
        connections[ObjectIdentifier(connection)] = nil
        slotFreed()
    }

    func tunnelOpened(_ tunnel: Tunnel) {
        tunnels[ObjectIdentifier(tunnel)] = tunnel
    }

    func tunnelClosed(_ tunnel: Tunnel) {
        tunnels[ObjectIdentifier(tunnel)] = nil
        slotFreed()
    }

    func slotFreed() {
        for listener in listeners where listener.isPaused { loop.afterEvent { listener.resume() } }
        notifyIfDrained()
    }

    private var isEmpty: Bool { connectionCount == 0 && (redirector?.connectionCount ?? 0) == 0 }

    func notifyIfDrained() {
        guard isDraining, isEmpty else { return }
        // A connection that becomes a tunnel leaves the one list before it is in the other.
        loop.afterEvent { [self] in
            guard isEmpty, let drained else { return }
            self.drained = nil
            drained()
        }
    }

    // MARK: Stopping

    /// Accepts no more, lets what is in flight finish, and says when all is done, once.
    package func drain(_ completion: @escaping () -> Void) {
        isDraining = true
        for listener in listeners { listener.finish() }
        listeners = []
        for pool in pools { pool.closeIdle() }
        drained = completion
        // No request is in flight there.
        acceptor?.close()
        redirector?.drain { [unowned self] in notifyIfDrained() }
        for receiver in receivers.values { receiver.close() }
        for connection in Array(connections.values) { connection.drain() }
        notifyIfDrained()
    }

    /// Closes everything, now.
    package func stop() {
        for listener in listeners { listener.close() }
        listeners = []
        acceptor?.close()
        redirector?.stop()
        for receiver in receivers.values { receiver.close() }
        for connection in Array(connections.values) { connection.stop() }
        for tunnel in tunnels.values { tunnel.close() }
        for pool in pools { pool.closeIdle() }
        log?.flush()
    }
}
