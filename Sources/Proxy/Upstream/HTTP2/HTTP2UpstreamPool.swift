// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// One worker's HTTP/2 connections to the app: each serves as many exchanges as the app allows, so another is opened
/// only when they are full.
final class HTTP2UpstreamPool {
    let configuration: UpstreamConfiguration
    let shared: HTTP2UpstreamShared
    /// Opens connections, and reports each by ``connected(_:)`` or ``connectFailed(_:)``.
    unowned let owner: UpstreamPool
    private unowned let worker: Worker
    /// Another connection is waited for.
    private var awaited: (id: UInt64, client: ClientNetwork)?
    /// Those that take requests.
    private var open: [HTTP2Upstream] = []
    /// Whatever is not closed, so that it lives.
    private var all: [ObjectIdentifier: HTTP2Upstream] = [:]
    /// Connections being made, and those whose SETTINGS have not come.
    private var attempts = 0
    private var connecting = 0
    private var waiting: [(exchange: Exchange, generation: UInt64, isFresh: Bool)] = []
    private var nextNumber: UInt64 = 0
    /// What was open when the last connection broke is not to be trusted with a request that was lost with it.
    private var freshFrom: UInt64 = 0

    /// Whether another connection may be opened.
    enum Permit {
        case granted
        case awaited(UInt64, ClientNetwork)
        case none
    }

    init(_ configuration: UpstreamConfiguration, owner: UpstreamPool, worker: Worker) {
        self.configuration = configuration
        self.owner = owner
        self.worker = worker
        shared = HTTP2UpstreamShared(worker.limits, memory: worker.http2.memory)
    }

    var openCount: Int { all.count + connecting }

    var waitingCount: Int { waiting.count }

    /// As many requests as a connection carries.
    var requestsPerConnection: Int { open.first?.capacity ?? HTTP2UpstreamShared.maximumStreams }

    /// No connection takes requests, and the first one is being made.
    var isConnecting: Bool { open.isEmpty && attempts > 0 }

    /// As ``UpstreamPool/acquire(_:fresh:)``.
    func acquire(_ exchange: Exchange, fresh: Bool) -> (any UpstreamStream)? {
        if waiting.isEmpty || fresh, let connection = connectionWithRoom(for: exchange, fresh: fresh) {
            owner.holdsOther(exchange)
            return connection.makeStream()
        }
        guard waiting.count < Self.maximumWaiting || displace(for: exchange) else {
            owner.refuse(exchange)
            return nil
        }
        waiting.append((exchange, exchange.generation, fresh))
        exchange.waitForConnection(until: worker.loop.now.advanced(by: configuration.connectTimeout))
        giveWay(to: exchange.clientNetwork)
        connectIfNeeded()
        return nil
    }

    func cancel(_ exchange: Exchange) {
        guard !waiting.isEmpty else { return }
        waiting.removeAll { $0.exchange === exchange }
        cancelRequestIfUnneeded()
    }

    /// Those that wait, to be served otherwise.
    func takeWaiting() -> [Exchange] {
        let taken = waiting
        waiting = []
        cancelRequestIfUnneeded()
        return taken.filter { $0.exchange.generation == $0.generation && $0.exchange.awaitsUpstream }.map(\.exchange)
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
        guard !waiting.isEmpty, awaited == nil,
            attempts == 0 || waiting.count > attempts * HTTP2UpstreamShared.maximumStreams
        else { return }
        let index = waiting.count > 1 ? owner.fewest(waiting.map(\.exchange.clientNetwork)) : 0
        switch owner.requestShared(waiting[index].exchange) {
        case .granted:
            attempts += 1
            connecting += 1
            owner.connectShared()
        case .awaited(let id, let client): awaited = (id, client)
        case .none: break
        }
    }

    /// The ledger knows one of those that wait here: the one that comes first.
    private func giveWay(to client: ClientNetwork) {
        guard let (id, other) = awaited, other != client, owner.fewest([other, client]) == 1 else { return }
        awaited = nil
        owner.cancelShared(id, other)
    }

    /// Nobody waits here any more.
    private func cancelRequestIfUnneeded() {
        guard waiting.isEmpty, let (id, client) = awaited else { return }
        awaited = nil
        owner.cancelShared(id, client)
    }

    /// As many wait as may: the client with most of them loses its last one to `exchange`, if that one has fewer.
    private func displace(for exchange: Exchange) -> Bool {
        var counts: [ClientNetwork: Int] = [:]
        for waiter in waiting { counts[waiter.exchange.clientNetwork, default: 0] += 1 }
        guard let most = counts.max(by: { $0.value < $1.value }),
            most.value > counts[exchange.clientNetwork, default: 0] + 1,
            let index = waiting.lastIndex(where: { $0.exchange.clientNetwork == most.key })
        else { return false }
        let displaced = waiting.remove(at: index)
        if displaced.exchange.generation == displaced.generation { owner.refuse(displaced.exchange) }
        return true
    }

    // MARK: The ledger

    /// The connection that was waited for may be opened; false: it was not for those here.
    func granted(_ id: UInt64) -> Bool {
        guard awaited?.id == id else { return false }
        awaited = nil
        attempts += 1
        connecting += 1
        return true
    }

    /// Another client's request waits in place of ours.
    func displaced(_ id: UInt64) {
        if awaited?.id == id { awaited = nil }
    }

    /// Others wait, on whatever worker: closes what nobody uses.
    func releaseIdle() {
        while waiting.isEmpty, owner.isAwaited, let connection = open.first(where: \.isUnused) { connection.retire() }
    }

    /// A worker that has no connection waits for one of ours: the one with the fewest requests takes no more.
    func rotate() {
        open.min { $0.streamCount < $1.streamCount }?.retire()
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
        dispatchWaiting()
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
        owner.connectionClosed()
    }

    private func attemptFailed(_ loss: ExchangeStateMachine.Loss) {
        attempts -= 1
        // While there are others, room may be made on them.
        guard open.isEmpty else { return }
        for exchange in takeWaiting() { exchange.upstreamLost(loss) }
    }

    /// Hands out what room there is.
    func dispatchWaiting() {
        waiting.removeAll { $0.exchange.generation != $0.generation || !$0.exchange.awaitsUpstream }
        while !waiting.isEmpty {
            let index = waiting.count > 1 ? owner.fewest(waiting.map(\.exchange.clientNetwork)) : 0
            // One that needs a connection of its own, or a fresh one, may find no room where others do.
            guard let found = hasRoom(at: index) ? index : waiting.indices.first(where: { hasRoom(at: $0) }),
                let connection = connectionWithRoom(for: waiting[found].exchange, fresh: waiting[found].isFresh)
            else { break }
            let (exchange, _, isFresh) = waiting.remove(at: found)
            guard !owner.holdsBack(exchange) else {
                owner.holdBack(exchange, fresh: isFresh)
                continue
            }
            owner.holdsOther(exchange)
            exchange.upstreamReady(connection.makeStream())
        }
        cancelRequestIfUnneeded()
        connectIfNeeded()
        if owner.episode != 0 { releaseIdle() }
    }

    private func hasRoom(at index: Int) -> Bool {
        connectionWithRoom(for: waiting[index].exchange, fresh: waiting[index].isFresh) != nil
    }

    /// Exchanges that may wait for a free stream in one worker.
    private static let maximumWaiting = 1024
}
