// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import Reactor
import TLS

/// Everything one event loop needs to serve: its gate, its connections to the app, its browsers, and the memory they
/// share. Nothing of it is shared with other loops.
package final class Worker {
    /// What requests are answered by.
    enum Service {
        case gate(Gate, UpstreamPool)
        /// A function: the demo's own servers.
        case local((RequestHead, [UInt8], Double) -> LocalResponse)
        /// As `local`, when the answer must be asked for elsewhere.
        case asking((RequestHead, @escaping @Sendable (LocalResponse) -> Void) -> Void)
    }

    package let loop: EventLoop
    let resolver: Resolver
    let replayStore: any ReplayStore
    private(set) var metrics = WorkerMetrics()
    private(set) var limits: ConnectionLimits
    private(set) var services: WorkerServices
    /// How often what the gate goes by was changed.
    private(set) var updateCount: UInt64 = 0
    private(set) var service: Service = .local { _, _, _ in LocalResponse(status: 503) }
    /// Connections to the other apps.
    private var otherPools: [UpstreamPool] = []
    package private(set) var isDraining = false

    private var trustedProxies: [CIDR]
    private var expectsProxyProtocol: Bool
    private var log: RequestLog?
    private var listeners: [Listener] = []
    private(set) var connections: [ObjectIdentifier: any DownstreamConnection] = [:]
    private var tunnels: [ObjectIdentifier: Tunnel] = [:]
    /// Responses in the middle of which a session may end.
    private var streams: [ObjectIdentifier: Exchange] = [:]
    /// Connections whose PROXY protocol header is still to come.
    private var receivers: [ObjectIdentifier: ProxyProtocolReceiver] = [:]
    /// Shakes hands with browsers; nil: they come over plain HTTP.
    private var acceptor: TLSAcceptor?
    /// Answers on the addresses that only redirect.
    private(set) var redirector: Worker?
    /// A field line for every response over TLS; empty: none.
    private(set) var strictTransportLine: [UInt8]
    /// Requests are answered from their heads alone.
    let answersAtOnce: Bool
    private(set) lazy var http2 = HTTP2DownstreamShared(limits)
    /// Pools whose last exchanges may still be under way.
    private var retiredPools: [UpstreamPool] = []
    private var spareExchanges: [Exchange] = []
    private var spareBuffers: [[UInt8]] = []
    private var drained: (() -> Void)?
    private var dateSecond = -1.0
    private var dateBytes: [UInt8] = []
    private var dateLineBytes: [UInt8] = []

    /// A worker that guards an app.
    package init(
        loop: EventLoop, gate: Gate, configuration: ProxyConfiguration, resolver: Resolver,
        replayStore: any ReplayStore, log: RequestLog?, services: WorkerServices = WorkerServices()
    ) {
        self.loop = loop
        limits = configuration.limits
        trustedProxies = configuration.trustedProxies
        expectsProxyProtocol = configuration.expectsProxyProtocol
        self.resolver = resolver
        self.replayStore = replayStore
        self.log = log
        strictTransportLine = configuration.strictTransportLine
        answersAtOnce = false
        self.services = services
        service = .gate(gate, UpstreamPool(configuration.upstream, worker: self))
        metrics.provider = configuration.provider
        otherPools = configuration.otherUpstreams.map { UpstreamPool($0, worker: self) }
        if let tls = configuration.tls {
            acceptor = TLSAcceptor(tls, loop: loop, timeout: limits.headerTimeout) { [unowned self] in roomMade() }
        }
        if let redirect = configuration.redirect {
            redirector = Worker(redirect, for: self, configuration)
        }
    }

    /// A worker that answers by itself.
    package init(
        loop: EventLoop, resolver: Resolver, replayStore: any ReplayStore,
        respond: @escaping (RequestHead, [UInt8], Double) -> LocalResponse
    ) {
        self.loop = loop
        limits = ConnectionLimits()
        trustedProxies = []
        expectsProxyProtocol = false
        self.resolver = resolver
        self.replayStore = replayStore
        log = nil
        strictTransportLine = []
        answersAtOnce = false
        services = WorkerServices()
        service = .local(respond)
    }

    /// A worker that answers a few clients by what others must be asked for.
    package init(
        loop: EventLoop, limits: ConnectionLimits, resolver: Resolver,
        ask: @escaping (RequestHead, @escaping @Sendable (LocalResponse) -> Void) -> Void
    ) {
        self.loop = loop
        self.limits = limits
        trustedProxies = []
        expectsProxyProtocol = false
        self.resolver = resolver
        replayStore = MemoryReplayStore(capacity: 0)
        log = nil
        strictTransportLine = []
        answersAtOnce = false
        services = WorkerServices()
        service = .asking(ask)
    }

    /// The part of `worker` that sends browsers on to https.
    private init(_ redirect: SecureRedirect, for worker: Worker, _ configuration: ProxyConfiguration) {
        loop = worker.loop
        limits = configuration.limits
        trustedProxies = configuration.trustedProxies
        expectsProxyProtocol = configuration.expectsProxyProtocol
        resolver = worker.resolver
        replayStore = worker.replayStore
        log = worker.log
        metrics = worker.metrics
        strictTransportLine = []
        answersAtOnce = true
        services = WorkerServices()
        service = .local { request, _, _ in redirect.answer(request) }
    }

    // MARK: Listening

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
        makeRoom()
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
                return roomMade()
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

    /// Open connections to the app, and attempts at one; without tunnels.
    package var upstreamConnectionCount: Int {
        pools.reduce(0) { $0 + $1.openCount }
    }

    /// Of the app that the gate counts as `app`; nil: this worker answers by itself.
    func pool(of app: Int) -> UpstreamPool? {
        if app > 0, app <= otherPools.count { return otherPools[app - 1] }
        guard case .gate(_, let pool) = service else { return nil }
        return pool
    }

    private var pools: [UpstreamPool] {
        if case .gate(_, let pool) = service { [pool] + otherPools } else { [] }
    }

    func connectionBegan(_ connection: any DownstreamConnection) {
        connections[ObjectIdentifier(connection)] = connection
    }

    func connectionEnded(_ connection: any DownstreamConnection) {
        connections[ObjectIdentifier(connection)] = nil
        roomMade()
    }

    func tunnelOpened(_ tunnel: Tunnel) {
        tunnels[ObjectIdentifier(tunnel)] = tunnel
    }

    func tunnelClosed(_ tunnel: Tunnel) {
        tunnels[ObjectIdentifier(tunnel)] = nil
        roomMade()
    }

    private func roomMade() {
        for listener in listeners where listener.isPaused { loop.afterEvent { listener.resume() } }
        tellDrained()
    }

    private var isEmpty: Bool { connectionCount == 0 && (redirector?.connectionCount ?? 0) == 0 }

    private func tellDrained() {
        guard isDraining, isEmpty else { return }
        // A connection that becomes a tunnel leaves the one list before it is in the other.
        loop.afterEvent { [self] in
            guard isEmpty, let drained else { return }
            self.drained = nil
            drained()
        }
    }

    // MARK: What changes while it runs

    /// Another configuration, whole: from the next request on, and from the next connection on where it is about
    /// connections. What the gate has been told of while it ran stays in force.
    package func replace(
        gate: Gate, configuration: ProxyConfiguration, log: RequestLog?, services: WorkerServices
    ) {
        guard case .gate(let old, _) = service else { return }
        gate.takeOver(from: old)
        let retired = pools
        service = .gate(gate, UpstreamPool(configuration.upstream, worker: self))
        otherPools = configuration.otherUpstreams.map { UpstreamPool($0, worker: self) }
        for pool in retired { pool.retire() }
        retiredPools.removeAll { $0.openCount == 0 }
        retiredPools += retired
        limits = configuration.limits
        trustedProxies = configuration.trustedProxies
        expectsProxyProtocol = configuration.expectsProxyProtocol
        self.log?.flush()
        self.log = log
        // The store of sessions stays: its connection is this loop's own.
        let sessions = self.services.sessions
        self.services = services
        self.services.sessions = sessions
        metrics.provider = configuration.provider
        strictTransportLine = configuration.strictTransportLine
        if let redirect = configuration.redirect { redirector?.replace(redirect, configuration, log) }
        closeWhatEnded(gate)
        roomMade()
    }

    /// Changes what the gate goes by, then closes what is still open for those whom it no longer lets in: tunnels, and
    /// responses under way. A connection between two requests is left alone, for the next one is judged.
    ///
    /// - Returns: what `change` does; nil without a gate.
    @discardableResult
    package func update<Result>(_ change: (Gate) -> Result) -> Result? {
        guard case .gate(let gate, _) = service else { return nil }
        let result = change(gate)
        closeWhatEnded(gate)
        return result
    }

    private func closeWhatEnded(_ gate: Gate) {
        updateCount &+= 1
        let now = loop.wallClock
        for tunnel in Array(tunnels.values) where tunnel.hasEnded(gate, now: now) { tunnel.close() }
        for exchange in Array(streams.values) {
            guard let identity = exchange.identity, gate.hasEnded(identity, now: now) else { continue }
            exchange.endStream("session_revoked")
        }
    }

    /// Ends sessions; false when there is no room to remember it.
    package func revoke(_ revocation: Revocation) -> Bool {
        update { $0.revoke(revocation) } ?? true
    }

    private func replace(_ redirect: SecureRedirect, _ configuration: ProxyConfiguration, _ log: RequestLog?) {
        limits = configuration.limits
        trustedProxies = configuration.trustedProxies
        expectsProxyProtocol = configuration.expectsProxyProtocol
        self.log = log
        service = .local { request, _, _ in redirect.answer(request) }
    }

    func streamBegan(_ exchange: Exchange) {
        streams[ObjectIdentifier(exchange)] = exchange
    }

    func streamEnded(_ exchange: Exchange) {
        guard !streams.isEmpty else { return }
        streams[ObjectIdentifier(exchange)] = nil
    }

    /// The moment that `wallClock` (seconds since 1970) is, as of now.
    func monotonic(_ wallClock: Double) -> MonotonicTime {
        loop.now.advanced(by: .seconds(wallClock - loop.wallClock))
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
        redirector?.drain { [unowned self] in tellDrained() }
        for receiver in receivers.values { receiver.close() }
        for connection in Array(connections.values) { connection.drain() }
        tellDrained()
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

    // MARK: Shared memory

    func makeExchange() -> Exchange {
        spareExchanges.popLast() ?? Exchange(worker: self)
    }

    func recycle(_ exchange: Exchange) {
        // The object may still be in use further up the call stack, but nothing there reads it any more.
        guard spareExchanges.count < Self.maximumSpares, exchange.request.bytes.capacity <= Self.spareCapacity else {
            return
        }
        spareExchanges.append(exchange)
    }

    /// Memory for an output queue that has none.
    func takeBuffer(instead current: consuming [UInt8]) -> [UInt8] {
        if current.capacity > 0 { return current }
        if let buffer = spareBuffers.popLast() { return buffer }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(4096)
        return buffer
    }

    func giveBack(_ buffer: inout [UInt8]) {
        guard buffer.capacity > 0 else { return }
        if spareBuffers.count < Self.maximumSpares, buffer.capacity <= Self.spareCapacity {
            var spare: [UInt8] = []
            swap(&spare, &buffer)
            spare.removeAll(keepingCapacity: true)
            spareBuffers.append(spare)
        } else {
            buffer = []
        }
    }

    /// Calls `body` with what follows a chunk's content: its end, and the last chunk when the message ends.
    func withChunkTail(content: Int, isEnd: Bool, trailers: [UInt8], _ body: (Span<UInt8>) -> Void) {
        guard isEnd else { return content > 0 ? body(Self.chunkEnd.span) : body(Span()) }
        if trailers.isEmpty { return body(content > 0 ? Self.chunkEndAndLast.span : Self.lastChunk.span) }
        var tail: [UInt8] = []
        if content > 0 { ChunkEncoder.chunkEnd(into: &tail) }
        ChunkEncoder.lastChunk(trailers: trailers, into: &tail)
        body(tail.span)
    }

    /// Of trailers that came otherwise than in chunks: those that may pass, as HTTP/1.1's decoder knows them.
    func sifted(trailers: [UInt8]) -> [UInt8] {
        var decoder = BodyDecoder(.chunked, limits: limits.message)
        let text = Array("0\r\n".utf8) + trailers + Array("\r\n".utf8)
        guard let piece = try? decoder.decode(text.span), piece.isEnd else { return [] }
        return decoder.trailers
    }

    func freshRequestID() -> [UInt8] {
        var identifier: [UInt8] = []
        if case .gate(let gate, _) = service { gate.requestID(of: RequestHead(), into: &identifier) }
        return identifier
    }

    /// The Date field's value, made once for each second.
    var date: [UInt8] {
        let second = loop.wallClock.rounded(.down)
        if second != dateSecond {
            dateSecond = second
            dateBytes = HTTPDate.bytes(second)
            dateLineBytes = Array("Date: ".utf8) + dateBytes + Array("\r\n".utf8)
        }
        return dateBytes
    }

    /// The whole line, with CRLF.
    var dateLine: [UInt8] {
        _ = date
        return dateLineBytes
    }

    func finished(_ exchange: Exchange, _ context: RequestContext) {
        metrics.requestEnded(exchange, loop.now)
        log?.record(exchange, context, client: exchange.client, loop)
    }

    private static let maximumSpares = 256
    private static let spareCapacity = 16384
    private static let chunkEnd: [UInt8] = [13, 10]
    private static let lastChunk: [UInt8] = [0x30, 13, 10, 13, 10]
    private static let chunkEndAndLast: [UInt8] = [13, 10, 0x30, 13, 10, 13, 10]
}
