// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Timers of a loop", .timeLimit(.minutes(5)))
struct LoopTimerTests {
    @Test("timers of an idle loop fire in order, never early", arguments: EventLoop.Kind.allCases)
    func order(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let fired = Mailbox<(delay: UInt64, early: Bool)>()
        loop.submit {
            for delay in [40, 10, 60, 20, 1, 50] as [UInt64] {
                let deadline = loop.now.advanced(by: .milliseconds(delay))
                loop.makeTimer { fired.send((delay, loop.now < deadline || .current() < deadline)) }.set(deadline)
            }
        }
        let seen = try await fired.next(6)
        #expect(seen.map(\.delay) == [1, 10, 20, 40, 50, 60])
        #expect(seen.allSatisfy { !$0.early })
    }

    @Test("a postponed timer fires later, an advanced one earlier", arguments: EventLoop.Kind.allCases)
    func moves(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        var wait: UInt64 = 20
        var isInTime = false
        while !isInTime {
            wait *= 2
            let fired = Mailbox<String>()
            let timers = try await loop.run { [wait] in
                let later = loop.makeTimer { fired.send("later") }
                let sooner = loop.makeTimer { fired.send("sooner") }
                later.set(loop.now.advanced(by: .milliseconds(wait)))
                sooner.set(loop.now.advanced(by: .seconds(3600)))
                return loop.bind((later: later, sooner: sooner))
            }
            // In an event of its own: the timer source has been armed for the first dates. A machine that is so slow that
            // they have passed gets another chance.
            let (moved, dates) = try await loop.run { [wait] in
                timers.assumeOnLoop { timers in
                    let isInTime = timers.later.deadline != .distantFuture
                    let dates = [wait, 2 * wait].map { loop.now.advanced(by: .milliseconds($0)) }
                    timers.sooner.set(dates[0])
                    timers.later.set(dates[1])
                    return (isInTime, dates)
                }
            }
            isInTime = moved
            if !isInTime { _ = try await fired.next() }
            #expect(try await fired.next() == "sooner")
            #expect(MonotonicTime.current() >= dates[0])
            #expect(try await fired.next() == "later")
            #expect(MonotonicTime.current() >= dates[1])
        }
    }

    @Test("a timer sets itself again, and cancels another, from its action", arguments: EventLoop.Kind.allCases)
    func insideActions(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let fired = Mailbox<String>()
        loop.submit {
            let journal = Journal<LoopTimer>()
            let victim = loop.makeTimer { fired.send("victim") }
            let ticker = loop.makeTimer {
                fired.send("tick")
                victim.cancel()
                if let ticker = journal.entries.popLast() { ticker.set(loop.now.advanced(by: .milliseconds(2))) }
            }
            journal.entries = [ticker, ticker, ticker]
            ticker.set(loop.now.advanced(by: .milliseconds(2)))
            // Due at the same date as the first tick, or before the loop checks again.
            victim.set(loop.now.advanced(by: .milliseconds(2)).advanced(by: Nanoseconds(count: 1)))
        }
        #expect(try await fired.next(4) == Array(repeating: "tick", count: 4))
        loop.submit { loop.makeTimer { fired.send("last") }.set(loop.now.advanced(by: .milliseconds(10))) }
        #expect(try await fired.next() == "last")
    }

    @Test("a timer set for the past fires at once, but not within the call", arguments: EventLoop.Kind.allCases)
    func past(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let order = Mailbox<String>()
        loop.submit {
            loop.makeTimer { order.send("timer") }.set(MonotonicTime(nanoseconds: 0))
            order.send("event")
        }
        #expect(try await order.next(2) == ["event", "timer"])
    }

    @Test("timers fire while descriptors keep the loop busy", arguments: EventLoop.Kind.allCases)
    func busy(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        // Two transports that echo every byte to each other.
        let (one, other) = try Self.nonBlockingPair()
        let near = try await Near(one, on: loop)
        let far = try await Near(other, on: loop)
        for side in [near, far] {
            try await side.run { $0.reaction = { recorder, _ in _ = recorder.transport.write([1].span) } }
        }
        try await near.run { _ = $0.transport.write([1].span) }
        _ = try await far.events.next(100)
        let fired = Mailbox<Void>()
        loop.submit {
            let journal = Journal<LoopTimer>()
            let timer = loop.makeTimer {
                fired.send()
                journal.entries.popLast()?.set(loop.now.advanced(by: .milliseconds(3)))
            }
            journal.entries = [timer, timer]
            timer.set(loop.now.advanced(by: .milliseconds(3)))
        }
        _ = try await fired.next(3)
        try await near.close()
        try await far.close()
    }

    @Test("a timer set for the distant future costs nothing and does not fire")
    func farFuture() async {
        await #expect(processExitsWith: .success) {
            for kind in EventLoop.Kind.allCases {
                for wait in [Nanoseconds.seconds(.infinity), Nanoseconds(count: 1 << 62), Nanoseconds(count: .max)] {
                    let (loop, clock) = (EventLoop(kind), EventLoop(.batched))
                    let fired = Mailbox<String>()
                    loop.submit { loop.makeTimer { fired.send("far") }.set(loop.now.advanced(by: wait)) }
                    // Another loop, so that the first one is idle.
                    clock.submit {
                        clock.makeTimer { fired.send("near") }.set(clock.now.advanced(by: .milliseconds(100)))
                    }
                    let first = try? await fired.next()
                    #expect(first == "near")
                    waitUntilOthersSleep()
                    clock.shutDown()
                    loop.shutDown()
                }
            }
        }
    }

    private static func nonBlockingPair() throws -> (Int32, Int32) {
        var both: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &both) == 0 else { throw SystemError("socketpair") }
        return (both[0], both[1])
    }
}
