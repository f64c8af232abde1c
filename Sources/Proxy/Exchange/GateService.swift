// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor
import Telemetry

/// The exchanges of a loop that a gate guards: the gate, the connections to its apps, and what they share.
final class GateService: ExchangeService {
    private(set) var loop: EventLoop
    private(set) var memory: LoopMemory
    private(set) var replayStore: any ReplayStore
    private(set) var metrics = WorkerMetrics()
    private(set) var gate: Gate
    /// The gate's.
    private(set) var forwarding: Forwarding
    private(set) var services: WorkerServices
    /// Keys can be fetched.
    private(set) var hasRemoteKeys: Bool
    /// The most content that a request may have.
    private(set) var maximumContent: UInt64
    /// A field line for every response over TLS; empty: none.
    private(set) var strictTransportLine: [UInt8]
    /// How often sessions or lists were changed.
    private(set) var updateCount: UInt64 = 0
    /// How much the log says about single requests.
    private(set) var logDetail: LogDetail
    /// The log says more about single requests than their access lines do.
    private(set) var isVerbose: Bool
    /// How requests are traced; nil: they are not.
    private(set) var tracing: RequestTracing?
    /// Spans of requests are exported.
    private(set) var exportsSpans: Bool
    /// Something is noted of each request that is sent to an app: for the log, or its trace.
    private(set) var followsRequests: Bool
    /// Smaller identities are accepted by every app.
    private(set) var leastIdentityLimit: Int
    /// Responses are described in the log, or some app's are rewritten.
    private(set) var readsResponses: Bool
    private(set) var isDraining = false
    private(set) var formTurns: FormTurns
    private let resolver: Resolver
    private var log: RequestLog?
    /// One for each app, in the order in which the gate numbers them; never empty.
    private var pools: [UpstreamPool] = []
    /// Pools whose last exchanges may not have ended.
    private var retiredPools: [UpstreamPool] = []
    /// The apps of exchanges that were in progress at the last change of the configuration, which renumbers the apps.
    private var earlierApps: [ObjectIdentifier: (number: UInt64, app: UpstreamName)] = [:]
    /// Exchanges whose session may end during the response.
    private var streams: [ObjectIdentifier: GateExchange] = [:]
    private var spares: [GateExchange] = []
    private var reports: SessionReports?
    private unowned var clients: (any ClientSide)?

    init(
        _ gate: Gate, _ configuration: GateServiceConfiguration, memory: LoopMemory, resolver: Resolver,
        replayStore: any ReplayStore, log: RequestLog?, services: WorkerServices
    ) {
        self.gate = gate
        forwarding = gate.forwarding
        self.memory = memory
        self.resolver = resolver
        self.replayStore = replayStore
        self.log = log
        logDetail = log?.detail ?? .none
        isVerbose = logDetail > .none
        tracing = RequestTracing(services.spans, log: log, forwarding)
        exportsSpans = tracing?.spans != nil
        followsRequests = isVerbose || tracing != nil
        readsResponses = isVerbose || forwarding.rewritesRedirects
        leastIdentityLimit = forwarding.leastIdentityLimit
        self.services = services
        hasRemoteKeys = services.keys != nil
        loop = memory.loop
        formTurns = FormTurns(memory.loop)
        maximumContent = configuration.maximumContent
        strictTransportLine = configuration.strictTransportLine
        metrics.use(providers: configuration.providers, observes: configuration.observes)
        pools = makePools(configuration)
        reports = SessionReports(gate, services.observer, loop: loop) { [unowned self] in forEachOpen($0) }
    }

    deinit {
        for pool in pools + retiredPools { pool.detach() }
    }

    /// The client connections are about to be destroyed.
    func detach() {
        clients = nil
    }

    /// The client connections of the loop.
    func attach(_ clients: any ClientSide) {
        self.clients = clients
    }

    private func makePools(_ configuration: GateServiceConfiguration) -> [UpstreamPool] {
        let environment = UpstreamEnvironment(memory: memory, resolver: resolver, limits: configuration.limits)
        return configuration.upstreams.map { UpstreamPool($0, environment, owner: self) }
    }

    // MARK: Exchanges

    func makeExchange() -> Exchange {
        spares.popLast() ?? GateExchange(self)
    }

    func recycle(_ exchange: GateExchange) {
        guard spares.count < LoopMemory.maximumSpares, exchange.request.bytes.capacity <= LoopMemory.spareCapacity
        else {
            return
        }
        spares.append(exchange)
    }

    func finished(_ exchange: GateExchange, _ context: RequestContext) {
        metrics.requestEnded(exchange, loop.now)
        if let log, log.records(exchange) {
            log.record(exchange, context, client(of: exchange, context), app(of: exchange), loop)
        }
        if exportsSpans { recordSpans(exchange, context) }
    }

    @inline(never)
    private func recordSpans(_ exchange: GateExchange, _ context: RequestContext) {
        guard let spans = tracing?.spans, let trace = exchange.trace, trace.isExported else { return }
        spans.record(exchange, trace, client(of: exchange, context), app(of: exchange), loop)
    }

    /// The app that the request was for; nil: it was for none.
    private func app(of exchange: GateExchange) -> UpstreamName? {
        guard exchange.record.upstreamStarted != nil else { return nil }
        if let earlier = earlierApps[ObjectIdentifier(exchange)], earlier.number == exchange.number {
            return earlier.app
        }
        return pool(of: exchange.app).name
    }

    /// Before the apps get other numbers.
    private func rememberApps() {
        earlierApps = [:]
        clients?.forEachExchange { exchange in
            guard let exchange = exchange as? GateExchange, exchange.record.upstreamStarted != nil else { return }
            earlierApps[ObjectIdentifier(exchange)] = (exchange.number, pool(of: exchange.app).name)
        }
    }

    /// The exchange has another app: the request is sent again.
    func forgetApp(of exchange: GateExchange) {
        earlierApps[ObjectIdentifier(exchange)] = nil
    }

    private func client(of exchange: GateExchange, _ context: RequestContext) -> LoggedClient {
        // A head that cannot be read names nobody.
        guard context.isTrustedPeer, exchange.record.outcome != .malformed,
            let address = gate.client(of: exchange.access)
        else { return exchange.peerNames.client }
        return LoggedClient(address: Array(address.description.utf8), connection: exchange.peerNames.connection)
    }

    func freshRequestID(into identifier: inout [UInt8]) {
        forwarding.appendRequestID(of: RequestHead(), to: &identifier)
    }

    func webSocketKey() -> [UInt8] { forwarding.webSocketKey() }

    func endedSlow(_ side: PaceMeter.Side) {
        metrics.endedSlow(side)
    }

    /// Both clocks as of this batch.
    var clock: ClockReading { ClockReading(wall: loop.wallClock, monotonic: loop.now.seconds) }

    /// The monotonic time of `wallClock` (seconds since 1970).
    func monotonic(_ wallClock: Double) -> MonotonicTime {
        loop.now.advanced(by: .seconds(wallClock - loop.wallClock))
    }

    func measurePaceNow() {
        clients?.measurePaceNow()
    }

    // MARK: Apps

    /// Of the app with that number; of the first one if the configuration has changed and it no longer exists.
    func pool(of app: Int) -> UpstreamPool {
        pools[app < pools.count ? app : 0]
    }

    /// Open connections to apps and attempts to open one, without tunnels.
    var upstreamConnectionCount: Int { pools.reduce(0) { $0 + $1.openCount } }

    func hasWaitingRequests(_ now: MonotonicTime) -> Bool {
        var isContended = false
        for pool in pools + retiredPools {
            if pool.ledger.look(now) { isContended = true }
            pool.retryHeldBack()
        }
        return isContended
    }

    var shortestWait: Nanoseconds? { pools.map(\.configuration.connectTimeout).min() }

    func snapshot() -> MetricsSnapshot {
        var snapshot = metrics.snapshot()
        for pool in pools + retiredPools {
            snapshot.waiting &+= UInt64(clamping: pool.waitingCount)
            snapshot.upstreamConnections &+= UInt64(clamping: pool.openCount)
        }
        return snapshot
    }

    // MARK: Changes

    /// Another configuration, complete: from the next request on. The new gate keeps what the old one learnt at run time.
    func replace(
        _ gate: Gate, _ configuration: GateServiceConfiguration, _ log: RequestLog?, _ services: WorkerServices
    ) {
        gate.takeOver(from: self.gate)
        self.gate = gate
        forwarding = gate.forwarding
        rememberApps()
        let retired = pools
        pools = makePools(configuration)
        if isDraining { for pool in pools { pool.drain() } }
        for pool in retired { pool.retire() }
        retiredPools.removeAll { $0.openCount == 0 }
        retiredPools += retired
        maximumContent = configuration.maximumContent
        strictTransportLine = configuration.strictTransportLine
        self.log?.flush()
        self.log = log
        logDetail = log?.detail ?? .none
        isVerbose = logDetail > .none
        tracing?.spans?.flush()
        tracing = RequestTracing(services.spans, log: log, forwarding)
        exportsSpans = tracing?.spans != nil
        followsRequests = isVerbose || tracing != nil
        readsResponses = isVerbose || forwarding.rewritesRedirects
        leastIdentityLimit = forwarding.leastIdentityLimit
        // The session store stays: its connection belongs to this loop.
        let sessions = self.services.sessions
        self.services = services
        hasRemoteKeys = services.keys != nil
        self.services.sessions = sessions
        metrics.use(providers: configuration.providers, observes: configuration.observes)
        reports?.replace(gate, services.observer)
        endRevoked()
    }

    /// Changes sessions or lists of the gate, then ends what is no longer authorized: tunnels, and responses in progress.
    /// Connections stay, since their next requests are judged.
    func update<Result>(_ change: (Gate) -> Result) -> Result {
        let result = change(gate)
        endRevoked()
        return result
    }

    private func endRevoked() {
        updateCount &+= 1
        let (gate, now) = (gate, loop.wallClock)
        clients?.closeTunnels { $0.hasEnded(gate, now: now) }
        if (pools + retiredPools).contains(where: \.hasBound) {
            clients?.closeBoundUpstreams { gate.hasEnded($0, now: now) }
        }
        for exchange in Array(streams.values) {
            guard let identity = exchange.passage.identity, gate.hasEnded(identity, now: now) else { continue }
            exchange.endStream(.sessionRevoked)
        }
    }

    /// Ends sessions; false if there is no room to remember it.
    func revoke(_ revocation: Revocation) -> Bool {
        RepeatedReturns.ofThisProcess.end(revocation)
        return update { $0.revoke(revocation, now: clock) }
    }

    /// The worker stops: unused connections to apps are closed, and the others after their requests.
    func drain() {
        isDraining = true
        for pool in pools { pool.drain() }
    }

    /// A message about a request.
    func note(
        _ level: LogDetail, _ message: StaticString, of exchange: GateExchange,
        _ fields: [(name: StaticString, value: String)]
    ) {
        log?.note(
            RequestMessage(
                level, message, time: wallClockNow(), id: String(decoding: exchange.requestID, as: UTF8.self), fields),
            loop)
    }

    func flushLog() {
        log?.flush()
        tracing?.spans?.flush()
    }

    // MARK: Streams and tunnels

    /// The session of `exchange` may end during its response.
    func streamBegan(_ exchange: GateExchange) {
        streams[ObjectIdentifier(exchange)] = exchange
    }

    func streamEnded(_ exchange: GateExchange) {
        guard !streams.isEmpty else { return }
        streams[ObjectIdentifier(exchange)] = nil
    }

    /// A stream of events began, or a tunnel: its session is in use without further requests.
    func longUseBegan() {
        reports?.opened()
    }

    private func forEachOpen(_ body: (Identity) -> Void) {
        clients?.forEachTunnel { tunnel in if let user = tunnel.user { body(user) } }
        for exchange in streams.values where exchange.hasEventStream {
            if let identity = exchange.passage.identity { body(identity) }
        }
    }

    func makeTunnel(_ client: Transport, _ app: Transport, _ identity: Identity?) -> Tunnel {
        let tunnel = Tunnel(client, app, identity: identity) { [self] in clients?.tunnelClosed($0) }
        clients?.tunnelOpened(tunnel)
        longUseBegan()
        return tunnel
    }
}

extension GateService: UpstreamPoolOwner {
    func forEachUpstreamClient(_ body: (any UpstreamClient) -> Void) {
        clients?.forEachExchange { exchange in
            if let exchange = exchange as? GateExchange { body(exchange) }
        }
    }

    func startPacing() {
        clients?.startPacing()
    }

    func count(_ tolerated: TolerationSet) {
        metrics.tolerated(tolerated)
    }
}
