// SPDX-License-Identifier: Apache-2.0

import HTTP
import Proxy
import Testing

@Suite("States of a pool of HTTP/2 connections")
struct HTTP2PoolStateMachineTests {
    typealias Machine = HTTP2PoolStateMachine

    private static func client(_ number: UInt32) -> ClientNetwork { ClientNetwork(IPAddress(v4: number)) }

    private static let (ada, bob) = (client(1), client(2))
    private static let free = Machine.Room(hasRoom: true, isUnused: true)
    private static let used = Machine.Room(hasRoom: true, isUnused: false)
    private static let full = Machine.Room(hasRoom: false, isUnused: false)

    private static func firstInOrder(_ clients: [ClientNetwork]) -> Int { 0 }

    /// A pool with `count` open connections, numbered from 1.
    private static func pool(open count: Int, maximumStreams: Int = 2, maximumWaiting: Int = 4) -> Machine {
        var machine = Machine(maximumStreams: maximumStreams, maximumWaiting: maximumWaiting)
        for _ in 0..<count {
            machine.connectBegan()
            machine.settled(machine.connected())
        }
        return machine
    }

    @Test("the oldest connection with room is used")
    func oldestFirst() {
        let machine = Self.pool(open: 3)
        #expect(machine.connection(fresh: false, alone: false) { _ in Self.used } == 1)
        #expect(machine.connection(fresh: false, alone: false) { $0 == 1 ? Self.full : Self.used } == 2)
        #expect(machine.connection(fresh: false, alone: false) { _ in Self.full } == nil)
    }

    @Test("a request that authenticates its connection gets an unused one")
    func alone() {
        let machine = Self.pool(open: 2)
        #expect(machine.connection(fresh: false, alone: true) { $0 == 1 ? Self.used : Self.free } == 2)
        #expect(machine.connection(fresh: false, alone: true) { _ in Self.used } == nil)
    }

    @Test("a connection takes requests from its SETTINGS until it is retired")
    func phases() {
        var machine = Machine(maximumStreams: 2)
        #expect(!machine.isConnecting)
        machine.connectBegan()
        #expect(machine.isConnecting && machine.openCount == 1)
        let number = machine.connected()
        #expect(machine.isConnecting && machine.openCount == 1)
        #expect(machine.connection(fresh: false, alone: false) { _ in Self.free } == nil)
        machine.settled(number)
        #expect(!machine.isConnecting && machine.open == [number])
        #expect(machine.connection(fresh: false, alone: false) { _ in Self.free } == number)
        machine.retired(number)
        #expect(machine.open.isEmpty && machine.openCount == 1)
        #expect(machine.connection(fresh: false, alone: false) { _ in Self.free } == nil)
        #expect(machine.closed(number) == false)
        #expect(machine.openCount == 0)
    }

    @Test("after a connection broke, a request that was lost with it gets one that was opened later")
    func fresh() {
        var machine = Self.pool(open: 2)
        machine.retired(2)
        #expect(machine.connection(fresh: false, alone: false) { _ in Self.used } == 1)
        #expect(machine.connection(fresh: true, alone: false) { _ in Self.used } == nil)
        machine.connectBegan()
        machine.settled(machine.connected())
        #expect(machine.connection(fresh: true, alone: false) { _ in Self.used } == 3)
    }

    @Test("a request that arrives does not overtake those that wait, unless it is sent again")
    func order() {
        var machine = Self.pool(open: 1)
        #expect(machine.enqueue(Machine.Waiter(7, Self.ada)) == .waits)
        #expect(machine.connection(fresh: false, alone: false) { _ in Self.used } == nil)
        #expect(machine.connection(fresh: true, alone: false) { _ in Self.used } == 1)
        let next = machine.next(first: Self.firstInOrder) { _ in Self.used }
        #expect(next?.waiter == 7 && next?.connection == 1)
        #expect(machine.waiting.isEmpty)
    }

    @Test("room goes to the client that comes first, and to another if that one cannot use it")
    func next() {
        var machine = Self.pool(open: 1)
        _ = machine.enqueue(Machine.Waiter(1, Self.ada))
        _ = machine.enqueue(Machine.Waiter(2, Self.bob, isAlone: true))
        _ = machine.enqueue(Machine.Waiter(3, Self.bob))
        #expect(machine.next(first: { $0.firstIndex(of: Self.bob) ?? 0 }, { _ in Self.used })?.waiter == 1)
        #expect(machine.next(first: { _ in 1 }, { _ in Self.full }) == nil)
        #expect(machine.next(first: { _ in 0 }, { _ in Self.free })?.waiter == 2)
        #expect(machine.waiting.map(\.number) == [3])
    }

    @Test("a connection is needed for as many requests as the attempts have no room for")
    func needs() {
        var machine = Machine(maximumStreams: 2)
        #expect(machine.needsConnection(first: Self.firstInOrder) == nil)
        _ = machine.enqueue(Machine.Waiter(1, Self.ada))
        #expect(machine.needsConnection(first: Self.firstInOrder) == Self.ada)
        machine.connectBegan()
        _ = machine.enqueue(Machine.Waiter(2, Self.ada))
        #expect(machine.needsConnection(first: Self.firstInOrder) == nil)
        _ = machine.enqueue(Machine.Waiter(3, Self.bob))
        #expect(machine.needsConnection(first: { $0.firstIndex(of: Self.bob) ?? 0 }) == Self.bob)
        machine.requested(Machine.Request(id: 9, client: Self.bob))
        #expect(machine.needsConnection(first: Self.firstInOrder) == nil)
    }

    @Test("one place in the ledger's queue is held for all that wait, by the client that comes first")
    func request() {
        var machine = Machine(maximumStreams: 2)
        _ = machine.enqueue(Machine.Waiter(1, Self.ada))
        let request = Machine.Request(id: 9, client: Self.ada)
        machine.requested(request)
        #expect(machine.yield(to: Self.ada, first: { _ in 1 }) == nil)
        #expect(machine.yield(to: Self.bob, first: { _ in 0 }) == nil)
        #expect(machine.yield(to: Self.bob, first: { _ in 1 }) == request)
        machine.requested(Machine.Request(id: 10, client: Self.bob))
        #expect(machine.requestEnded(9) == false)
        #expect(machine.requestEnded(10) == true)
        machine.requested(request)
        #expect(machine.unneededRequest() == nil)
        machine.cancel(1)
        #expect(machine.unneededRequest() == request)
        #expect(machine.unneededRequest() == nil)
    }

    @Test("in a full queue the client with the most requests loses its last one to a client with fewer")
    func displacement() {
        var machine = Machine(maximumStreams: 2, maximumWaiting: 3)
        for number in 1...3 { #expect(machine.enqueue(Machine.Waiter(UInt64(number), Self.ada)) == .waits) }
        #expect(machine.enqueue(Machine.Waiter(4, Self.ada)) == .refused)
        #expect(machine.enqueue(Machine.Waiter(5, Self.bob)) == .displaced(3))
        #expect(machine.waiting.map(\.number) == [1, 2, 5])
        #expect(machine.enqueue(Machine.Waiter(6, Self.bob)) == .refused)
    }

    @Test("waiting requests fail with an attempt, unless room may become free on another connection")
    func failures() {
        var machine = Machine(maximumStreams: 2)
        _ = machine.enqueue(Machine.Waiter(1, Self.ada))
        machine.connectBegan()
        #expect(machine.connectFailed() == true)
        #expect(machine.takeWaiting() == [1])
        machine.connectBegan()
        // An app that does not use HTTP/2 closes the connection before its SETTINGS.
        #expect(machine.closed(machine.connected()) == true)
        machine.connectBegan()
        machine.settled(machine.connected())
        machine.connectBegan()
        #expect(machine.connectFailed() == false)
        machine.connectBegan()
        #expect(machine.closed(machine.connected()) == false)
        machine.connectBegan()
        machine.gaveUp()
        #expect(machine.openCount == 1)
    }
}
