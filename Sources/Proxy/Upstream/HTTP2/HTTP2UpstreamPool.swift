// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// One worker's HTTP/2 connections to an app. ``HTTP2PoolStateMachine`` decides what follows from what happens; this class
/// does it.
final class HTTP2UpstreamPool {
    typealias Number = HTTP2PoolStateMachine.ConnectionNumber

    private(set) var shared: HTTP2UpstreamShared
    /// Opens connections, and reports each by ``connected(_:)``, ``connectFailed(_:)`` or ``gaveUp()``.
    private(set) unowned var owner: UpstreamPool
    private var machine = HTTP2PoolStateMachine(maximumStreams: HTTP2UpstreamShared.maximumStreams)
    /// All that are not closed.
    private var connections: [Number: HTTP2Upstream] = [:]
    private var waiters: [HTTP2PoolStateMachine.WaiterNumber: UpstreamWaiter] = [:]
    private var lastWaiter: HTTP2PoolStateMachine.WaiterNumber = 0

    init(owner: UpstreamPool) {
        self.owner = owner
        shared = HTTP2UpstreamShared(
            owner.environment.limits, owner.configuration.leniency, memory: owner.environment.memory.http2)
    }

    var openCount: Int { machine.openCount }

    var waitingCount: Int { machine.waiting.count }

    /// As many requests as a connection carries.
    var requestsPerConnection: Int {
        machine.open.first.flatMap { connections[$0]?.capacity } ?? HTTP2UpstreamShared.maximumStreams
    }

    var isConnecting: Bool { machine.isConnecting }

    private func room(_ number: Number) -> HTTP2PoolStateMachine.Room {
        guard let connection = connections[number] else { preconditionFailure("connection \(number) is closed") }
        return HTTP2PoolStateMachine.Room(hasRoom: connection.hasRoom, isUnused: connection.isUnused)
    }

    // MARK: Requests

    /// A stream for `client`; nil: it has to wait.
    func streamAtOnce(for client: any UpstreamClient, fresh: Bool, isAlone: Bool) -> HTTP2UpstreamStream? {
        guard let number = machine.connection(fresh: fresh, alone: isAlone, room) else { return nil }
        owner.ledger.hold(for: client)
        return connections[number]?.makeStream()
    }

    /// `waiter` waits for a stream.
    func enqueue(_ waiter: UpstreamWaiter) {
        lastWaiter += 1
        let entry = HTTP2PoolStateMachine.Waiter(
            lastWaiter, waiter.network, isFresh: waiter.isFresh, isAlone: waiter.isAlone)
        switch machine.enqueue(entry) {
        case .refused: return owner.refuse(waiter)
        case .displaced(let number):
            if let displaced = waiters.removeValue(forKey: number) { owner.refuse(displaced) }
        case .waits: break
        }
        waiters[lastWaiter] = waiter
        waiter.client?.waitForConnection(
            until: owner.environment.loop.now.advanced(by: owner.configuration.connectTimeout))
        if let request = machine.yield(to: waiter.network, first: owner.ledger.first) {
            owner.ledger.cancel(request.id, request.client)
        }
        connectIfNeeded()
    }

    func cancel(_ waiter: UpstreamWaiter) {
        guard !waiters.isEmpty, let number = waiters.first(where: { $0.value === waiter })?.key else { return }
        waiters[number] = nil
        machine.cancel(number)
        cancelUnneededRequest()
    }

    /// Ends the wait of all requests, to be served or refused in another way.
    private func takeWaiting() -> [UpstreamWaiter] {
        let taken = machine.takeWaiting().compactMap { waiters.removeValue(forKey: $0) }
        cancelUnneededRequest()
        return taken.filter { $0.client != nil }
    }

    /// Gives the room there is to waiting requests.
    func dispatchWaiting() {
        while let (number, connection) = machine.next(first: owner.ledger.first, room) {
            guard let waiter = waiters.removeValue(forKey: number) else { continue }
            guard !owner.holdsBack(waiter.network) else {
                owner.holdBack(waiter)
                continue
            }
            guard let client = waiter.take(), let stream = connections[connection]?.makeStream()
            else { continue }
            owner.ledger.hold(for: client)
            client.upstreamReady(stream)
        }
        cancelUnneededRequest()
        connectIfNeeded()
        if owner.ledger.isContended { releaseIdle() }
        owner.retryHeldBack()
    }

    private func connectIfNeeded() {
        guard let client = machine.needsConnection(first: owner.ledger.first) else { return }
        switch owner.ledger.waitShared(client) {
        case .granted:
            machine.connectBegan()
            owner.connectShared()
        case .awaited(let id): machine.requested(HTTP2PoolStateMachine.Request(id: id, client: client))
        case .none: break
        }
    }

    private func cancelUnneededRequest() {
        guard let request = machine.unneededRequest() else { return }
        owner.ledger.cancel(request.id, request.client)
    }

    // MARK: The ledger

    /// The connection that was requested may be opened; false: it is not for the requests that wait here.
    func granted(_ id: UInt64) -> Bool {
        guard machine.requestEnded(id) else { return false }
        machine.connectBegan()
        return true
    }

    /// Another client's request waits in the place of this pool's.
    func displaced(_ id: UInt64) {
        _ = machine.requestEnded(id)
    }

    /// Requests wait, on any worker: closes unused connections.
    func releaseIdle() {
        while machine.waiting.isEmpty, owner.ledger.isAwaited,
            let number = machine.open.first(where: { connections[$0]?.isUnused == true })
        {
            connections[number]?.retire()
        }
    }

    /// A worker without a connection waits for one: the one with the fewest requests takes no more.
    func rotate() {
        machine.open.compactMap { connections[$0] }.min { $0.streamCount < $1.streamCount }?.retire()
    }

    // MARK: Connections

    /// Closes unused connections, and the others after their requests.
    func closeIdle() {
        for number in machine.open { connections[number]?.retire() }
    }

    /// There is a connection on which HTTP/2 was negotiated, or is known to be used.
    func connected(_ transport: Transport) {
        let number = machine.connected()
        connections[number] = HTTP2Upstream(transport, number: number, pool: self)
    }

    /// A connection was made for a single request, and turned out to use HTTP/2.
    func adopt(_ transport: Transport) {
        machine.connectBegan()
        connected(transport)
    }

    func connectFailed(_ fault: UpstreamFault) {
        if machine.connectFailed() { failWaiting(fault) }
    }

    /// The connection that was made turned out to use HTTP/1.1: the requests that wait are served in another way.
    func gaveUp() -> [UpstreamWaiter] {
        machine.gaveUp()
        return takeWaiting()
    }

    /// The app's SETTINGS have arrived.
    func settled(_ connection: HTTP2Upstream) {
        machine.settled(connection.number)
        dispatchWaiting()
        if owner.isDraining, machine.waiting.isEmpty { connection.retire() }
    }

    func retired(_ connection: HTTP2Upstream) {
        machine.retired(connection.number)
        connectIfNeeded()
    }

    func closed(_ connection: HTTP2Upstream) {
        connections[connection.number] = nil
        if machine.closed(connection.number) {
            failWaiting(UpstreamFault.refused(connection.tlsError) ?? .http2NotSpoken)
        } else {
            connectIfNeeded()
        }
        owner.connectionClosed()
    }

    private func failWaiting(_ fault: UpstreamFault) {
        for waiter in takeWaiting() { waiter.take()?.upstreamLost(fault) }
    }
}
