// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Connecting", .timeLimit(.minutes(5)))
struct ConnectorTests {
    @Test("a connection is opened and carries bytes", arguments: EventLoop.Kind.allCases, Link.listening)
    func success(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let listener = try PlainListener(link.anyAddress)
        let attempt = try await Attempt([listener.address], on: loop)
        guard case .connected(let near) = try await attempt.outcome.next() else {
            Issue.record("not connected")
            return
        }
        let far = Peer(owning: accept(listener.raw, nil, nil))
        _ = try await near.run { $0.transport.write([1, 2].span) }
        #expect(try far.read(exactly: 2) == [1, 2])
        try far.write([3])
        #expect(try await near.received(1) == [3])
        far.close()
        #expect(try await near.ended() == .end)
        try await near.close()
    }

    @Test(
        "bytes and an end that come with the connection are not lost", arguments: EventLoop.Kind.allCases,
        Link.listening)
    func greeting(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        for _ in 0..<10 {
            let listener = try PlainListener(link.anyAddress)
            async let greeted: Void = onThread {
                let far = Peer(owning: accept(listener.raw, nil, nil))
                try far.write(Array("hello".utf8))
            }
            let attempt = try await Attempt([listener.address], on: loop)
            guard case .connected(let near) = try await attempt.outcome.next() else {
                Issue.record("not connected")
                return
            }
            try await greeted
            #expect(try await near.received(5) == Array("hello".utf8))
            #expect(try await near.ended() == .end)
            try await near.close()
        }
    }

    @Test("a port without a listener refuses", arguments: EventLoop.Kind.allCases, Link.listening)
    func refused(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let bound = try PlainListener(link.anyAddress, backlog: nil)
        let attempt = try await Attempt([bound.address], on: loop)
        #expect(try await attempt.outcome.next().error == SystemError("connect", ECONNREFUSED))
    }

    @Test("the first of several addresses that accepts is used", arguments: EventLoop.Kind.allCases)
    func several(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let dead = try PlainListener(Link.v4.anyAddress, backlog: nil)
        let first = try PlainListener(Link.v4.anyAddress)
        let second = try PlainListener(Link.v4.anyAddress)
        let addresses = [.unix("/nonexistent/socket"), dead.address, dead.address, first.address, second.address]
        let attempt = try await Attempt(addresses, on: loop)
        guard case .connected(let near) = try await attempt.outcome.next() else {
            Issue.record("not connected")
            return
        }
        let far = Peer(owning: accept(first.raw, nil, nil))
        try far.write([1])
        #expect(try await near.received(1) == [1])
        try await near.close()
    }

    @Test("if none accepts, the last one's error is reported", arguments: EventLoop.Kind.allCases)
    func noneAnswers(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let dead = try PlainListener(Link.v4.anyAddress, backlog: nil)
        let path = SocketAddress.unix("/nonexistent/socket")
        let long = SocketAddress.unix(String(repeating: "x", count: 108))
        for (addresses, code) in [
            ([], EHOSTUNREACH), ([dead.address, path], ENOENT), ([path, dead.address], ECONNREFUSED),
            ([dead.address, long], ENAMETOOLONG),
        ] {
            let attempt = try await Attempt(addresses, on: loop)
            #expect(try await attempt.outcome.next().error == SystemError("connect", code))
        }
    }

    @Test(
        "an address that does not answer fails after the time limit, and not before", arguments: EventLoop.Kind.allCases
    )
    func timeout(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let listener = try PlainListener(Link.v4.anyAddress, backlog: 0)
        let filling = try listener.fill()
        let start = try await loop.run { loop.now }
        let attempt = try await Attempt([listener.address], timeout: .milliseconds(80), on: loop)
        let error = try await attempt.outcome.next().error
        #expect(error?.isTimeout == true)
        let end = try await loop.run { loop.now }
        #expect(end.since(start) >= .milliseconds(80))
        try await attempt.released.next()
        withExtendedLifetime(filling) {}
    }

    @Test("an address that does not answer holds up nothing", arguments: EventLoop.Kind.allCases, 1...3)
    func silent(kind: EventLoop.Kind, count: Int) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        var silent: [PlainListener] = []
        var filling: [[Peer]] = []
        for _ in 0..<count {
            let listener = try PlainListener(Link.v4.anyAddress, backlog: 0)
            filling.append(try listener.fill())
            silent.append(listener)
        }
        let good = try PlainListener(Link.v4.anyAddress)
        // A day: without a second attempt there is no end.
        let attempt = try await Attempt(
            silent.map(\.address) + [good.address], timeout: .seconds(86_400), on: loop)
        guard case .connected(let near) = try await attempt.outcome.next() else {
            Issue.record("not connected")
            return
        }
        let far = Peer(owning: accept(good.raw, nil, nil))
        try far.write([1])
        #expect(try await near.received(1) == [1])
        try await attempt.released.next()
        try await near.close()
        withExtendedLifetime(filling) {}
    }

    @Test("attempts at several addresses all end with the time limit", arguments: EventLoop.Kind.allCases)
    func timeoutOfSeveral(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let listener = try PlainListener(Link.v4.anyAddress, backlog: 0)
        let filling = try listener.fill()
        let attempt = try await Attempt(
            [listener.address, listener.address, listener.address], timeout: .milliseconds(600), on: loop)
        #expect(try await attempt.outcome.next().error?.isTimeout == true)
        try await attempt.released.next()
        withExtendedLifetime(filling) {}
    }

    @Test("the families take turns, in the order of their first addresses")
    func turns() {
        let v4 = (1...4).map { SocketAddress.v4($0, port: 1) }
        let v6 = (1...4).map { SocketAddress.v6(high: 0, low: $0, port: 1) }
        #expect(Connector.interleaved(v6 + v4) == [v6[0], v4[0], v6[1], v4[1], v6[2], v4[2], v6[3], v4[3]])
        #expect(Connector.interleaved([v4[0], v4[1], v4[2], v6[0]]) == [v4[0], v6[0], v4[1], v4[2]])
        #expect(Connector.interleaved(v4) == v4)
        #expect(Connector.interleaved([]) == [])
    }

    @Test("a unix socket with a full queue is refused", arguments: EventLoop.Kind.allCases)
    func fullQueue(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let listener = try PlainListener(Link.unix.anyAddress, backlog: 0)
        let filling = try listener.fill()
        let attempt = try await Attempt([listener.address], on: loop)
        #expect(try await attempt.outcome.next().error == SystemError("connect", EAGAIN))
        withExtendedLifetime(filling) {}
    }

    @Test("a cancelled attempt is silent and retains nothing", arguments: EventLoop.Kind.allCases, [true, false])
    func cancelled(kind: EventLoop.Kind, atOnce: Bool) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let listener = try PlainListener(Link.v4.anyAddress, backlog: 0)
        let filling = try listener.fill()
        let attempt = try await Attempt([listener.address], on: loop, cancelling: atOnce)
        try await attempt.cancel()
        try await attempt.released.next()
        try await settle(loop)
        attempt.outcome.send(.failed(SystemError("nothing came", 0)))
        #expect(try await attempt.outcome.next().error?.code == 0)
        withExtendedLifetime(filling) {}
    }
}

/// One use of a connector.
private struct Attempt: Sendable {
    enum Outcome: Sendable {
        case connected(Near)
        case failed(SystemError)

        var error: SystemError? {
            if case .failed(let error) = self { error } else { nil }
        }
    }

    let outcome = Mailbox<Outcome>()
    /// Notified when the connector has released its completion.
    let released = Mailbox<Void>()
    private let loop: EventLoop
    private let connector: LoopBound<Journal<Connector>>

    init(
        _ addresses: [SocketAddress], timeout: Nanoseconds = .seconds(30), on loop: EventLoop, cancelling: Bool = false
    ) async throws {
        self.loop = loop
        connector = try await loop.run { [outcome, released] in
            let sentinel = Sentinel(released)
            let journal = Journal<Connector>()
            var isWithin = true
            let connector = Connector(to: addresses, timeout: timeout, loop: loop) { result in
                sentinel.touch()
                #expect(!isWithin, "the completion was called within the call")
                switch result {
                case .success(let transport): outcome.send(.connected(Near(transport)))
                case .failure(let error): outcome.send(.failed(error))
                }
            }
            isWithin = false
            if cancelling { connector.cancel() }
            journal.entries = [connector]
            return loop.bind(journal)
        }
    }

    func cancel() async throws {
        try await loop.run { connector.assumeOnLoop { $0.entries.first?.cancel() } }
    }
}
