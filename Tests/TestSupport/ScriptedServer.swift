// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Reactor

/// A server on loopback that runs the test's script for each connection, with plain blocking calls.
package final class ScriptedServer: Sendable {
    package let port: UInt16
    private let listener: Int32

    /// - Parameter script: gets each connection, on a thread of its own; the connection is closed when it returns.
    package init(_ script: @escaping @Sendable (Connection) throws -> Void) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let raw = listener
        let bound = unsafe SocketAddress.v4(0x7f00_0001, port: 0).withRaw { unsafe bind(raw, $0, $1) }
        guard bound == 0, listen(raw, 16) == 0 else { throw SystemError("listen") }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(raw, $0, &length) }
        }
        port = UInt16(bigEndian: address.sin_port)
        Thread.run {
            while true {
                let accepted = accept(raw, nil, nil)
                guard accepted >= 0 else { return }
                Thread.run { try? script(Connection(owning: accepted)) }
            }
        }
    }

    deinit {
        // Ends the pending accept().
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// A server that reads a request and answers with these bytes, in pieces of `step`.
    package convenience init(answers text: String, step: Int = .max) throws {
        try self.init { connection in
            _ = try connection.readHead()
            try connection.write(text, step: step)
        }
    }
}

/// One connection of the server.
package final class Connection: Sendable {
    private let raw: Int32

    package init(owning raw: Int32) {
        self.raw = raw
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        unsafe setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        var one: Int32 = 1
        unsafe setsockopt(raw, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    deinit {
        close(raw)
    }

    /// Everything up to the first empty line, and any bytes received with it.
    package func readHead() throws -> String {
        var text = ""
        while !text.contains("\r\n\r\n") {
            let piece = try read()
            guard !piece.isEmpty else { return text }
            text += String(decoding: piece, as: UTF8.self)
        }
        return text
    }

    /// A complete request: the head, and content of the declared length.
    package func readRequest() throws -> (head: String, body: String) {
        var text = try readHead()
        guard let end = text.firstRange(of: "\r\n\r\n") else { return (text, "") }
        let head = String(text[..<end.lowerBound])
        let length =
            head.split(separator: "\r\n").compactMap { line -> Int? in
                line.lowercased().hasPrefix("content-length:") ? Int(line.dropFirst(15).filter { $0 != " " }) : nil
            }.first ?? 0
        while text[end.upperBound...].utf8.count < length {
            let piece = try read()
            guard !piece.isEmpty else { break }
            text += String(decoding: piece, as: UTF8.self)
        }
        return (head, String(text[end.upperBound...]))
    }

    package func read() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = unsafe recv(raw, &bytes, bytes.count, 0)
        guard count >= 0 else { throw SystemError("recv") }
        return Array(bytes.prefix(count))
    }

    package func write(_ text: String, step: Int = .max) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(step)
            let count = unsafe piece.withUnsafeBytes {
                unsafe send(raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SystemError("send") }
            rest = rest.dropFirst(count)
            if step < .max { sched_yield() }
        }
    }

    package func answer(_ status: Int, _ body: String, _ fields: String = "") throws {
        try write("HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
    }

    /// Waits for the client to close.
    package func waitForEnd() {
        while let piece = try? read(), !piece.isEmpty {}
    }
}

package enum Thread {
    /// A serial queue gets a thread even when all of the shared pool's are blocked.
    package static func run(_ body: @escaping @Sendable () -> Void) {
        DispatchQueue(label: "scripted").async(execute: body)
    }
}
