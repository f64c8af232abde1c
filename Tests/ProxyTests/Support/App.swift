// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor

/// The app's listening socket. Each test itself acts as the app on its connections.
final class App {
    let port: UInt16
    private let descriptor: Int32
    /// Of a unix socket, to be removed at the end.
    private let path: String?

    /// On a unix socket.
    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Wire.Failure.system(errno) }
        self.path = path
        port = 0
        let raw = descriptor
        let bound = unsafe SocketAddress.unix(path).withRaw { unsafe bind(raw, $0, $1) }
        guard bound == 0, listen(descriptor, 128) == 0 else { throw Wire.Failure.system(errno) }
    }

    /// - Parameters:
    ///   - backlog: how many connections may wait to be accepted, less one.
    ///   - receiveBuffer: bytes of the kernel's buffer for each connection; 0: as the system has it.
    init(backlog: Int32 = 128, receiveBuffer: Int32 = 0) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Wire.Failure.system(errno) }
        path = nil
        if receiveBuffer > 0 {
            var value = receiveBuffer
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &value, socklen_t(MemoryLayout<Int32>.size))
        }
        let raw = descriptor
        let bound = unsafe Wire.withLoopback(0) { unsafe bind(raw, $0, $1) }
        guard bound == 0, listen(descriptor, backlog) == 0 else { throw Wire.Failure.system(errno) }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let named = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(raw, $0, &length) }
        }
        guard named == 0 else { throw Wire.Failure.system(errno) }
        port = UInt16(bigEndian: address.sin_port)
    }

    /// To wait on.
    var listener: Int32 { descriptor }

    deinit {
        close(descriptor)
        if let path { _ = unsafe unlink(path) }
    }

    /// The next connection.
    func accept() throws -> Wire {
        try Wire.wait([(descriptor, POLLIN)])
        let raw = Glibc.accept(descriptor, nil, nil)
        guard raw >= 0 else { throw Wire.Failure.system(errno) }
        let wire = Wire(raw)
        wire.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        return wire
    }

    /// No connection waits to be accepted. Only meaningful after ``Stage/settle()``.
    func isSilent() throws -> Bool {
        do { try Wire.wait([(descriptor, POLLIN)], milliseconds: 0) } catch Wire.Failure.timeout { return true }
        return false
    }
}
