// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import Synchronization
import TestSupport

/// The ways to connect two ends.
enum Link: CaseIterable, Sendable {
    case socketPair, v4, v6, unix

    /// Those available on this machine: containers often have no IPv6.
    static let available: [Link] = allCases.filter { link in
        link != .v6 || (try? PlainListener(Self.v6.anyAddress)) != nil
    }

    static let overIP = available.filter { $0 == .v4 || $0 == .v6 }
    static let listening = available.filter { $0 != .socketPair }

    /// An address for a listener of this kind: a port chosen by the system, or a new path.
    var anyAddress: SocketAddress {
        switch self {
        case .v4: .v4(0x7f00_0001, port: 0)
        case .v6: .v6(high: 0, low: 1, port: 0)
        case .unix, .socketPair: .unix(TemporaryPath.next())
        }
    }

    /// A connected pair: the near end is non-blocking, for a transport; the far end blocks.
    func join() throws -> (near: Int32, far: Peer) {
        let near: Int32
        let far: Int32
        switch self {
        case .socketPair:
            var both: [Int32] = [-1, -1]
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            guard unsafe socketpair(AF_UNIX, type, 0, &both) == 0 else { throw SystemError("socketpair") }
            (near, far) = (both[0], both[1])
        case .v4, .v6, .unix:
            let listener = try PlainListener(anyAddress)
            far = try Peer.open(listener.address.family)
            guard unsafe listener.address.withRaw({ unsafe connect(far, $0, $1) }) == 0 else {
                throw SystemError("connect")
            }
            near = accept(listener.raw, nil, nil)
            guard near >= 0 else { throw SystemError("accept") }
        }
        guard fcntl(near, F_SETFL, O_NONBLOCK) == 0 else { throw SystemError("fcntl") }
        return (near, Peer(owning: far))
    }
}

/// A listening socket on which only the test accepts.
final class PlainListener: Sendable {
    let raw: Int32
    let address: SocketAddress

    /// - Parameter backlog: nil to bind only, which reserves the port and refuses connections.
    init(_ address: SocketAddress, backlog: Int32? = 128) throws {
        raw = try Peer.open(address.family)
        let bound = unsafe address.withRaw { [raw] in unsafe bind(raw, $0, $1) }
        guard bound == 0 else {
            let error = SystemError("bind")
            close(raw)
            throw error
        }
        if let backlog { listen(raw, backlog) }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = unsafe withUnsafeMutablePointer(to: &storage) { [raw] pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(raw, $0, &length) }
        }
        self.address = address.port == nil ? address : SocketAddress(storage) ?? address
    }

    deinit {
        close(raw)
        if case .unix(let path) = address.kind { _ = unsafe unlink(path) }
    }

    /// Opens connections until the next one would block; keep them, and no others are possible.
    func fill() throws -> [Peer] {
        var peers: [Peer] = []
        for _ in 0..<100 {
            let peer = Peer(owning: try Peer.open(address.family))
            _ = fcntl(peer.raw, F_SETFL, O_NONBLOCK)
            peers.append(peer)
            let result = unsafe address.withRaw { unsafe connect(peer.raw, $0, $1) }
            if result == 0 { continue }
            guard errno == EINPROGRESS else { return peers }
            var waiter = pollfd(fd: peer.raw, events: Int16(POLLOUT), revents: 0)
            if unsafe poll(&waiter, 1, 100) == 0 { return peers }
        }
        throw SystemError("connect", EISCONN)
    }
}

/// Unique paths for unix sockets.
enum TemporaryPath {
    private static let count = Atomic(0)

    static func next() -> String {
        "/tmp/sidegate-test-\(getpid())-\(count.wrappingAdd(1, ordering: .relaxed).newValue)"
    }
}
