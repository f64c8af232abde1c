// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// One worker's connections to the app.
final class UpstreamPool {
    let configuration: UpstreamConfiguration
    private unowned let worker: Worker
    private var nextReport = MonotonicTime(nanoseconds: 0)
    private var machine: UpstreamPoolStateMachine<HTTP1Upstream, Exchange>

    init(_ configuration: UpstreamConfiguration, worker: Worker) {
        self.configuration = configuration
        self.worker = worker
        machine = UpstreamPoolStateMachine(maximum: configuration.maxConnections, maximumWaiting: Self.maximumWaiting)
    }

    /// Gives `exchange` a connection: at once when one is idle (the result), else later by ``Exchange/upstreamReady(_:)``
    /// or ``Exchange/upstreamLost(_:)``.
    func acquire(_ exchange: Exchange, fresh: Bool) -> HTTP1Upstream? {
        switch machine.acquire(exchange, fresh: fresh) {
        case .use(let connection): return connection
        case .connect: connect(for: exchange)
        case .wait: exchange.awaitsConnection(until: worker.loop.now.advanced(by: configuration.connectTimeout))
        case .refuse:
            let ticket = exchange.ticket
            worker.loop.afterEvent {
                if exchange.ticket == ticket, exchange.awaitsUpstream { exchange.upstreamLost(.connectTimeout) }
            }
        }
        return nil
    }

    var openCount: Int { machine.openCount }

    /// `exchange` waits no longer.
    func cancel(_ exchange: Exchange) {
        machine.gaveUp(exchange)
    }

    func release(_ connection: HTTP1Upstream) {
        guard !worker.isDraining else { return connection.close() }
        perform(machine.released(connection, isReusable: true), on: connection)
    }

    func connectionEnded(_ connection: HTTP1Upstream, wasIdle: Bool) {
        if wasIdle, machine.idleEnded(connection) { return }
        perform(machine.closed(), on: nil)
    }

    /// Closes what nobody uses.
    func closeIdle() {
        // The connections are no longer the pool's, so their end is not to be counted again.
        for connection in machine.takeIdle() { connection.closeUncounted() }
    }

    private func perform(
        _ action: UpstreamPoolStateMachine<HTTP1Upstream, Exchange>.ReleaseAction, on connection: HTTP1Upstream?
    ) {
        switch action {
        case .park: connection?.park()
        case .close: break
        case .hand(let connection, let waiter): waiter.upstreamReady(connection)
        case .closeAndConnect(let waiter): connect(for: waiter)
        }
    }

    private func connect(for exchange: Exchange) {
        // The exchange may be over, and its object serve another one, before the connection is there.
        let ticket = exchange.ticket
        switch configuration.endpoint {
        case .unix(let path):
            open([.unix(path)], for: exchange, ticket)
        case .host(let host, let port):
            let completion = worker.loop.bind { [self] (answer: Resolver.Answer) in
                switch answer {
                case .addresses(let addresses): open(addresses, for: exchange, ticket)
                case .failure: failed(.unreachable, exchange, ticket)
                }
            }
            worker.resolver.resolve(host, port: port, on: worker.loop, completion)
        }
    }

    private func open(_ addresses: [SocketAddress], for exchange: Exchange, _ ticket: UInt64) {
        Connector(to: addresses, timeout: configuration.connectTimeout, loop: worker.loop) { [self] result in
            switch result {
            case .success(let socket): secure(socket, for: exchange, ticket)
            case .failure(let error):
                failed(error.isTimeout ? .connectTimeout : .unreachable, exchange, ticket)
            }
        }
    }

    private func secure(_ socket: SocketTransport, for exchange: Exchange, _ ticket: UInt64) {
        guard let tls = configuration.tls, case .host(let host, let port) = configuration.endpoint else {
            return opened(socket, for: exchange, ticket)
        }
        do throws(TLSError) {
            let transport = try TLSTransport(client: socket, tls, host: host, port: port)
            transport.handshake(timeout: configuration.connectTimeout) { [self] failure in
                guard let failure else { return opened(transport, for: exchange, ticket) }
                transport.close()
                notSecured(failure, exchange, ticket)
            }
        } catch {
            socket.close()
            notSecured(error, exchange, ticket)
        }
    }

    private func notSecured(_ failure: TLSError, _ exchange: Exchange, _ ticket: UInt64) {
        // Once in a while is enough: each request fails alike.
        if worker.loop.now >= nextReport {
            nextReport = worker.loop.now.advanced(by: Self.reportInterval)
            configuration.notSecured(failure)
        }
        failed(failure == .timeout ? .connectTimeout : .notSecured, exchange, ticket)
    }

    private func opened(_ transport: Transport, for exchange: Exchange, _ ticket: UInt64) {
        let connection = HTTP1Upstream(transport: transport, pool: self, worker: worker)
        if exchange.ticket == ticket, exchange.awaitsUpstream {
            exchange.upstreamReady(connection)
        } else {
            release(connection)
        }
    }

    private func failed(_ loss: ExchangeStateMachine.Loss, _ exchange: Exchange, _ ticket: UInt64) {
        perform(machine.closed(), on: nil)
        if exchange.ticket == ticket, exchange.awaitsUpstream { exchange.upstreamLost(loss) }
    }

    /// Exchanges that may wait for a free connection in one worker.
    private static let maximumWaiting = 1024
    private static let reportInterval = Nanoseconds.seconds(10)
}
