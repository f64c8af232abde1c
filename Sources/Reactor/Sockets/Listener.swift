// SPDX-License-Identifier: Apache-2.0

import CEpoll
import Glibc

/// A listening socket.
package struct ListeningSocket: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    /// Its address; if port 0 was requested, with the port the system chose.
    package let address: SocketAddress

    /// Opens and binds. `sharesPort` lets each loop have a listener of its own on the same port (SO_REUSEPORT); a stale
    /// unix socket on which no process listens is replaced.
    ///
    /// - Parameter isPrivate: of a unix socket: only its owner may connect (mode 0600).
    package init(_ address: SocketAddress, sharesPort: Bool, isPrivate: Bool = false) throws(SystemError) {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let raw = socket(address.family, type, 0)
        guard raw >= 0 else { throw SystemError("socket") }
        let descriptor = FileDescriptor(owning: raw)
        switch address.kind {
        case .v4, .v6:
            SocketOption.set(raw, SOL_SOCKET, SO_REUSEADDR, 1)
            if sharesPort { SocketOption.set(raw, SOL_SOCKET, SO_REUSEPORT, 1) }
            // Accepted sockets inherit it, which saves a system call for each.
            SocketOption.set(raw, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            if address.family == AF_INET6 { SocketOption.set(raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        case .unix(let path):
            Self.removeStale(path)
            // Before the file exists: it gets this mode at bind(2), so there is no moment with another.
            if isPrivate, fchmod(raw, 0o600) != 0 { throw SystemError("fchmod") }
        }
        guard let bound = unsafe address.withRaw({ unsafe bind(raw, $0, $1) }) else {
            throw SystemError("bind", ENAMETOOLONG)
        }
        guard bound == 0 else { throw SystemError("bind") }
        guard listen(raw, Self.backlog) == 0 else { throw SystemError("listen") }
        self.address = Self.localAddress(raw) ?? address
        self.descriptor = consume descriptor
    }

    /// A duplicate of an inherited socket that is already listening. The original stays open, so that the socket keeps
    /// listening as long as the process lives.
    package init(inherited descriptor: Int32) throws(SystemError) {
        var isListening: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let known = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size)
        guard known == 0 else { throw SystemError("getsockopt") }
        guard isListening != 0 else { throw SystemError("listen", EINVAL) }
        let raw = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard raw >= 0 else { throw SystemError("fcntl") }
        let owned = FileDescriptor(owning: raw)
        let flags = fcntl(raw, F_GETFL)
        guard flags >= 0, fcntl(raw, F_SETFL, flags | O_NONBLOCK) == 0 else { throw SystemError("fcntl") }
        SocketOption.set(raw, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        address = Self.localAddress(raw) ?? .unix("")
        self.descriptor = consume owned
    }

    /// Another descriptor of the same socket, for a loop that cannot have a port of its own (unix sockets).
    package func duplicate() throws(SystemError) -> ListeningSocket {
        let raw = fcntl(descriptor.raw, F_DUPFD_CLOEXEC, 0)
        guard raw >= 0 else { throw SystemError("fcntl") }
        return ListeningSocket(descriptor: FileDescriptor(owning: raw), address: address)
    }

    private init(descriptor: consuming FileDescriptor, address: SocketAddress) {
        self.descriptor = descriptor
        self.address = address
    }

    private static func localAddress(_ raw: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(raw, $0, &length) }
        }
        guard result == 0, let address = SocketAddress(storage), address.port != nil else { return nil }
        return address
    }

    private static func removeStale(_ path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        // Non-blocking: a listener whose queue is full returns EAGAIN; a blocking call would never return.
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let probe = socket(AF_UNIX, type, 0)
        guard probe >= 0 else { return }
        defer { Glibc.close(probe) }
        let result = unsafe SocketAddress.unix(path).withRaw { unsafe connect(probe, $0, $1) }
        if result == -1, errno == ECONNREFUSED { _ = unsafe unlink(path) }
    }

    private static let backlog: Int32 = 4096
}

/// Accepts connections on a loop.
///
/// If the process has no descriptor left, or the owner no capacity, it pauses: the kernel queues the clients, without
/// busy-waiting. It tries again after 50 ms, or when the owner calls ``resume()``.
package final class Listener: ReadinessObserver {
    private let loop: EventLoop
    private var socket: ListeningSocket?
    private var registration: Registration?
    private var retry: LoopTimer?
    private let mayAccept: () -> Bool
    private let accepted: (consuming FileDescriptor, SocketAddress?) -> Void
    /// Gets the reason of each pause, once.
    private let paused: (SystemError) -> Void
    package private(set) var isPaused = false

    /// - Parameters:
    ///   - mayAccept: called before each accept; false pauses until ``resume()``.
    ///   - accepted: gets each connection, with the peer's address.
    package init(
        _ socket: consuming ListeningSocket, loop: EventLoop, mayAccept: @escaping () -> Bool,
        paused: @escaping (SystemError) -> Void,
        accepted: @escaping (consuming FileDescriptor, SocketAddress?) -> Void
    ) throws(SystemError) {
        self.loop = loop
        let raw = socket.descriptor.raw
        self.socket = consume socket
        self.mayAccept = mayAccept
        self.paused = paused
        self.accepted = accepted
        retry = loop.makeTimer { [unowned self] in resume() }
        registration = try loop.add(raw, self)
    }

    /// Accepts again after a pause.
    package func resume() {
        guard isPaused, let registration else { return }
        isPaused = false
        loop.setReading(true, of: registration)
        acceptAll()
    }

    /// Accepts all waiting connections, then stops listening.
    package func finish() {
        for _ in 0..<Self.acceptsAtEnd where mayAccept() {
            guard case .accepted = acceptOne() else { break }
        }
        close()
    }

    /// Stops listening; clients still in the kernel's queue are reset.
    package func close() {
        retry?.cancel()
        retry = nil
        if let registration { loop.remove(registration) }
        registration = nil
        socket = nil
    }

    package func descriptorReady(_ events: ReadinessEvents) {
        guard !isPaused else { return }
        acceptAll()
    }

    private func acceptAll() {
        for _ in 0..<Self.acceptsPerEvent {
            guard socket != nil else { return }
            guard mayAccept() else { return pause(for: nil) }
            switch acceptOne() {
            case .accepted: continue
            case .empty: return
            case .exhausted(let error):
                return pause(for: error)
            }
        }
        // There may be more, but others have their turn first.
        loop.nextTurn { [weak self] in
            guard let self, !isPaused else { return }
            acceptAll()
        }
    }

    private enum AcceptOutcome {
        case accepted, empty
        case exhausted(SystemError)
    }

    private func acceptOne() -> AcceptOutcome {
        let raw: Int32
        switch socket {
        case .some(let socket): raw = socket.descriptor.raw
        case .none: return .empty
        }
        var storage = sockaddr_storage()
        var length = UInt32(MemoryLayout<sockaddr_storage>.size)
        let descriptor = unsafe sidegate_accept(raw, &storage, &length)
        guard descriptor >= 0 else {
            switch errno {
            case EAGAIN: return .empty
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted(SystemError("accept"))
            // A connection that ended before it was accepted (ECONNABORTED and network errors, accept(2)): the next
            // one.
            default: return .accepted
            }
        }
        accepted(FileDescriptor(owning: descriptor), SocketAddress(storage))
        return .accepted
    }

    private func pause(for error: SystemError?) {
        isPaused = true
        if let registration { loop.setReading(false, of: registration) }
        retry?.set(loop.now.advanced(by: .milliseconds(50)))
        if let error { paused(error) }
    }

    private static let acceptsPerEvent = 64
    /// The size of the kernel's queue.
    private static let acceptsAtEnd = 4096
}
