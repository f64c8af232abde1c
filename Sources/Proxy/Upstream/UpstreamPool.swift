// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// One worker's connections to the app.
///
/// How many there may be, the process's ``ConnectionLedger`` says.
final class UpstreamPool {
    let configuration: UpstreamConfiguration
    let ledger: ConnectionLedger
    unowned let worker: Worker
    private var nextReport = MonotonicTime(nanoseconds: 0)
    /// The last used foremost, so that those not needed age and end.
    var idle: [HTTP1Upstream] = []
    /// HTTP/1.1 connections and attempts to open one. Each is counted in the ledger.
    var ownCount = 0
    /// Requests that the ledger knows to wait.
    var waiting: [UInt64: Exchange] = [:]
    var nextWaiter: UInt64 = 0
    /// As a member of the ledger.
    var member = 0
    private let inbox: LedgerInbox
    /// Of the ledger's, while requests wait for a connection, on whatever worker; 0: none.
    var episode: UInt64 = 0
    /// For how long requests had waited at the last look, and between the last two.
    var waited = Nanoseconds(count: 0)
    var waitedLately = Nanoseconds(count: 0)
    /// Requests of penalized clients that hold their share, in order of arrival. They are in ``waiting`` too, and unknown
    /// to the ledger.
    private(set) var heldBack: [(id: UInt64, isFresh: Bool)] = []
    /// Clients of which requests are held back, on any worker.
    var heldBackClients: [ClientNetwork] = []
    /// Requests that the current look at the pace of clients may still end for others.
    var endings = 0
    private var nextCookieReport = MonotonicTime(nanoseconds: 0)
    /// Another pool serves new requests.
    private var isRetired = false
    /// Connections that exchanges share; nil where HTTP/2 is out of question.
    var shared: HTTP2UpstreamPool?
    /// What was agreed on last with an app that may choose; exchanges expect the same again.
    private var expectsHTTP2 = true
    /// Idle connections that belong to one client each, the one that waits longest first. They count as open.
    var bound: [HTTP1Upstream] = []

    /// Whom a connection is being made for.
    enum Purpose {
        /// The exchange may be over, and its object serve another one, before the connection is there.
        case exchange(Exchange, generation: UInt64)
        /// Whoever waits for a stream.
        case sharing
    }

    init(_ configuration: UpstreamConfiguration, worker: Worker) {
        self.configuration = configuration
        self.worker = worker
        let ledger = configuration.ledger ?? ConnectionLedger(limit: configuration.maxConnections)
        self.ledger = ledger
        let loop = worker.loop
        let inbox = LedgerInbox()
        self.inbox = inbox
        let box = Unowned<LedgerInbox>()
        box.object = inbox
        let bound = loop.bind(box)
        member = ledger.join { note in
            loop.submit { bound.assumeOnLoop { Self.deliver(note, to: $0.object?.pool, of: ledger) } }
        }
        inbox.pool = self
        joinEpisode()
        guard configuration.version != .http1 else { return }
        shared = HTTP2UpstreamPool(configuration, owner: self, worker: worker)
    }

    deinit {
        ledger.leave(member)
    }

    /// Requests wait for their first content before they take a connection: one that is shared is none's own.
    var defersToContent: Bool { shared == nil || !expectsHTTP2 }

    /// How many requests a connection carries.
    var requestsPerConnection: Int { expectsHTTP2 ? shared?.requestsPerConnection ?? 1 : 1 }

    /// Gives `exchange` a connection: at once when one is idle (the result), else later by ``Exchange/upstreamReady(_:)``
    /// or ``Exchange/upstreamLost(_:)``.
    func acquire(_ exchange: Exchange, fresh: Bool) -> (any UpstreamStream)? {
        if let shared, expectsHTTP2 {
            guard !holdsBack(exchange) else {
                holdBack(exchange, fresh: fresh)
                return nil
            }
            return shared.acquire(exchange, fresh: fresh)
        }
        if episode == 0, !fresh, let connection = idle.popLast() { return connection }
        // An idle connection is no use to it, but makes room.
        if fresh, let connection = idle.popLast() { discard(connection) }
        nextWaiter += 1
        let (id, client, now) = (nextWaiter, exchange.clientNetwork, worker.loop.now)
        let hasIdle = !fresh && !idle.isEmpty
        let share = worker.limits.clientShare
        let (outcome, episode) = ledger.perform { [member] state, notes in
            let outcome = state.wait(member, id, client, hasIdle: hasIdle, share: share, now, &notes)
            return (outcome, state.episode)
        }
        switch outcome {
        case .use:
            exchange.holds(client, of: self, episode)
            return idle.popLast()
        case .connect:
            exchange.holds(client, of: self, episode)
            ownCount += 1
            connect(for: .exchange(exchange, generation: exchange.generation))
        case .wait:
            exchange.waiter = (id, client)
            waiting[id] = exchange
            exchange.waitForConnection(until: now.advanced(by: configuration.connectTimeout))
            if !idle.isEmpty || !bound.isEmpty { worker.loop.afterEvent { [self] in releaseIdle() } }
        case .refuse:
            refuse(exchange)
        case .holdBack:
            holdBack(exchange, fresh: fresh)
        }
        return nil
    }

    /// `exchange` waits until its client, which has been penalized, holds less than its share.
    func holdBack(_ exchange: Exchange, fresh: Bool) {
        if heldBack.count >= Self.maximumHeldBack { heldBack.removeAll { waiting[$0.id] == nil } }
        guard heldBack.count < Self.maximumHeldBack else { return refuse(exchange) }
        nextWaiter += 1
        exchange.waiter = (nextWaiter, exchange.clientNetwork)
        waiting[nextWaiter] = exchange
        heldBack.append((nextWaiter, fresh))
        exchange.waitForConnection(until: worker.loop.now.advanced(by: configuration.connectTimeout))
    }

    /// The ledger does not know the request that waits as `id` any more; false: it waits no longer, or not here.
    func holdBack(_ id: UInt64) -> Bool {
        guard waiting[id] != nil else { return false }
        heldBack.append((id, true))
        return true
    }

    /// Clients may hold less than their share by now.
    func retryHeldBack() {
        guard !heldBack.isEmpty else { return }
        let entries = heldBack
        heldBack = []
        var atShare: Set<ClientNetwork> = []
        for entry in entries {
            guard let exchange = waiting[entry.id], let client = exchange.waiter?.client else { continue }
            guard !atShare.contains(client), !holdsBack(exchange) else {
                atShare.insert(client)
                heldBack.append(entry)
                continue
            }
            waiting[entry.id] = nil
            exchange.waiter = nil
            guard exchange.awaitsUpstream else { continue }
            exchange.stopTimer()
            if let connection = acquire(exchange, fresh: entry.isFresh) { exchange.upstreamReady(connection) }
        }
    }

    /// As many wait as may.
    func refuse(_ exchange: Exchange) {
        let generation = exchange.generation
        worker.loop.afterEvent {
            if exchange.generation == generation, exchange.awaitsUpstream { exchange.upstreamLost(.overloaded) }
        }
    }

    var openCount: Int { ownCount + (shared?.openCount ?? 0) }

    var waitingCount: Int { waiting.count + (shared?.waitingCount ?? 0) }

    /// Waiting requests wait until the first shared connection is made, rather than for a permit of the ledger.
    var isConnecting: Bool { expectsHTTP2 && shared?.isConnecting == true }

    /// `exchange` waits no longer.
    func cancel(_ exchange: Exchange) {
        if let (id, client) = exchange.waiter {
            exchange.waiter = nil
            waiting[id] = nil
            let now = worker.loop.now
            ledger.perform { [member] state, _ in state.cancel(id, of: member, client, now) }
        }
        shared?.cancel(exchange)
    }

    /// The connection has served a request and may serve another one.
    func release(_ connection: HTTP1Upstream) {
        let isWanted = !worker.isDraining && (!isRetired || !waiting.isEmpty)
        guard episode != 0 || !waiting.isEmpty else {
            guard isWanted else { return connection.close() }
            idle.append(connection)
            return connection.park()
        }
        guard isWanted else { return connection.close() }
        offer(connection)
    }

    /// Asks who gets the connection next.
    func offer(_ connection: HTTP1Upstream) {
        let now = worker.loop.now
        switch ledger.perform({ [member] state, notes in state.released(member, now, &notes) }) {
        case .keep:
            if isRetired { return connection.close() }
            idle.append(connection)
            connection.park()
        case .hand(let grant):
            guard let exchange = take(grant) else { return connection.close() }
            exchange.upstreamReady(connection)
        case .close:
            ownCount -= 1
            connection.closeUncounted()
        }
    }

    /// `connection` waits for the next request of its one client, unless others wait for a connection.
    func bind(_ connection: HTTP1Upstream) {
        guard !isRetired else { return connection.close() }
        bound.append(connection)
        releaseBound()
    }

    /// Its client's next request has come.
    func unbind(_ connection: HTTP1Upstream) {
        bound.removeAll { $0 === connection }
    }

    func report(reservedCookie name: String) {
        guard worker.loop.now >= nextCookieReport else { return }
        nextCookieReport = worker.loop.now.advanced(by: Self.cookieReportInterval)
        configuration.reservedCookieSet(name)
    }

    func connectionEnded(_ connection: HTTP1Upstream, wasIdle: Bool) {
        if wasIdle, !bound.isEmpty { unbind(connection) }
        if wasIdle, let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
        ownCount -= 1
        connectionClosed()
    }

    /// The ledger has one connection less, and the next waiter may open another.
    func connectionClosed() {
        let now = worker.loop.now
        let grant = ledger.perform { [member] state, notes in state.closed(member, now, &notes) }
        if let grant { granted(grant) }
    }

    /// Takes no new requests: those that it has, or that wait, are served to their end.
    func retire() {
        isRetired = true
        closeIdle()
    }

    /// Closes what nobody uses.
    func closeIdle() {
        while let connection = idle.popLast() { discard(connection) }
        for connection in bound { connection.close() }
        shared?.closeIdle()
    }

    private func discard(_ connection: HTTP1Upstream) {
        connection.closeUncounted()
        ownCount -= 1
        connectionClosed()
    }

    // MARK: Connections

    func connect(for purpose: Purpose) {
        switch configuration.endpoint {
        case .unix(let path):
            open([.unix(path)], for: purpose)
        case .host(let host, let port):
            let completion = worker.loop.bind { [self] (answer: Resolver.Answer) in
                switch answer {
                case .addresses(let addresses): open(addresses, for: purpose)
                case .failure: failed(.unreachable, purpose)
                }
            }
            worker.resolver.resolve(host, port: port, on: worker.loop, completion)
        }
    }

    private func open(_ addresses: [SocketAddress], for purpose: Purpose) {
        Connector(to: addresses, timeout: configuration.connectTimeout, loop: worker.loop) { [self] result in
            switch result {
            case .success(let socket): secure(socket, for: purpose)
            case .failure(let error): failed(error.isTimeout ? .connectTimeout : .unreachable, purpose)
            }
        }
    }

    private func secure(_ socket: SocketTransport, for purpose: Purpose) {
        guard let tls = configuration.tls, case .host(let host, let port) = configuration.endpoint else {
            return opened(socket, for: purpose)
        }
        do throws(TLSError) {
            let transport = try TLSTransport(client: socket, tls, host: host, port: port)
            transport.handshake(timeout: configuration.connectTimeout) { [self] failure in
                guard let failure else { return opened(transport, for: purpose) }
                transport.close()
                notSecured(failure, purpose)
            }
        } catch {
            socket.close()
            notSecured(error, purpose)
        }
    }

    private func notSecured(_ failure: TLSError, _ purpose: Purpose) {
        // Once in a while is enough: each request fails alike.
        if worker.loop.now >= nextReport {
            nextReport = worker.loop.now.advanced(by: Self.reportInterval)
            configuration.notSecured(failure)
        }
        failed(failure == .timeout ? .connectTimeout : .notSecured, purpose)
    }

    /// The connection is made; what was agreed on while it was (ALPN), or is known beforehand, says what it carries.
    private func opened(_ transport: Transport, for purpose: Purpose) {
        let isHTTP2 =
            switch configuration.version {
            case .http1: false
            case .http2: true
            case .negotiated: transport.negotiatedProtocol == "h2"
            }
        guard let shared else { return openedHTTP1(transport, for: purpose) }
        expectsHTTP2 = isHTTP2
        switch purpose {
        case .sharing:
            if isHTTP2 { return shared.connected(transport) }
            // Those who wait for a stream go on as with HTTP/1.1: one with this connection.
            shared.gaveUpAttempt()
            ownCount += 1
            release(HTTP1Upstream(transport: transport, pool: self, worker: worker))
            for exchange in shared.takeWaiting() {
                if let connection = acquire(exchange, fresh: false) { exchange.upstreamReady(connection) }
            }
        case .exchange(let exchange, let generation):
            guard isHTTP2 else { return openedHTTP1(transport, for: purpose) }
            ownCount -= 1
            shared.adopt(transport)
            guard exchange.generation == generation, exchange.awaitsUpstream else { return }
            if let stream = shared.acquire(exchange, fresh: false) { exchange.upstreamReady(stream) }
        }
    }

    private func openedHTTP1(_ transport: Transport, for purpose: Purpose) {
        let connection = HTTP1Upstream(transport: transport, pool: self, worker: worker)
        if case .exchange(let exchange, let generation) = purpose, exchange.generation == generation,
            exchange.awaitsUpstream
        {
            exchange.upstreamReady(connection)
        } else {
            release(connection)
        }
    }

    private func failed(_ loss: ExchangeStateMachine.Loss, _ purpose: Purpose) {
        switch purpose {
        case .sharing:
            shared?.connectFailed(loss)
            connectionClosed()
        case .exchange(let exchange, let generation):
            ownCount -= 1
            if exchange.generation == generation, exchange.awaitsUpstream { exchange.upstreamLost(loss) }
            connectionClosed()
        }
    }

    /// Where notes of the ledger come in. It is referred to weakly in the pool's place: counting references to an object
    /// with weak references is slow, and each request counts some to the pool.
    private final class LedgerInbox {
        unowned var pool: UpstreamPool?
    }

    private static let maximumHeldBack = 1024
    private static let reportInterval = Nanoseconds.seconds(10)
    private static let cookieReportInterval = Nanoseconds.seconds(600)
}
