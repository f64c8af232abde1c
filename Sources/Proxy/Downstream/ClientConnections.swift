// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor
import TLS

/// The client connections of one loop, from the listening sockets to their end.
final class ClientConnections {
    private(set) var loop: EventLoop
    private(set) var memory: LoopMemory
    /// Makes the exchanges.
    private(set) var service: any ExchangeService
    private(set) var limits: ConnectionLimits
    private(set) var isDraining = false
    private(set) lazy var http2 = HTTP2DownstreamShared(limits, memory: memory.http2)
    private(set) var connections: [ObjectIdentifier: any DownstreamConnection] = [:]
    private var tunnels: [ObjectIdentifier: Tunnel] = [:]
    /// Connections whose PROXY protocol header has not arrived.
    private var receivers: [ObjectIdentifier: ProxyProtocolReceiver] = [:]
    /// Performs TLS handshakes; nil: clients connect over plain HTTP.
    private var acceptor: TLSAcceptor?
    private var trust: ProxyTrust
    private var listeners: [Listener] = []
    private var drained: (() -> Void)?
    private var pacing = Pacing()
    /// The process at the other end of a unix socket is asked for.
    private let identifiesProcesses: Bool

    init(
        _ memory: LoopMemory, _ service: any ExchangeService, limits: ConnectionLimits,
        trust: ProxyTrust = ProxyTrust(),
        tls: TLSServerContext? = nil, identifiesProcesses: Bool = false
    ) {
        self.identifiesProcesses = identifiesProcesses
        self.memory = memory
        self.service = service
        self.limits = limits
        self.trust = trust
        loop = memory.loop
        if let tls {
            acceptor = TLSAcceptor(tls, loop: loop, timeout: limits.headerTimeout) { [unowned self] in slotFreed() }
        }
    }

    /// Another configuration is in force, from the next connection on.
    func replace(_ limits: ConnectionLimits, _ trust: ProxyTrust) {
        self.limits = limits
        self.trust = trust
        slotFreed()
    }

    // MARK: Accepting

    /// Serves the connections of `socket` from now on.
    func listen(
        on socket: consuming ListeningSocket, paused: @escaping (SystemError) -> Void
    ) throws(SystemError) {
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
        let peer = Peer(
            address, localPort: localPort, trusted: trust.proxies,
            credentials: identifiesProcesses ? descriptor.peerCredentials : nil)
        // A socket that cannot be watched is closed; nothing else can be done.
        guard let transport = try? SocketTransport(connected: descriptor, loop: loop) else { return }
        if trust.expectsProxyProtocol, peer.isTrusted || peer.address == nil {
            receiveProxyProtocol(transport, from: peer)
        } else {
            serve(transport, peer)
        }
    }

    private func serve(_ socket: SocketTransport, _ peer: Peer) {
        guard let acceptor else { return begin(socket, peer) }
        if limits.evictsIncomplete, acceptor.count >= limits.connections / 4 { acceptor.dropOldest() }
        acceptor.accept(socket) { [unowned self] transport in
            begin(transport, peer.secured(by: transport.version))
        }
    }

    /// Begins with the negotiated protocol. Without one that is HTTP/1.1, or HTTP/2 by prior knowledge.
    private func begin(_ transport: Transport, _ peer: Peer) {
        if transport.negotiatedProtocol == TLSServerConfiguration.http2 {
            HTTP2Downstream(transport, peer: peer, connections: self)
        } else {
            connectionBegan(HTTP1Downstream(transport, peer: peer, connections: self))
        }
        evictIdle()
    }

    /// A trusted proxy names the client first. A connection without that is not served, since it would count as the
    /// proxy's own.
    private func receiveProxyProtocol(_ transport: SocketTransport, from proxy: Peer) {
        let key = ObjectIdentifier(transport)
        receivers[key] = ProxyProtocolReceiver(transport, timeout: limits.headerTimeout) { [unowned self] header in
            // The receiver is still running further up the call stack.
            let receiver = receivers.removeValue(forKey: key)
            defer { withExtendedLifetime(receiver) {} }
            guard let header, !isDraining else {
                transport.close()
                return slotFreed()
            }
            serve(transport, Peer(header, from: proxy, trusted: trust.proxies))
            // Bytes that arrived with the header cause no new event.
            loop.afterEvent { [weak transport] in transport?.owner?.transportReadable() }
        }
    }

    // MARK: Connections

    var tunnelCount: Int { tunnels.count }

    /// Connections that cannot carry requests yet.
    var handshakeCount: Int { receivers.count + (acceptor?.count ?? 0) }

    /// Open connections of clients, with tunnels.
    var count: Int { connections.count + tunnelCount + handshakeCount }

    func connectionBegan(_ connection: any DownstreamConnection) {
        connections[ObjectIdentifier(connection)] = connection
        if isCrowded { startPacing() }
    }

    func connectionEnded(_ connection: any DownstreamConnection) {
        connections[ObjectIdentifier(connection)] = nil
        slotFreed()
    }

    private func slotFreed() {
        for listener in listeners where listener.isPaused { loop.afterEvent { listener.resume() } }
        notifyIfDrained()
    }

    // MARK: Stopping

    /// Accepts no more and lets requests in flight finish; `completion` is called once, when all connections have ended.
    func drain(_ completion: @escaping () -> Void) {
        isDraining = true
        for listener in listeners { listener.finish() }
        listeners = []
        drained = completion
        // No request is in flight there.
        acceptor?.close()
        for receiver in receivers.values { receiver.close() }
        for connection in Array(connections.values) { connection.drain() }
        notifyIfDrained()
    }

    private func notifyIfDrained() {
        guard isDraining, count == 0 else { return }
        // A connection that becomes a tunnel is in neither list for a moment.
        loop.afterEvent { [self] in
            guard count == 0, let drained else { return }
            self.drained = nil
            drained()
        }
    }

    /// Closes everything at once.
    func stop() {
        for listener in listeners { listener.close() }
        listeners = []
        acceptor?.close()
        for receiver in receivers.values { receiver.close() }
        for connection in Array(connections.values) { connection.stop() }
        for tunnel in tunnels.values { tunnel.close() }
    }

    // MARK: Pace

    /// Measures the pace of all clients from now on.
    func startPacing() {
        let timer = pacing.timer ?? loop.makeTimer { [unowned self] in measurePace() }
        pacing.timer = timer
        guard timer.deadline == .distantFuture else { return }
        pacing.measuredAt = loop.now
        timer.set(loop.now.advanced(by: paceInterval))
    }

    func measurePaceNow() {
        if let timer = pacing.timer, timer.deadline != .distantFuture { measurePace() }
    }

    private func measurePace() {
        let now = loop.now
        // A loop that was held up could not read what clients sent.
        let elapsed = min(now.since(pacing.measuredAt), .seconds(1))
        pacing.measuredAt = now
        let isContended = service.hasWaitingRequests(now)
        let round = PaceRound(elapsed: elapsed, isCrowded: isCrowded, limits: limits, patience: paceInterval)
        guard isContended || round.isCrowded else { return }
        for connection in Array(connections.values) { connection.measurePace(round) }
        pacing.timer?.set(now.advanced(by: paceInterval))
    }

    /// Nine tenths of the connections that clients may have are open.
    private var isCrowded: Bool { count * 10 >= limits.connections * 9 }

    /// Often enough to be of use before a request has waited for too long.
    private var paceInterval: Nanoseconds {
        let shortest = service.shortestWait?.count ?? .max
        return max(.milliseconds(10), min(.milliseconds(250), Nanoseconds(count: shortest / 8)))
    }

    private struct Pacing {
        var timer: LoopTimer?
        var measuredAt = MonotonicTime(nanoseconds: 0)
    }
}

/// Which peers speak for clients, and how.
struct ProxyTrust {
    /// Peers whose X-Forwarded-* fields are trusted.
    var proxies: [CIDR] = []
    /// Connections from these, and over unix sockets, begin with a PROXY protocol header.
    var expectsProxyProtocol = false
}

extension ClientConnections: ClientSide {
    func forEachExchange(_ body: (Exchange) -> Void) {
        for connection in connections.values { connection.forEachExchange(body) }
    }

    func tunnelOpened(_ tunnel: Tunnel) {
        tunnels[ObjectIdentifier(tunnel)] = tunnel
    }

    func tunnelClosed(_ tunnel: Tunnel) {
        tunnels[ObjectIdentifier(tunnel)] = nil
        slotFreed()
    }

    func closeBoundUpstreams(whereEnded hasEnded: (Identity) -> Bool) {
        for connection in Array(connections.values) { connection.closeBoundUpstreams(whereEnded: hasEnded) }
    }

    func forEachTunnel(_ body: (Tunnel) -> Void) {
        for tunnel in tunnels.values { body(tunnel) }
    }

    func closeTunnels(where hasEnded: (Tunnel) -> Bool) {
        for tunnel in Array(tunnels.values) where hasEnded(tunnel) { tunnel.close() }
    }
}
