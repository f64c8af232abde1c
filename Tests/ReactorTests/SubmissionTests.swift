// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Work on a loop", .timeLimit(.minutes(5)))
struct SubmissionTests {
    @Test("work of many threads runs in each thread's order, completely", arguments: EventLoop.Kind.allCases)
    func manyThreads(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (threads, each) = (8, 400)
        let seen = loop.bind(Journal<(thread: Int, number: Int)>())
        try await onThread {
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                for number in 0..<each {
                    loop.submit { seen.assumeOnLoop { $0.entries.append((thread, number)) } }
                }
            }
        }
        let numbers = try await loop.run {
            seen.assumeOnLoop { journal in
                (0..<threads).map { thread in journal.entries.filter { $0.thread == thread }.map(\.number) }
            }
        }
        #expect(numbers == Array(repeating: Array(0..<each), count: threads))
    }

    @Test("work submitted by work runs after it", arguments: EventLoop.Kind.allCases)
    func nested(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let order = Mailbox<String>()
        loop.submit {
            loop.submit { order.send("inner") }
            order.send("outer")
        }
        loop.submit { order.send("next") }
        let seen = try await order.next(3)
        #expect(seen.first == "outer")
        #expect(Set(seen) == ["outer", "inner", "next"])
    }

    @Test("work reaches an idle loop", arguments: EventLoop.Kind.allCases)
    func idle(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        for number in 0..<20 {
            #expect(try await loop.run { number } == number)
            // Returns only after the loop has stopped lingering.
            try await loop.idle()
        }
    }

    @Test(
        "what is put off runs after the event, and what yields its turn after that", arguments: EventLoop.Kind.allCases)
    func putOff(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let order = Mailbox<String>()
        loop.submit {
            loop.nextTurn { order.send("next turn") }
            loop.afterEvent {
                order.send("after")
                loop.afterEvent { order.send("after that") }
            }
            order.send("event")
        }
        #expect(try await order.next(4) == ["event", "after", "after that", "next turn"])
    }

    @Test(
        "deferred work runs without any other event, wherever it was deferred",
        arguments: EventLoop.Kind.allCases, Origin.allCases)
    func putOffAnywhere(kind: EventLoop.Kind, origin: Origin) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let done = Mailbox<String>()
        let putOff: @Sendable () -> Void = {
            loop.nextTurn { done.send("next turn") }
            loop.afterEvent { done.send("after") }
        }
        let (raw, far) = try Link.socketPair.join()
        let near = try await Near(raw, on: loop)
        try await loop.idle()
        switch origin {
        case .submission: loop.submit(putOff)
        case .nextTurn: loop.submit { loop.nextTurn(putOff) }
        case .afterEvent: loop.submit { loop.afterEvent(putOff) }
        case .timer: loop.submit { loop.makeTimer(putOff).set(loop.now.advanced(by: .milliseconds(30))) }
        case .descriptor:
            try await near.run { $0.reaction = { _, _ in putOff() } }
            try await loop.idle()
            try far.write([1])
        }
        #expect(Set(try await done.next(2)) == ["next turn", "after"])
        try await near.close()
    }

    @Test("an endless sequence of turns starves nothing else", arguments: EventLoop.Kind.allCases)
    func fairTurns(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let busy = loop.bind(BusyWork(loop))
        try await loop.run { busy.assumeOnLoop { $0.turn() } }
        // A descriptor, submitted work, a timer, and the queue's other work: each is served while the turns continue.
        let (raw, far) = try Link.socketPair.join()
        let near = try await Near(raw, on: loop)
        try far.write([1])
        #expect(try await near.events.next() == .bytes(1))
        let fired = Mailbox<Void>()
        loop.submit { loop.makeTimer { fired.send() }.set(loop.now.advanced(by: .milliseconds(5))) }
        try await fired.next()
        try await loop.idle()
        let turns = try await loop.run {
            busy.assumeOnLoop { work in
                work.isWanted = false
                return work.turns
            }
        }
        #expect(turns > 2)
        try await near.close()
    }

    @Test("the clocks advance with each batch and not within one", arguments: EventLoop.Kind.allCases)
    func clocks(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let before = (MonotonicTime.current(), wallClockNow())
        let first = try await loop.run {
            let now = loop.now
            while MonotonicTime.current() <= now {}
            #expect(loop.now == now)
            return (now, loop.wallClock)
        }
        let second = try await loop.run { (loop.now, loop.wallClock) }
        #expect(before.0 <= first.0 && first.0 < second.0 && second.0 <= .current())
        #expect(abs(first.1 - before.1) < 60)
    }

    @Test("a nested read gets its own memory", arguments: EventLoop.Kind.allCases)
    func nestedBuffers(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (outer, inner, later) = try await loop.run {
            loop.withReceiveBuffer { outer in
                let inner = loop.withReceiveBuffer { ObjectIdentifier($0) }
                let later = loop.withReceiveBuffer { ObjectIdentifier($0) }
                return (ObjectIdentifier(outer), inner, later)
            }
        }
        #expect(outer != inner)
        #expect(inner == later, "a buffer given back is lent again")
    }

    #if DEBUG
        @Test("a loop's state cannot be accessed elsewhere")
        func confined() async {
            await #expect(processExitsWith: .failure) {
                let loop = EventLoop(.batched)
                loop.afterEvent {}
            }
            await #expect(processExitsWith: .failure) {
                EventLoop(.batched).bind(1).assumeOnLoop { _ in }
            }
        }
    #endif

    enum Origin: CaseIterable, Sendable {
        case submission, nextTurn, afterEvent, timer, descriptor
    }
}

/// Records events, confined to a loop.
final class Journal<Entry> {
    var entries: [Entry] = []
}

/// Takes turn after turn while enabled.
private final class BusyWork {
    var isWanted = true
    var turns = 0
    private let loop: EventLoop

    init(_ loop: EventLoop) {
        self.loop = loop
    }

    func turn() {
        turns += 1
        guard isWanted else { return }
        loop.nextTurn { [self] in turn() }
    }
}
