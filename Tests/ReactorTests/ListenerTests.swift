// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Listening", .timeLimit(.minutes(5)))
struct ListenerTests {
    @Test("connections are accepted, with the peer's address", arguments: EventLoop.Kind.allCases, Link.listening)
    func accepts(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let door = try await Door(link.anyAddress, on: loop)
        for _ in 0..<3 {
            let far = try Peer(door.address)
            let (near, address) = try await door.accepted.next()
            switch link {
            case .v4: #expect(address?.description.hasPrefix("127.0.0.1:") == true)
            case .v6: #expect(address?.description.hasPrefix("[::1]:") == true)
            case .unix, .socketPair: #expect(address == .unix(""))
            }
            #expect(address?.port == localPort(far.raw))
            try far.write([1])
            #expect(try await near.received(1) == [1])
            _ = try await near.run { $0.transport.write([2].span) }
            #expect(try far.read() == [2])
            try await near.close()
        }
        try await door.close()
    }

    @Test("more connections than one event accepts are all accepted", arguments: EventLoop.Kind.allCases)
    func many(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let door = try await Door(Link.v4.anyAddress, on: loop)
        let count = 200
        // While the loop is blocked, so that all are waiting.
        let fars = try await loop.run { try (0..<count).map { _ in try Peer(door.address) } }
        let nears = try await door.accepted.next(count).map(\.near)
        for near in nears { try await near.close() }
        for far in fars { #expect(try far.read() == []) }
        try await door.close()
    }

    @Test("accepted sockets do not block, send at once and are not inherited", arguments: Link.overIP)
    func acceptedOptions(link: Link) async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let options = Mailbox<(flags: Int32, status: Int32, noDelay: Int32)>()
        let socket = try ListeningSocket(link.anyAddress, sharesPort: false)
        let address = socket.address
        let taken = Handover(socket)
        let listener = try await loop.run {
            let listener = try taken.take { socket in
                try Listener(socket, loop: loop, mayAccept: { true }, paused: { _ in }) { descriptor, _ in
                    let peer = Peer(owning: dup(descriptor.raw))
                    options.send(
                        (
                            fcntl(descriptor.raw, F_GETFD), fcntl(descriptor.raw, F_GETFL),
                            peer.option(Int32(IPPROTO_TCP), TCP_NODELAY)
                        ))
                }
            }
            return loop.bind(listener)
        }
        let far = try Peer(address)
        let seen = try await options.next()
        #expect(seen.flags & FD_CLOEXEC != 0)
        #expect(seen.status & O_NONBLOCK != 0)
        #expect(seen.noDelay != 0)
        try await loop.run { listener.assumeOnLoop { $0.close() } }
        withExtendedLifetime(far) {}
    }

    @Test("two loops share a port, and both get connections", arguments: EventLoop.Kind.allCases, Link.overIP)
    func sharedPort(kind: EventLoop.Kind, link: Link) async throws {
        let loops = [EventLoop(kind), EventLoop(kind)]
        defer { for loop in loops { loop.shutDown() } }
        let first = try await Door(link.anyAddress, sharesPort: true, on: loops[0])
        let second = try await Door(first.address, sharesPort: true, on: loops[1])
        #expect(first.address == second.address)
        let count = Mailbox<Int>()
        for (number, door) in [first, second].enumerated() { try await door.tell { count.send(number) } }
        // The kernel distributes them by a hash of the addresses: all 64 to one side has a probability of 2^-63.
        let fars = try (0..<64).map { _ in try Peer(first.address) }
        #expect(Set(try await count.next(64)) == [0, 1])
        withExtendedLifetime(fars) {}
        for door in [first, second] { try await door.closeAll() }
    }

    @Test("two loops accept from one unix socket, each connection once", arguments: EventLoop.Kind.allCases)
    func duplicated(kind: EventLoop.Kind) async throws {
        let loops = [EventLoop(kind), EventLoop(kind)]
        defer { for loop in loops { loop.shutDown() } }
        let socket = try ListeningSocket(Link.unix.anyAddress, sharesPort: false)
        let address = socket.address
        let other = try socket.duplicate()
        #expect(other.address == address)
        let doors = [try await Door(socket, on: loops[0]), try await Door(other, on: loops[1])]
        let count = Mailbox<Int>()
        for (number, door) in doors.enumerated() { try await door.tell { count.send(number) } }
        let fars = try (0..<50).map { _ in try Peer(address) }
        let seen = try await count.next(50)
        #expect(seen.count == 50)
        // When one loop ends, the other continues.
        try await doors[0].close()
        try await loops[0].idle()
        let late = try Peer(address)
        #expect(try await count.next() == 1)
        withExtendedLifetime((fars, late)) {}
        for door in doors { try await door.closeAll() }
        if case .unix(let path) = address.kind { _ = unsafe unlink(path) }
    }

    @Test(
        "an owner without room pauses accepting, which resumes on request or by itself",
        arguments: EventLoop.Kind.allCases, [true, false])
    func noRoom(kind: EventLoop.Kind, byWord: Bool) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let door = try await Door(Link.v4.anyAddress, on: loop)
        try await door.setRoom(2)
        let start = try await loop.run { loop.now }
        let fars = try (0..<4).map { _ in try Peer(door.address) }
        let first = try await door.accepted.next(2)
        // Checked again only after each wait of 50 ms, without spinning.
        for _ in 0..<3 { try await door.asked.next() }
        let (asked, isPaused, elapsed) = try await door.run { listener, state in
            (state.asked, listener.isPaused, loop.now.since(start))
        }
        #expect(isPaused)
        #expect(asked <= 2 + 2 * fars.count + Int(elapsed.count / 50_000_000), "accepting spins")
        try await door.setRoom(10)
        if byWord { try await door.run { listener, _ in listener.resume() } }
        let rest = try await door.accepted.next(2)
        #expect(try await door.run { $1.pauses.isEmpty }, "having no room is no error")
        for (near, _) in first + rest { try await near.close() }
        withExtendedLifetime(fars) {}
        try await door.close()
    }

    @Test("a closed listener refuses, and releases its socket", arguments: EventLoop.Kind.allCases, Link.listening)
    func closed(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let door = try await Door(link.anyAddress, on: loop)
        try await door.close()
        // Dispatch releases the descriptor a little later.
        try await settle(loop)
        #expect(throws: SystemError("", ECONNREFUSED)) { try Peer(door.address) }
        // The address is free again.
        _ = try ListeningSocket(door.address, sharesPort: false)
        if case .unix(let path) = door.address.kind { _ = unsafe unlink(path) }
    }

    @Test("a listener may be closed while it accepts", arguments: EventLoop.Kind.allCases)
    func closeInside(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let door = try await Door(Link.v4.anyAddress, on: loop)
        try await door.run { listener, state in state.reaction = { [unowned listener] in listener.close() } }
        let fars = try await loop.run { try (0..<3).map { _ in try Peer(door.address) } }
        let (near, _) = try await door.accepted.next()
        try await settle(loop)
        #expect(try await door.run { $1.count } == 1)
        try await near.close()
        withExtendedLifetime(fars) {}
    }
}

/// The local port of a socket.
private func localPort(_ raw: Int32) -> UInt16? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    _ = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(raw, $0, &length) }
    }
    return SocketAddress(storage)?.port
}
