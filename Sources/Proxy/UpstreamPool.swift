// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// One worker's connections to the app.
final class UpstreamPool {
    let configuration: UpstreamConfiguration
    private unowned let worker: Worker
    private var nextReport = MonotonicTime(nanoseconds: 0)
    private var nextCookieReport = MonotonicTime(nanoseconds: 0)
    private var machine: UpstreamPoolStateMachine<HTTP1Upstream, Exchange>
    /// Another pool serves new requests.
    private var isRetired = false
    /// Connections that exchanges share; nil where HTTP/2 is out of question.
    private var shared: HTTP2UpstreamPool?
    /// What was agreed on last with an app that may choose; exchanges expect the same again.
    private var expectsHTTP2 = true
    /// Idle connections that belong to one client each, the one that waits longest first. They count as open.
    private var bound: [HTTP1Upstream] = []

    /// Whom a connection is being made for.
    private enum Purpose {
        /// The exchange may be over, and its object serve another one, before the connection is there.
        case exchange(Exchange, ticket: UInt64)
        /// Whoever waits for a stream.
        case sharing
    }

    init(_ configuration: UpstreamConfiguration, worker: Worker) {
        self.configuration = configuration
        self.worker = worker
        machine = UpstreamPoolStateMachine(maximum: configuration.maxConnections, maximumWaiting: Self.maximumWaiting)
        guard configuration.version != .http1 else { return }
        shared = HTTP2UpstreamPool(configuration, worker: worker) { [unowned self] in connect(for: .sharing) }
    }

    /// Gives `exchange` a connection: at once when one is idle (the result), else later by ``Exchange/upstreamReady(_:)``
    /// or ``Exchange/upstreamLost(_:)``.
    func acquire(_ exchange: Exchange, fresh: Bool) -> (any UpstreamStream)? {
        if let shared, expectsHTTP2 { return shared.acquire(exchange, fresh: fresh) }
        switch machine.acquire(exchange, fresh: fresh) {
        case .use(let connection): return connection
        case .connect: connect(for: .exchange(exchange, ticket: exchange.ticket))
        case .wait:
            exchange.awaitsConnection(until: worker.loop.now.advanced(by: configuration.connectTimeout))
            bound.first?.close()
        case .refuse:
            let ticket = exchange.ticket
            worker.loop.afterEvent {
                if exchange.ticket == ticket, exchange.awaitsUpstream { exchange.upstreamLost(.overloaded) }
            }
        }
        return nil
    }

    var openCount: Int { machine.openCount + (shared?.openCount ?? 0) }

    /// Whoever waits, waits for the first connection of all.
    var isConnecting: Bool { expectsHTTP2 && shared?.hasNone == true }

    /// `exchange` waits no longer.
    func cancel(_ exchange: Exchange) {
        machine.gaveUp(exchange)
        shared?.cancel(exchange)
    }

    func release(_ connection: HTTP1Upstream) {
        guard !worker.isDraining, !isRetired || machine.waitingCount > 0 else { return connection.close() }
        perform(machine.released(connection, isReusable: true), on: connection)
    }

    /// `connection` waits for the next request of its one client, unless others wait for a connection.
    func bind(_ connection: HTTP1Upstream) {
        guard !isRetired else { return connection.close() }
        bound.append(connection)
        if machine.waitingCount > 0 { bound.first?.close() }
    }

    /// Its client's next request has come.
    func unbind(_ connection: HTTP1Upstream) {
        bound.removeAll { $0 === connection }
    }

    func report(ownCookie name: String) {
        guard worker.loop.now >= nextCookieReport else { return }
        nextCookieReport = worker.loop.now.advanced(by: Self.cookieReportInterval)
        configuration.ownCookieSet(name)
    }

    func connectionEnded(_ connection: HTTP1Upstream, wasIdle: Bool) {
        if wasIdle, !bound.isEmpty { unbind(connection) }
        if wasIdle, machine.idleEnded(connection) { return }
        perform(machine.closed(), on: nil)
    }

    /// Takes no new requests: those that it has, or that wait, are served to their end.
    func retire() {
        isRetired = true
        closeIdle()
    }

    /// Closes what nobody uses.
    func closeIdle() {
        // The connections are no longer the pool's, so their end is not to be counted again.
        for connection in machine.takeIdle() { connection.closeUncounted() }
        for connection in bound { connection.close() }
        shared?.closeIdle()
    }

    private func perform(
        _ action: UpstreamPoolStateMachine<HTTP1Upstream, Exchange>.ReleaseAction, on connection: HTTP1Upstream?
    ) {
        switch action {
        case .park: connection?.park()
        case .close: break
        case .hand(let connection, let waiter): waiter.upstreamReady(connection)
        case .closeAndConnect(let waiter): connect(for: .exchange(waiter, ticket: waiter.ticket))
        }
    }

    private func connect(for purpose: Purpose) {
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
            machine.adopted()
            release(HTTP1Upstream(transport: transport, pool: self, worker: worker))
            for exchange in shared.takeWaiting() {
                if let connection = acquire(exchange, fresh: false) { exchange.upstreamReady(connection) }
            }
        case .exchange(let exchange, let ticket):
            guard isHTTP2 else { return openedHTTP1(transport, for: purpose) }
            perform(machine.closed(), on: nil)
            shared.adopt(transport)
            guard exchange.ticket == ticket, exchange.awaitsUpstream else { return }
            if let stream = shared.acquire(exchange, fresh: false) { exchange.upstreamReady(stream) }
        }
    }

    private func openedHTTP1(_ transport: Transport, for purpose: Purpose) {
        let connection = HTTP1Upstream(transport: transport, pool: self, worker: worker)
        if case .exchange(let exchange, let ticket) = purpose, exchange.ticket == ticket, exchange.awaitsUpstream {
            exchange.upstreamReady(connection)
        } else {
            release(connection)
        }
    }

    private func failed(_ loss: ExchangeStateMachine.Loss, _ purpose: Purpose) {
        switch purpose {
        case .sharing:
            shared?.connectFailed(loss)
        case .exchange(let exchange, let ticket):
            perform(machine.closed(), on: nil)
            if exchange.ticket == ticket, exchange.awaitsUpstream { exchange.upstreamLost(loss) }
        }
    }

    /// Exchanges that may wait for a free connection in one worker.
    private static let maximumWaiting = 1024
    private static let reportInterval = Nanoseconds.seconds(10)
    private static let cookieReportInterval = Nanoseconds.seconds(600)
}
