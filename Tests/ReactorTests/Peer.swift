// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Reactor
import Synchronization
import TestSupport

/// A socket that the test drives by plain blocking calls: the far end of a connection, so that the code under test
/// not checked by itself.
final class Peer: Sendable {
    let raw: Int32
    private let isClosed = Atomic(false)

    /// - Parameter raw: an open blocking socket, owned from here on.
    init(owning raw: Int32) {
        self.raw = raw
        // A call that would block forever fails, and the test with it.
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        unsafe setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
    }

    deinit {
        close()
    }

    convenience init(_ address: SocketAddress) throws {
        self.init(owning: try Self.open(address.family))
        try connect(to: address)
    }

    static func open(_ family: Int32) throws -> Int32 {
        let raw = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw SystemError("socket") }
        return raw
    }

    func connect(to address: SocketAddress) throws {
        guard unsafe address.withRaw({ unsafe Glibc.connect(raw, $0, $1) }) == 0 else { throw SystemError("connect") }
    }

    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe send(raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SystemError("send") }
            rest = rest.dropFirst(count)
        }
    }

    /// Available bytes, at most `limit`; empty at the end.
    func read(_ limit: Int = 65536) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = unsafe recv(raw, &bytes, limit, 0)
        guard count >= 0 else { throw SystemError("recv") }
        return Array(bytes.prefix(count))
    }

    /// Exactly `count` bytes, fewer only at the end.
    func read(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let piece = try read(count - bytes.count)
            if piece.isEmpty { break }
            bytes += piece
        }
        return bytes
    }

    func readAll() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let piece = try read()
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }

    func shutDownWriting() {
        shutdown(raw, Int32(SHUT_WR))
    }

    func close() {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        Glibc.close(raw)
    }

    /// Ends a TCP connection by RST.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(raw, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func option(_ level: Int32, _ name: Int32) -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(raw, level, name, &value, &size) == 0 ? value : -1
    }
}

/// Runs blocking code on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    let answer = Mailbox<Result<Value, any Error>>()
    DispatchQueue.global().async { answer.send(Result(catching: body)) }
    return try await answer.next().get()
}
