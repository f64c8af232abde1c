// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("The end of a loop", .timeLimit(.minutes(5)))
struct ShutDownTests {
    @Test("a loop that ends releases itself", arguments: EventLoop.Kind.allCases)
    func loopIsReleased(kind: EventLoop.Kind) async throws {
        weak var ended: EventLoop?
        do {
            let loop = EventLoop(kind)
            ended = loop
            #expect(try await loop.run { true })
            loop.shutDown()
        }
        while ended != nil { try await Task.sleep(nanoseconds: 1_000_000) }
    }

    @Test(
        "a loop that ends releases all it holds, although nothing was closed or cancelled",
        arguments: EventLoop.Kind.allCases, Holder.allCases)
    func heldIsReleased(kind: EventLoop.Kind, holder: Holder) async throws {
        weak var ended: EventLoop?
        let released = Mailbox<Void>()
        do {
            let loop = EventLoop(kind)
            ended = loop
            let sentinel = Sentinel(released)
            try await loop.run { try holder.hold(sentinel, on: loop) }
            loop.shutDown()
            if holder == .latecomer {
                try await loop.idle()
                // Late work is not run, and not retained.
                loop.submit {
                    sentinel.touch()
                    loop.submit {}
                }
            }
        }
        try await released.next()
        while ended != nil { try await Task.sleep(nanoseconds: 1_000_000) }
    }

    @Test("an observer may remove itself in its deinitializer", arguments: EventLoop.Kind.allCases, [true, false])
    func removesItself(kind: EventLoop.Kind, isRemoved: Bool) async throws {
        let loop = EventLoop(kind)
        let released = Mailbox<Void>()
        let (raw, far) = try Link.socketPair.join()
        let registration = try await loop.run {
            let observer = SelfRemover(loop, released)
            let registration = try loop.add(raw, observer)
            observer.registration = registration
            return registration
        }
        if isRemoved { try await loop.run { loop.remove(registration) } }
        loop.shutDown()
        try await released.next()
        try await loop.idle()
        close(raw)
        #expect(try far.read() == [])
    }

    @Test("no timer fires after the end, due or not", arguments: EventLoop.Kind.allCases)
    func noTimerFires(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        let (fired, released) = (Mailbox<String>(), Mailbox<Void>())
        loop.submit {
            let sentinel = Sentinel(released)
            loop.shutDown()
            // Due when the end comes, which is the next thing to run.
            loop.afterEvent {
                let timer = loop.makeTimer {
                    sentinel.touch()
                    fired.send("timer")
                }
                timer.set(loop.now.advanced(by: Nanoseconds(count: 1)))
                while MonotonicTime.current() <= timer.deadline {}
            }
        }
        try await released.next()
        fired.send("end")
        #expect(try await fired.next() == "end")
    }

    @Test("work submitted before the end runs, work after it does not", arguments: EventLoop.Kind.allCases)
    func lateWork(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        let ran = Mailbox<String>()
        loop.submit { ran.send("before") }
        loop.shutDown()
        #expect(try await ran.next() == "before")
        try await loop.idle()
        loop.submit { ran.send("after") }
        try await loop.idle()
        ran.send("end")
        #expect(try await ran.next() == "end")
    }

    @Test("nothing can be watched on a loop that has ended, and ending it twice does nothing")
    func afterTheEnd() async throws {
        let loop = EventLoop(.batched)
        let (raw, far) = try Link.socketPair.join()
        let done = Mailbox<SystemError?>()
        loop.submit {
            loop.shutDown()
            loop.shutDown()
            // Arrives in the same batch.
            loop.submit {
                do throws(SystemError) {
                    _ = try SocketTransport(connected: FileDescriptor(owning: raw), loop: loop)
                    done.send(nil)
                } catch {
                    done.send(error)
                }
            }
        }
        #expect(try await done.next() == SystemError("", ECANCELED))
        #expect(try far.read() == [])
        loop.shutDown()
    }

    /// An object that retains something of the loop's user.
    enum Holder: CaseIterable, Sendable {
        case descriptor, closedTransport, timer, listener, afterEvent, nextTurn, latecomer

        func hold(_ sentinel: Sentinel, on loop: EventLoop) throws {
            switch self {
            case .descriptor:
                let (raw, far) = try Link.socketPair.join()
                let near = Peer(owning: raw)
                let observer = Observer { _ in
                    sentinel.touch()
                    withExtendedLifetime((near, far)) {}
                }
                loop.setWriting(true, of: try loop.add(raw, observer))
            case .closedTransport:
                let (raw, _) = try Link.socketPair.join()
                let transport = try SocketTransport(connected: FileDescriptor(owning: raw), loop: loop)
                let recorder = Recorder(transport, Mailbox())
                recorder.reaction = { _, _ in sentinel.touch() }
                transport.awaitWritable()
                transport.pauseReading()
                transport.close()
            case .timer:
                loop.makeTimer {
                    sentinel.touch()
                    loop.submit {}
                }.set(loop.now.advanced(by: .seconds(3600)))
            case .listener:
                // Paused, so that its timer is set.
                let socket = try ListeningSocket(Link.v4.anyAddress, sharesPort: false)
                let client = try Peer(socket.address)
                _ = try Listener(
                    socket, loop: loop,
                    mayAccept: {
                        sentinel.touch()
                        withExtendedLifetime(client) {}
                        return false
                    },
                    paused: { _ in }, accepted: { _, _ in })
            case .nextTurn:
                Self.again(sentinel, loop)
            case .afterEvent:
                // Ends in the same batch as the end itself.
                loop.shutDown()
                loop.afterEvent {
                    sentinel.touch()
                    loop.submit { sentinel.touch() }
                    loop.nextTurn { sentinel.touch() }
                }
            case .latecomer: break
            }
        }

        /// Requests turn after turn, forever.
        private static func again(_ sentinel: Sentinel, _ loop: EventLoop) {
            loop.nextTurn { again(sentinel, loop) }
        }
    }
}

/// An observer that removes itself from the loop in its deinitializer.
private final class SelfRemover: ReadinessObserver {
    var registration: Registration?
    private let loop: EventLoop
    private let released: Mailbox<Void>

    init(_ loop: EventLoop, _ released: Mailbox<Void>) {
        self.loop = loop
        self.released = released
    }

    deinit {
        if let registration { loop.remove(registration) }
        released.send()
    }

    func descriptorReady(_ events: ReadinessEvents) {}
}
