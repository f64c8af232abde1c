// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import Reactor
import TLS

/// What a pool asks of the worker that it belongs to.
protocol UpstreamPoolOwner: AnyObject {
    /// Calls `body` with each exchange in progress.
    func forEachUpstreamClient(_ body: (any UpstreamClient) -> Void)
    /// Requests wait for a connection: the pace of clients matters now.
    func startPacing()
    /// A response deviates from HTTP, which is accepted.
    func count(_ tolerated: TolerationSet)
}

/// One worker's connections to an app.
///
/// The process's ``ConnectionLedger`` decides how many there may be.
final class UpstreamPool {
    private enum Phase {
        case serving
        /// The worker stops: connections close after their requests.
        case draining
        /// Another pool serves new requests.
        case retired
    }

    /// The result of ``acquire(for:fresh:isAlone:)``.
    enum Acquisition {
        case stream(any UpstreamStream)
        /// The client is notified later.
        case waiting(UpstreamWaiter)
    }

    private(set) var configuration: UpstreamConfiguration
    private(set) var environment: UpstreamEnvironment
    private(set) var ledger: LedgerMember
    /// Nil when it no longer exists: requests in flight may outlive it.
    private unowned var owner: (any UpstreamPoolOwner)?
    private let connector: UpstreamConnector
    private let named: UpstreamName
    private let reference: Unowned<UpstreamPool>
    private var phase = Phase.serving
    /// The last used last, so that those not needed age and end.
    private var idle: [HTTP1Upstream] = []
    /// Idle connections that belong to one client each, the one that has waited longest first. They count as open.
    private var bound: [HTTP1Upstream] = []
    /// HTTP/1.1 connections and attempts to open one. Each is counted in the ledger.
    private var ownCount = 0
    /// Connections that exchanges share; nil where HTTP/2 is not used.
    private var shared: HTTP2UpstreamPool?
    /// The last negotiation selected HTTP/2; exchanges expect the same again.
    private var expectsHTTP2 = true
    private var nextCookieReport = MonotonicTime(nanoseconds: 0)
    /// When a failure may be reported again.
    private var nextFailureReports: [UpstreamCause: MonotonicTime] = [:]
    /// Deviations that were reported.
    private var reportedTolerations = TolerationSet()

    init(_ configuration: UpstreamConfiguration, _ environment: UpstreamEnvironment, owner: any UpstreamPoolOwner) {
        self.configuration = configuration
        self.environment = environment
        self.owner = owner
        named = UpstreamName(configuration.endpoint)
        connector = UpstreamConnector(configuration, loop: environment.loop, resolver: environment.resolver)
        let ledger = configuration.ledger ?? ConnectionLedger(limit: configuration.maxConnections)
        let loop = environment.loop
        let reference = Unowned<UpstreamPool>()
        self.reference = reference
        let bound = loop.bind(reference)
        self.ledger = LedgerMember(ledger, loop: loop) { note in
            loop.submit {
                bound.assumeOnLoop { reference in
                    guard let pool = reference.object else { return LedgerMember.decline(note, of: ledger) }
                    pool.noted(note)
                }
            }
        }
        reference.refer(to: self)
        self.ledger.joinEpisode()
        if self.ledger.isContended { owner.startPacing() }
        guard configuration.version != .http1 else { return }
        shared = HTTP2UpstreamPool(owner: self)
    }

    deinit {
        reference.clear()
    }

    /// The owner is about to be destroyed.
    func detach() {
        owner = nil
    }

    /// For the log.
    var name: UpstreamName { named }

    /// Requests wait for their first content before they take a connection, since each has one of its own.
    var defersToContent: Bool { shared == nil || !expectsHTTP2 }

    /// How many requests a connection carries.
    var requestsPerConnection: Int { expectsHTTP2 ? shared?.requestsPerConnection ?? 1 : 1 }

    var openCount: Int { ownCount + (shared?.openCount ?? 0) }

    var waitingCount: Int { ledger.waitingCount + (shared?.waitingCount ?? 0) }

    /// The first shared connection is being made; requests wait for it rather than for the ledger.
    var isConnecting: Bool { expectsHTTP2 && shared?.isConnecting == true }

    var isDraining: Bool { phase == .draining }

    // MARK: Requests

    /// Gives `client` a connection: at once if one is idle, otherwise later by
    /// ``UpstreamClient/upstreamReady(_:)`` or ``UpstreamClient/upstreamLost(_:)``.
    ///
    /// - Parameters:
    ///   - fresh: not one that has served before.
    ///   - isAlone: one that carries no other request.
    func acquire(for client: any UpstreamClient, fresh: Bool, isAlone: Bool) -> Acquisition {
        if shared == nil || !expectsHTTP2, !ledger.isContended, !fresh, let connection = idle.popLast() {
            return .stream(connection)
        }
        // The client's address is worked out only if it matters.
        if let shared, expectsHTTP2, !ledger.isContended || !holdsBack(client.network),
            let stream = shared.streamAtOnce(for: client, fresh: fresh, isAlone: isAlone)
        {
            return .stream(stream)
        }
        let waiter = UpstreamWaiter(client, of: self, isFresh: fresh, isAlone: isAlone)
        guard let stream = serve(waiter) else { return .waiting(waiter) }
        waiter.cancelled()
        return .stream(stream)
    }

    /// Finds a connection for `waiter`; nil: it is notified later.
    private func serve(_ waiter: UpstreamWaiter) -> (any UpstreamStream)? {
        guard let client = waiter.client else { return nil }
        if let shared, expectsHTTP2 {
            guard !holdsBack(waiter.network) else {
                holdBack(waiter)
                return nil
            }
            let stream = shared.streamAtOnce(for: client, fresh: waiter.isFresh, isAlone: waiter.isAlone)
            if stream == nil { shared.enqueue(waiter) }
            return stream
        }
        // An idle connection is of no use to it, but makes room.
        if waiter.isFresh, let connection = idle.popLast() { discard(connection) }
        let share = environment.limits.clientShare
        switch ledger.wait(waiter, hasIdle: !waiter.isFresh && !idle.isEmpty, share: share) {
        case .use(let holding):
            client.hold(holding)
            return idle.popLast()
        case .connect(let holding):
            client.hold(holding)
            connect(for: waiter)
        case .wait:
            client.waitForConnection(until: environment.loop.now.advanced(by: configuration.connectTimeout))
            if !idle.isEmpty || !bound.isEmpty { environment.loop.afterEvent { [self] in releaseIdle() } }
        case .refuse:
            refuse(waiter)
        case .holdBack:
            holdBack(waiter)
        }
        return nil
    }

    // MARK: Penalized clients

    /// The client has been penalized, and holds its share.
    func holdsBack(_ network: ClientNetwork) -> Bool {
        ledger.isContended
            && ledger.holdsBack(network, share: environment.limits.clientShare, requests: requestsPerConnection)
    }

    /// `waiter` waits until its client holds less than its share.
    func holdBack(_ waiter: UpstreamWaiter) {
        guard ledger.holdBack(waiter) else { return refuse(waiter) }
        waiter.client?.waitForConnection(until: environment.loop.now.advanced(by: configuration.connectTimeout))
    }

    /// Clients may hold less than their share by now.
    func retryHeldBack() {
        guard ledger.hasHeldBack else { return }
        environment.loop.afterEvent { [self] in
            let share = environment.limits.clientShare
            ledger.retryHeldBack(share: share, requests: requestsPerConnection) { waiter in
                waiter.client?.connecting()
                guard let stream = serve(waiter) else { return }
                waiter.take()?.upstreamReady(stream)
            }
        }
    }

    /// A request of `client` is ended because it was slow.
    func penalize(_ client: ClientNetwork) {
        ledger.penalize(client, share: environment.limits.clientShare, requests: requestsPerConnection)
    }

    /// The queue is full.
    func refuse(_ waiter: UpstreamWaiter) {
        environment.loop.afterEvent { waiter.take()?.upstreamLost(.queueFull) }
    }

    /// `waiter` no longer waits.
    func cancel(_ waiter: UpstreamWaiter) {
        waiter.cancelled()
        ledger.cancel(waiter)
        shared?.cancel(waiter)
    }

    // MARK: Connections

    /// The connection has served a request and may serve another.
    func release(_ connection: HTTP1Upstream) {
        let isWanted = phase == .serving || phase == .retired && ledger.waitingCount > 0
        guard isWanted else { return connection.close() }
        retryHeldBack()
        guard !ledger.isContended, ledger.waitingCount == 0 else { return offer(connection) }
        idle.append(connection)
        connection.park()
    }

    /// Asks the ledger who gets the connection next.
    private func offer(_ connection: HTTP1Upstream) {
        switch ledger.released() {
        case .keep:
            guard phase != .retired else { return connection.close() }
            idle.append(connection)
            connection.park()
        case .hand(let grant):
            guard let client = ledger.take(grant)?.take() else { return connection.close() }
            client.upstreamReady(connection)
        case .close:
            ownCount -= 1
            connection.closeUncounted()
        }
    }

    /// `connection` waits for the next request of its one client, unless others wait for a connection.
    func bind(_ connection: HTTP1Upstream) {
        guard phase != .retired else { return connection.close() }
        bound.append(connection)
        releaseBound()
    }

    /// Connections that belong to one client each are idle.
    var hasBound: Bool { !bound.isEmpty }

    /// The next request of its client has arrived.
    func unbind(_ connection: HTTP1Upstream) {
        bound.removeAll { $0 === connection }
    }

    func connectionEnded(_ connection: HTTP1Upstream, wasIdle: Bool) {
        if wasIdle, !bound.isEmpty { unbind(connection) }
        if wasIdle, let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
        ownCount -= 1
        connectionClosed()
    }

    /// The ledger has one connection less, and the next waiter may open another.
    func connectionClosed() {
        if let grant = ledger.closed() { granted(grant) }
        retryHeldBack()
    }

    /// The worker stops.
    func drain() {
        if phase == .serving { phase = .draining }
        closeIdle()
    }

    /// Takes no new requests: those that it has, or that wait, are still served.
    func retire() {
        phase = .retired
        closeIdle()
    }

    /// Closes unused connections.
    private func closeIdle() {
        while let connection = idle.popLast() { discard(connection) }
        for connection in bound { connection.close() }
        shared?.closeIdle()
    }

    private func discard(_ connection: HTTP1Upstream) {
        connection.closeUncounted()
        ownCount -= 1
        connectionClosed()
    }

    func report(_ use: ReservedCookieUse) {
        let now = environment.loop.now
        guard now >= nextCookieReport else { return }
        nextCookieReport = now.advanced(by: Self.cookieReportInterval)
        configuration.reservedCookieUsed(use)
    }

    /// The app failed a request. Each one may fail in the same way, so one report from time to time is enough.
    func report(_ fault: UpstreamFault) {
        let now = environment.loop.now
        if let next = nextFailureReports[fault.cause], now < next { return }
        nextFailureReports[fault.cause] = now.advanced(by: Self.failureReportInterval)
        configuration.failed(fault)
    }

    /// A response deviates from HTTP, which is accepted.
    func note(_ tolerated: TolerationSet) {
        owner?.count(tolerated)
        guard !tolerated.isSubset(of: reportedTolerations) else { return }
        let new = tolerated.subtracting(reportedTolerations)
        reportedTolerations.formUnion(new)
        for toleration in new.members { configuration.tolerated(toleration) }
    }

    // MARK: Notes of the ledger

    private func noted(_ note: ConnectionLedgerState.Note) {
        switch note {
        case .contended(_, let episode):
            contended(episode)
            releaseIdle()
        case .releaseIdle: releaseIdle()
        case .rotate: shared?.rotate()
        case .granted(_, let grant): granted(grant)
        case .displaced(_, let id):
            guard let waiter = ledger.displaced(id) else { return shared?.displaced(id) ?? () }
            waiter.take()?.upstreamLost(.queueFull)
        case .heldBack(_, let id):
            guard !ledger.holdBack(id) else { break }
            shared?.displaced(id)
            shared?.dispatchWaiting()
        }
    }

    private func granted(_ grant: ConnectionLedgerState.Grant) {
        if shared?.granted(grant.waiter) == true {
            ledger.releaseHold(grant.client, grant.episode)
            return connectShared()
        }
        guard let waiter = ledger.take(grant) else { return connectionClosed() }
        connect(for: waiter)
    }

    /// Requests have begun to wait: reports which clients hold connections.
    private func contended(_ episode: UInt64) {
        ledger.began(episode)
        var clients: [ClientNetwork] = []
        owner?.forEachUpstreamClient { client in
            if let network = client.holdIfConnected(to: self, ledger, episode: episode) { clients.append(network) }
        }
        ledger.contended(episode, clients)
        owner?.startPacing()
    }

    /// Others wait for idle connections of this pool.
    private func releaseIdle() {
        while let connection = idle.popLast() {
            let count = idle.count
            offer(connection)
            // It was kept.
            if idle.count > count { break }
        }
        releaseBound()
        shared?.releaseIdle()
    }

    /// Idle connections that belong to one client each end while others wait.
    private func releaseBound() {
        while !bound.isEmpty, ledger.isAwaited { bound.removeFirst().close() }
    }

    // MARK: Connecting

    private func connect(for waiter: UpstreamWaiter) {
        ownCount += 1
        connector.connect { [self] result in
            switch result {
            case .success(let transport): opened(transport, for: waiter)
            case .failure(let fault):
                ownCount -= 1
                waiter.take()?.upstreamLost(fault)
                connectionClosed()
            }
        }
    }

    private func opened(_ transport: Transport, for waiter: UpstreamWaiter) {
        if isHTTP2(transport), let shared {
            ownCount -= 1
            shared.adopt(transport)
            guard waiter.client != nil, let stream = serve(waiter) else { return }
            waiter.take()?.upstreamReady(stream)
        } else {
            let connection = HTTP1Upstream(transport, pool: self)
            guard let client = waiter.take() else { return release(connection) }
            client.upstreamReady(connection)
        }
    }

    /// Opens a connection for the requests that wait for a stream; the ledger has granted it.
    func connectShared() {
        connector.connect { [self] result in
            switch result {
            case .success(let transport): openedShared(transport)
            case .failure(let fault):
                shared?.connectFailed(fault)
                connectionClosed()
            }
        }
    }

    private func openedShared(_ transport: Transport) {
        guard let shared else { return transport.close() }
        if isHTTP2(transport) { return shared.connected(transport) }
        // The requests that wait for a stream continue as with HTTP/1.1: one of them on this connection.
        ownCount += 1
        let waiters = shared.gaveUp()
        release(HTTP1Upstream(transport, pool: self))
        for waiter in waiters {
            guard let stream = serve(waiter) else { continue }
            waiter.take()?.upstreamReady(stream)
        }
    }

    /// The connection's version: the configured one, or the negotiated one (ALPN).
    private func isHTTP2(_ transport: Transport) -> Bool {
        let isHTTP2 =
            switch configuration.version {
            case .http1: false
            case .http2: true
            case .negotiated: transport.negotiatedProtocol == "h2"
            }
        if shared != nil { expectsHTTP2 = isHTTP2 }
        return isHTTP2
    }

    private static let cookieReportInterval = Nanoseconds.seconds(600)
    private static let failureReportInterval = Nanoseconds.seconds(10)
}
