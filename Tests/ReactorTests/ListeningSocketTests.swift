// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Opening a listening socket", .timeLimit(.minutes(5)))
struct ListeningSocketTests {
    @Test("a port chosen by the system is reported", arguments: Link.overIP)
    func chosenPort(link: Link) throws {
        let socket = try ListeningSocket(link.anyAddress, sharesPort: false)
        #expect(socket.address.port ?? 0 > 0)
        #expect(socket.address == link.anyAddress.with(port: socket.address.port ?? 0))
        _ = try Peer(socket.address)
    }

    @Test("a port in use is an error", arguments: Link.overIP, [true, false])
    func portInUse(link: Link, sharesPort: Bool) throws {
        let other = try ListeningSocket(link.anyAddress, sharesPort: false)
        #expect(throws: SystemError("", SystemError.addressInUse)) {
            _ = try ListeningSocket(other.address, sharesPort: sharesPort)
        }
    }

    @Test("a port whose last connection has just ended is free")
    func portOfLastTime() throws {
        var socket: ListeningSocket? = try ListeningSocket(Link.v4.anyAddress, sharesPort: false)
        let (address, raw) = (socket?.address ?? Link.v4.anyAddress, socket?.descriptor.raw ?? -1)
        let far = try Peer(address)
        // Closed first on the server's side, which leaves its end in TIME_WAIT.
        var waiter = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        #expect(unsafe poll(&waiter, 1, 10_000) == 1)
        let near = accept(raw, nil, nil)
        #expect(near >= 0)
        close(near)
        #expect(try far.read() == [])
        far.close()
        socket = nil
        socket = try ListeningSocket(address, sharesPort: false)
        let again = socket?.address
        #expect(again == address)
    }

    @Test("an address of another machine is an error")
    func foreignAddress() {
        // TEST-NET-1 (RFC 5737).
        #expect(throws: SystemError("", SystemError.addressNotAvailable)) {
            _ = try ListeningSocket(.v4(0xc000_0201, port: 0), sharesPort: false)
        }
    }

    @Test("a listener on every IPv6 address serves IPv4 as well", .enabled(if: Link.available.contains(.v6)))
    func bothFamilies() async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let door = try await Door(.v6(high: 0, low: 0, port: 0), on: loop)
        let far = try Peer(.v4(0x7f00_0001, port: door.address.port ?? 0))
        let (near, address) = try await door.accepted.next()
        #expect(address?.description.hasPrefix("[::ffff:127.0.0.1]:") == true)
        try await near.close()
        try await door.close()
        withExtendedLifetime(far) {}
    }

    @Test("a stale unix socket is replaced")
    func staleSocket() throws {
        let path = TemporaryPath.next()
        defer { _ = unsafe unlink(path) }
        do { _ = try ListeningSocket(.unix(path), sharesPort: false) }
        #expect(unsafe access(path, F_OK) == 0, "it was left behind")
        let socket = try ListeningSocket(.unix(path), sharesPort: false)
        _ = try Peer(socket.address)
    }

    @Test("a unix socket in use is not removed", arguments: [false, true])
    func liveSocket(isFull: Bool) throws {
        let other = try PlainListener(Link.unix.anyAddress, backlog: isFull ? 0 : 128)
        let filling = isFull ? try other.fill() : []
        #expect(throws: SystemError("", SystemError.addressInUse)) {
            _ = try ListeningSocket(other.address, sharesPort: false)
        }
        if !isFull { _ = try Peer(other.address) }
        withExtendedLifetime(filling) {}
    }

    @Test("a file that is not a socket is not removed")
    func regularFile() throws {
        let path = TemporaryPath.next()
        defer { _ = unsafe unlink(path) }
        close(unsafe creat(path, 0o600))
        #expect(throws: SystemError("", SystemError.addressInUse)) {
            _ = try ListeningSocket(.unix(path), sharesPort: false)
        }
        #expect(unsafe access(path, F_OK) == 0)
    }

    @Test(
        "a path that is too long, or contains a zero byte, is an error",
        arguments: [String(repeating: "x", count: 108), "/tmp/a\0b"])
    func badPath(path: String) {
        #expect(throws: SystemError("", ENAMETOOLONG)) {
            _ = try ListeningSocket(.unix(path), sharesPort: false)
        }
    }

    @Test("the longest path that the system allows works")
    func longestPath() throws {
        let path = TemporaryPath.next()
        let long = path + String(repeating: "x", count: 107 - path.utf8.count)
        let socket = try ListeningSocket(.unix(long), sharesPort: false)
        defer { _ = unsafe unlink(long) }
        _ = try Peer(socket.address)
    }

    @Test("a unix socket's file can be removed")
    func removesFile() throws {
        let path = TemporaryPath.next()
        let socket = try ListeningSocket(.unix(path), sharesPort: false)
        #expect(unsafe access(path, F_OK) == 0)
        let address = socket.address
        address.removeSocketFile()
        #expect(unsafe access(path, F_OK) == -1)
    }
}
