// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor
import TLS

/// Everything one event loop needs to serve: its gate, its connections to the app, its browsers, and the memory they
/// share. Nothing of it is shared with other loops.
package final class Worker {
    /// What requests are answered by.
    enum Service {
        case gate(Gate, UpstreamPool)
        /// A function: the demo's own servers.
        case handler((RequestHead, [UInt8], Double) -> LocalResponse)
        /// As `local`, when the answer must be asked for elsewhere.
        case asyncHandler((RequestHead, @escaping @Sendable (LocalResponse) -> Void) -> Void)
    }

    package let loop: EventLoop
    let resolver: Resolver
    let replayStore: any ReplayStore
    var metrics = WorkerMetrics()
    var limits: ConnectionLimits
    var services: WorkerServices
    /// How often what the gate goes by was changed.
    var updateCount: UInt64 = 0
    var service: Service = .handler { _, _, _ in LocalResponse(status: 503) }
    /// Connections to the other apps.
    var otherPools: [UpstreamPool] = []
    package internal(set) var isDraining = false

    var trustedProxies: [CIDR]
    var expectsProxyProtocol: Bool
    var log: RequestLog?
    var listeners: [Listener] = []
    var connections: [ObjectIdentifier: any DownstreamConnection] = [:]
    var tunnels: [ObjectIdentifier: Tunnel] = [:]
    /// Responses in the middle of which a session may end.
    var streams: [ObjectIdentifier: Exchange] = [:]
    /// Connections whose PROXY protocol header is still to come.
    var receivers: [ObjectIdentifier: ProxyProtocolReceiver] = [:]
    /// Shakes hands with browsers; nil: they come over plain HTTP.
    private(set) var acceptor: TLSAcceptor?
    /// Answers on the addresses that only redirect.
    private(set) var redirector: Worker?
    /// A field line for every response over TLS; empty: none.
    var strictTransportLine: [UInt8]
    /// Requests are answered from their heads alone.
    let answersAtOnce: Bool
    private(set) lazy var http2 = HTTP2DownstreamShared(limits)
    /// Pools whose last exchanges may still be under way.
    var retiredPools: [UpstreamPool] = []
    var spareExchanges: [Exchange] = []
    var spareBuffers: [[UInt8]] = []
    var drained: (() -> Void)?
    /// Looks at the pace of clients while others wait for what they hold.
    var paceTimer: LoopTimer?
    var pacedAt = MonotonicTime(nanoseconds: 0)
    var dateSecond = -1.0
    var dateBytes: [UInt8] = []
    var dateLineBytes: [UInt8] = []

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
            acceptor = TLSAcceptor(tls, loop: loop, timeout: limits.headerTimeout) { [unowned self] in slotFreed() }
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
        service = .handler(respond)
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
        service = .asyncHandler(ask)
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
        service = .handler { request, _, _ in redirect.answer(request) }
    }

    // MARK: The apps

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

    var pools: [UpstreamPool] {
        if case .gate(_, let pool) = service { [pool] + otherPools } else { [] }
    }

    // MARK: Exchanges

    func freshRequestID() -> [UInt8] {
        var identifier: [UInt8] = []
        if case .gate(let gate, _) = service { gate.requestID(of: RequestHead(), into: &identifier) }
        return identifier
    }

    /// Both clocks as of this batch.
    var clock: ClockReading { ClockReading(wall: loop.wallClock, monotonic: loop.now.seconds) }

    /// The moment that `wallClock` (seconds since 1970) is, as of now.
    func monotonic(_ wallClock: Double) -> MonotonicTime {
        loop.now.advanced(by: .seconds(wallClock - loop.wallClock))
    }

    func finished(_ exchange: Exchange, _ context: RequestContext) {
        metrics.requestEnded(exchange, loop.now)
        log?.record(exchange, context, client: exchange.client, loop)
    }
}
