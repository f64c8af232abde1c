// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// One worker's HTTP/2 connections to the app: each serves as many exchanges as the app allows, so another is opened
/// only when they are full.
final class HTTP2UpstreamPool {
    let configuration: UpstreamConfiguration
    let shared: HTTP2UpstreamShared
    private unowned let worker: Worker
    /// Opens a connection, and tells of it by ``connected(_:)`` or ``connectFailed(_:)``.
    private let connect: () -> Void
    /// Those that take requests.
    private var open: [HTTP2Upstream] = []
    /// Whatever is not closed, so that it lives.
    private var all: [ObjectIdentifier: HTTP2Upstream] = [:]
    /// Connections being made, and those whose SETTINGS have not come.
    private var attempts = 0
    private var connecting = 0
    private var waiting: [(exchange: Exchange, ticket: UInt64, isFresh: Bool)] = []
    private var nextNumber: UInt64 = 0
    /// What was open when the last connection broke is not to be trusted with a request that was lost with it.
    private var freshFrom: UInt64 = 0

    init(_ configuration: UpstreamConfiguration, worker: Worker, connect: @escaping () -> Void) {
        self.configuration = configuration
        self.worker = worker
        self.connect = connect
        shared = HTTP2UpstreamShared(worker.limits, memory: worker.http2.memory)
    }

    var openCount: Int { all.count + connecting }

    /// No connection takes requests.
    var hasNone: Bool { open.isEmpty }

    /// As ``UpstreamPool/acquire(_:fresh:)``.
    func acquire(_ exchange: Exchange, fresh: Bool) -> (any UpstreamStream)? {
        if let connection = connectionWithRoom(for: exchange, fresh: fresh) { return connection.makeStream() }
        let ticket = exchange.ticket
        guard waiting.count < Self.maximumWaiting else {
            worker.loop.afterEvent {
                if exchange.ticket == ticket, exchange.awaitsUpstream { exchange.upstreamLost(.overloaded) }
            }
            return nil
        }
        waiting.append((exchange, ticket, fresh))
        exchange.awaitsConnection(until: worker.loop.now.advanced(by: configuration.connectTimeout))
        connectIfNeeded()
        return nil
    }

    func cancel(_ exchange: Exchange) {
        guard !waiting.isEmpty else { return }
        waiting.removeAll { $0.exchange === exchange }
    }

    /// Those that wait, to be served otherwise.
    func takeWaiting() -> [Exchange] {
        let taken = waiting
        waiting = []
        return taken.filter { $0.exchange.ticket == $0.ticket && $0.exchange.awaitsUpstream }.map(\.exchange)
    }

    /// Closes what nobody uses, and the rest when it is through.
    func closeIdle() {
        for connection in open { connection.retire() }
    }

    private func connectionWithRoom(for exchange: Exchange, fresh: Bool) -> HTTP2Upstream? {
        // Credentials that authenticate the connection must not meet the requests of others on it.
        let isAlone = exchange.request.authenticatesConnection
        // The oldest first, so that those not needed age and end.
        return open.first { $0.hasRoom && (!fresh || $0.number >= freshFrom) && (!isAlone || $0.isUnused) }
    }

    private func connectIfNeeded() {
        // A new one has room for many.
        guard !waiting.isEmpty, openCount < max(1, configuration.maxConnections),
            attempts == 0 || waiting.count > attempts * HTTP2UpstreamShared.maximumStreams
        else { return }
        attempts += 1
        connecting += 1
        connect()
    }

    // MARK: Connections

    /// A connection is there on which HTTP/2 was agreed, or is known to be spoken.
    func connected(_ transport: Transport) {
        connecting -= 1
        nextNumber += 1
        let connection = HTTP2Upstream(transport, number: nextNumber, pool: self, worker: worker)
        all[ObjectIdentifier(connection)] = connection
    }

    func connectFailed(_ loss: ExchangeStateMachine.Loss) {
        connecting -= 1
        attemptFailed(loss)
    }

    /// A connection was made for somebody else, and turned out to speak HTTP/2.
    func adopt(_ transport: Transport) {
        attempts += 1
        connecting += 1
        connected(transport)
    }

    /// A connection was made, and turned out to speak HTTP/1.1.
    func gaveUpAttempt() {
        connecting -= 1
        attempts -= 1
    }

    /// The app's SETTINGS have come.
    func settled(_ connection: HTTP2Upstream) {
        attempts -= 1
        open.append(connection)
        roomMade()
        if worker.isDraining, waiting.isEmpty { connection.retire() }
    }

    func retired(_ connection: HTTP2Upstream, wasSettling: Bool) {
        open.removeAll { $0 === connection }
        freshFrom = max(freshFrom, connection.number + 1)
        if wasSettling { attempts -= 1 }
        connectIfNeeded()
    }

    func ended(_ connection: HTTP2Upstream, wasSettling: Bool) {
        all[ObjectIdentifier(connection)] = nil
        open.removeAll { $0 === connection }
        freshFrom = max(freshFrom, connection.number + 1)
        // What speaks another protocol hangs up on us, or says nothing we understand.
        if wasSettling { attemptFailed(.malformed) } else { connectIfNeeded() }
    }

    private func attemptFailed(_ loss: ExchangeStateMachine.Loss) {
        attempts -= 1
        // While there are others, room may be made on them.
        guard open.isEmpty else { return }
        for exchange in takeWaiting() { exchange.upstreamLost(loss) }
    }

    /// Hands out what room there is.
    func roomMade() {
        var index = 0
        while index < waiting.count {
            let waiter = waiting[index]
            guard waiter.exchange.ticket == waiter.ticket, waiter.exchange.awaitsUpstream else {
                waiting.remove(at: index)
                continue
            }
            guard let connection = connectionWithRoom(for: waiter.exchange, fresh: waiter.isFresh) else {
                if !waiter.isFresh, !waiter.exchange.request.authenticatesConnection { break }
                index += 1
                continue
            }
            waiting.remove(at: index)
            waiter.exchange.upstreamReady(connection.makeStream())
        }
        connectIfNeeded()
    }

    /// Exchanges that may wait for a free stream in one worker.
    private static let maximumWaiting = 1024
}
