// SPDX-License-Identifier: Apache-2.0

/// The HTTP/2 connections of one worker to an app, and the requests that wait for a stream of one. Each connection serves
/// as many requests as the app allows, so another is opened only when they are full.
///
/// A pure value: ``HTTP2UpstreamPool`` reports what happened, and performs what follows.
package struct HTTP2PoolStateMachine {
    package typealias ConnectionNumber = UInt64
    package typealias WaiterNumber = UInt64

    private enum Phase {
        /// The app's SETTINGS, which say what it can take, have not arrived.
        case settling
        /// Takes requests.
        case open
        /// Takes no new requests.
        case retiring
    }

    package struct Waiter: Equatable, Sendable {
        package let number: WaiterNumber
        package let client: ClientNetwork
        /// Only a connection that was opened after the last one broke.
        package let isFresh: Bool
        /// Only a connection without other requests.
        package let isAlone: Bool

        package init(_ number: WaiterNumber, _ client: ClientNetwork, isFresh: Bool = false, isAlone: Bool = false) {
            self.number = number
            self.client = client
            self.isFresh = isFresh
            self.isAlone = isAlone
        }
    }

    /// The state of an open connection.
    package struct Room: Equatable, Sendable {
        package let hasRoom: Bool
        package let isUnused: Bool

        package init(hasRoom: Bool, isUnused: Bool) {
            self.hasRoom = hasRoom
            self.isUnused = isUnused
        }
    }

    /// A place in the ledger's queue for another connection.
    package struct Request: Equatable, Sendable {
        package let id: UInt64
        package let client: ClientNetwork

        package init(id: UInt64, client: ClientNetwork) {
            self.id = id
            self.client = client
        }
    }

    package enum Enqueuing: Equatable {
        case waits
        /// It waits in the place of another request, which is refused.
        case displaced(WaiterNumber)
        /// The queue is full.
        case refused
    }

    /// In the order in which they were made: the oldest are used first, so that those not needed age and end.
    private var connections: [(number: ConnectionNumber, phase: Phase)] = []
    /// Attempts to open a connection.
    private var connecting = 0
    private var lastNumber: ConnectionNumber = 0
    /// A connection that was open when the last one broke is not used for a request that was lost with it.
    private var freshFrom: ConnectionNumber = 0
    /// In the order of arrival.
    package private(set) var waiting: [Waiter] = []
    package private(set) var request: Request?
    private let maximumWaiting: Int
    private let maximumStreams: Int

    /// - Parameters:
    ///   - maximumStreams: requests that a new connection is expected to carry.
    ///   - maximumWaiting: requests that may wait.
    package init(maximumStreams: Int, maximumWaiting: Int = 1024) {
        self.maximumStreams = max(1, maximumStreams)
        self.maximumWaiting = max(1, maximumWaiting)
    }

    /// Connections and attempts to open one.
    package var openCount: Int { connections.count + connecting }

    /// No connection takes requests, and the first one is being made.
    package var isConnecting: Bool { !hasOpen && attempts > 0 }

    private var hasOpen: Bool { connections.contains { $0.phase == .open } }

    /// Connections that do not take requests yet.
    private var attempts: Int { connecting + connections.count { $0.phase == .settling } }

    // MARK: Requests

    /// The connection for a request that arrives; nil: it has to wait. Requests that wait come first.
    package func connection(
        fresh: Bool, alone: Bool, _ room: (ConnectionNumber) -> Room
    ) -> ConnectionNumber? {
        guard waiting.isEmpty || fresh else { return nil }
        return find(fresh: fresh, alone: alone, room)
    }

    private func find(fresh: Bool, alone: Bool, _ room: (ConnectionNumber) -> Room) -> ConnectionNumber? {
        for connection in connections where connection.phase == .open && (!fresh || connection.number >= freshFrom) {
            let room = room(connection.number)
            if room.hasRoom, !alone || room.isUnused { return connection.number }
        }
        return nil
    }

    /// The request has to wait. If the queue is full, the client with the most requests loses its last one to it, if it
    /// has fewer itself.
    package mutating func enqueue(_ waiter: Waiter) -> Enqueuing {
        var displaced: WaiterNumber?
        if waiting.count >= maximumWaiting {
            guard let number = displace(for: waiter.client) else { return .refused }
            displaced = number
        }
        waiting.append(waiter)
        return displaced.map { .displaced($0) } ?? .waits
    }

    private mutating func displace(for client: ClientNetwork) -> WaiterNumber? {
        var counts: [ClientNetwork: Int] = [:]
        for waiter in waiting { counts[waiter.client, default: 0] += 1 }
        guard let most = counts.max(by: { $0.value < $1.value }), most.value > counts[client, default: 0] + 1,
            let index = waiting.lastIndex(where: { $0.client == most.key })
        else { return nil }
        return waiting.remove(at: index).number
    }

    /// The request no longer waits.
    package mutating func cancel(_ number: WaiterNumber) {
        waiting.removeAll { $0.number == number }
    }

    /// All that wait, to be served or refused in another way.
    package mutating func takeWaiting() -> [WaiterNumber] {
        defer { waiting = [] }
        return waiting.map(\.number)
    }

    /// The next request that a connection has room for, with the connection; neither waits any longer.
    ///
    /// - Parameter first: which of the clients comes first.
    package mutating func next(
        first: ([ClientNetwork]) -> Int, _ room: (ConnectionNumber) -> Room
    ) -> (waiter: WaiterNumber, connection: ConnectionNumber)? {
        guard !waiting.isEmpty else { return nil }
        let preferred = first(waiting.map(\.client))
        // One that needs an unused or a fresh connection may find none where others do.
        for index in [preferred] + waiting.indices where waiting.indices.contains(index) {
            let waiter = waiting[index]
            if let connection = find(fresh: waiter.isFresh, alone: waiter.isAlone, room) {
                waiting.remove(at: index)
                return (waiter.number, connection)
            }
        }
        return nil
    }

    // MARK: The ledger

    /// The client for which another connection is needed first. Nil: none is needed, or it has been requested.
    ///
    /// - Parameter first: which of the clients comes first.
    package func needsConnection(first: ([ClientNetwork]) -> Int) -> ClientNetwork? {
        // A new connection has room for many.
        guard !waiting.isEmpty, request == nil, attempts == 0 || waiting.count > attempts * maximumStreams else {
            return nil
        }
        let index = first(waiting.map(\.client))
        return waiting.indices.contains(index) ? waiting[index].client : waiting[0].client
    }

    /// The request for a connection waits in the ledger's queue.
    package mutating func requested(_ request: Request) {
        precondition(self.request == nil, "a connection is requested already")
        self.request = request
    }

    /// The ledger's queue holds a place for one of the waiting requests, the first one. If a request of `client` precedes it,
    /// returns the place to be given up.
    package mutating func yield(to client: ClientNetwork, first: ([ClientNetwork]) -> Int) -> Request? {
        guard let request, request.client != client, first([request.client, client]) == 1 else { return nil }
        self.request = nil
        return request
    }

    /// The place in the ledger's queue that is no longer needed.
    package mutating func unneededRequest() -> Request? {
        guard waiting.isEmpty else { return nil }
        defer { request = nil }
        return request
    }

    /// The ledger grants a connection to place `id`, or has given that place to another client's request.
    ///
    /// - Returns: false if it is no place of this pool.
    package mutating func requestEnded(_ id: UInt64) -> Bool {
        guard request?.id == id else { return false }
        request = nil
        return true
    }

    // MARK: Connections

    /// A connection is being made.
    package mutating func connectBegan() {
        connecting += 1
    }

    /// There is a connection, whose SETTINGS are awaited: its number.
    package mutating func connected() -> ConnectionNumber {
        attemptEnded()
        lastNumber += 1
        connections.append((lastNumber, .settling))
        return lastNumber
    }

    /// The connection that was being made uses another protocol.
    package mutating func gaveUp() {
        attemptEnded()
    }

    /// No connection could be made.
    ///
    /// - Returns: whether the waiting requests fail: while there are other connections, room may become free on them.
    package mutating func connectFailed() -> Bool {
        attemptEnded()
        return !hasOpen
    }

    private mutating func attemptEnded() {
        precondition(connecting > 0, "no connection is being made")
        connecting -= 1
    }

    /// The app's SETTINGS have arrived.
    package mutating func settled(_ number: ConnectionNumber) {
        guard let index = index(of: number), connections[index].phase == .settling else {
            preconditionFailure("connection \(number) settles twice")
        }
        connections[index].phase = .open
    }

    /// The connection takes no new requests.
    package mutating func retired(_ number: ConnectionNumber) {
        guard let index = index(of: number) else { preconditionFailure("connection \(number) does not exist") }
        connections[index].phase = .retiring
        freshFrom = max(freshFrom, number + 1)
    }

    /// The connection is closed.
    ///
    /// - Returns: whether the waiting requests fail. An app that uses another protocol closes the connection, or sends
    ///   nothing that can be read.
    package mutating func closed(_ number: ConnectionNumber) -> Bool {
        guard let index = index(of: number) else { preconditionFailure("connection \(number) does not exist") }
        let wasSettling = connections.remove(at: index).phase == .settling
        freshFrom = max(freshFrom, number + 1)
        return wasSettling && !hasOpen
    }

    private func index(of number: ConnectionNumber) -> Int? {
        connections.firstIndex { $0.number == number }
    }

    /// The numbers of the connections that take requests.
    package var open: [ConnectionNumber] { connections.filter { $0.phase == .open }.map(\.number) }
}
