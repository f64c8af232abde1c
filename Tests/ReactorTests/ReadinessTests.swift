// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Readiness", .timeLimit(.minutes(5)))
struct ReadinessTests {
    @Test("an observer is notified of bytes, and of room only on request", arguments: EventLoop.Kind.allCases)
    func interests(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try Link.socketPair.join()
        let heard = Mailbox<ReadinessEvents>()
        let watch = try await Watch(raw, on: loop) { events in
            var byte: UInt8 = 0
            unsafe recv(raw, &byte, 1, 0)
            heard.send(events)
        }
        try far.write([1])
        let first = try await heard.next()
        #expect(first.contains(.readable) && !first.contains(.writable))
        // The socket has had room all the time.
        try await settle(loop)
        try await watch.setWriting(true)
        #expect(try await heard.next().contains(.writable))
        try await watch.setWriting(false)
        try await settle(loop)
        try far.write([2])
        // Dispatch may report room repeatedly until it is stopped.
        var next = try await heard.next()
        while next == .writable { next = try await heard.next() }
        #expect(next.contains(.readable) && !next.contains(.writable))
        try await watch.remove()
        close(raw)
    }

    @Test("a removed descriptor causes no event", arguments: EventLoop.Kind.allCases)
    func removed(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try Link.socketPair.join()
        let heard = loop.bind(Journal<ReadinessEvents>())
        let released = Mailbox<Void>()
        try await loop.run {
            let sentinel = Sentinel(released)
            let registration = try loop.add(
                raw,
                Observer { events in
                    sentinel.touch()
                    heard.assumeOnLoop { $0.entries.append(events) }
                })
            // Ready by the time the loop checks again.
            try far.write([1])
            loop.remove(registration)
            loop.remove(registration)
        }
        try await released.next()
        try await settle(loop)
        #expect(try await loop.run { heard.assumeOnLoop { $0.entries.isEmpty } })
        close(raw)
    }

    /// Two descriptors are ready in one batch. The first one notified closes the other, and opens a new one, which gets
    /// the same number: the other's event, already fetched, does not belong to the new one.
    @Test("an event of a closed descriptor is not delivered to its successor", arguments: EventLoop.Kind.allCases)
    func generations(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        for _ in 0..<20 {
            let (one, oneFar) = try Link.socketPair.join()
            let (other, otherFar) = try Link.socketPair.join()
            let (spare, spareFar) = try Link.socketPair.join()
            let heard = Mailbox<String>()
            let state = loop.bind(Journal<(raw: Int32, registration: Registration)>())
            try await loop.run {
                func observer(of raw: Int32) -> Observer {
                    Observer { _ in
                        heard.send("first")
                        state.assumeOnLoop { state in
                            for (victim, registration) in state.entries {
                                loop.remove(registration)
                                guard victim != raw else { continue }
                                dup2(spare, victim)
                                let successor = Observer { _ in heard.send("successor") }
                                guard let registration = try? loop.add(victim, successor) else {
                                    return heard.send("refused")
                                }
                                state.entries = [(victim, registration)]
                            }
                        }
                    }
                }
                try state.tryOnLoop { state in
                    for raw in [one, other] { state.entries.append((raw, try loop.add(raw, observer(of: raw)))) }
                }
                try oneFar.write([1])
                try otherFar.write([1])
            }
            #expect(try await heard.next() == "first")
            try await settle(loop)
            heard.send("quiet")
            #expect(try await heard.next() == "quiet")
            // It does get its own event.
            try spareFar.write([1])
            #expect(try await heard.next() == "successor")
            try await loop.run {
                state.assumeOnLoop { state in
                    for entry in state.entries { loop.remove(entry.registration) }
                }
                for raw in [one, other, spare] { close(raw) }
            }
        }
    }

    @Test("an expired registration affects no other one", arguments: EventLoop.Kind.allCases)
    func staleRegistration(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let heard = Mailbox<ReadinessEvents>()
        let (first, firstFar) = try Link.socketPair.join()
        let (second, secondFar) = try Link.socketPair.join()
        try await loop.run {
            let stale = try loop.add(first, Observer { _ in })
            loop.remove(stale)
            dup2(second, first)
            _ = try loop.add(first, Observer { heard.send($0) })
            loop.remove(stale)
        }
        try secondFar.write([1])
        #expect(try await heard.next().contains(.readable))
        firstFar.close()
        close(first)
        close(second)
    }

    @Test("a descriptor that is not open is an error", arguments: EventLoop.Kind.allCases)
    func badDescriptor(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        await #expect(throws: SystemError("", EBADF)) {
            // No process of the tests opens so many.
            try await loop.run { _ = try loop.add(1_000_000, Observer { _ in }) }
        }
    }

    @Test("many descriptors at once all get their events", arguments: EventLoop.Kind.allCases)
    func many(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        // More than one batch holds.
        let count = kind == .batched ? 400 : 100
        let heard = Mailbox<Int>()
        var fars: [Peer] = []
        var nears: [Near] = []
        for number in 0..<count {
            let (raw, far) = try Link.socketPair.join()
            let near = try await Near(raw, on: loop)
            try await near.run { $0.reaction = { _, _ in heard.send(number) } }
            fars.append(far)
            nears.append(near)
        }
        try await loop.run { [fars] in
            for far in fars { try far.write([1]) }
        }
        #expect(Set(try await heard.next(count)) == Set(0..<count))
        for near in nears { try await near.close() }
    }
}

/// A watched descriptor, driven from outside the loop.
private struct Watch: Sendable {
    private let loop: EventLoop
    private let registration: Registration

    init(_ raw: Int32, on loop: EventLoop, _ handle: @escaping @Sendable (ReadinessEvents) -> Void) async throws {
        self.loop = loop
        registration = try await loop.run { try loop.add(raw, Observer(handle)) }
    }

    func setWriting(_ wanted: Bool) async throws {
        try await loop.run { _ = loop.setWriting(wanted, of: registration) }
    }

    func remove() async throws {
        try await loop.run { loop.remove(registration) }
    }
}
