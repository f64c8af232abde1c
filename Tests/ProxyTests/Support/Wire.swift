// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A plain socket as the proxy's peers have one: a browser's end, or the app's. Waits for what must come, for ten
/// seconds at most.
final class Wire {
    enum Failure: Error, Equatable {
        /// What must come did not.
        case timeout
        /// The peer ended the connection before it.
        case ended
        /// The peer reset the connection.
        case reset
        case system(Int32)
    }

    let descriptor: Int32
    private var isOpen = true
    /// Received and not yet taken.
    private var buffer: [UInt8] = []
    private var scratch = [UInt8](repeating: 0, count: 65536)
    /// Date lines are removed from what is received: the proxy adds them where the app sends none, and tests compare
    /// whole heads.
    var omitsDate = false

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close()
    }

    /// - Parameter receiveBuffer: bytes of the kernel's buffer; 0: as the system has it.
    static func connect(_ port: UInt16, receiveBuffer: Int32 = 0) throws -> Wire {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw Failure.system(errno) }
        let wire = Wire(raw)
        wire.omitsDate = true
        if receiveBuffer > 0 { wire.set(SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
        wire.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        let result = unsafe withLoopback(port) { unsafe Glibc.connect(raw, $0, $1) }
        guard result == 0 else { throw Failure.system(errno) }
        return wire
    }

    static func withLoopback<Result>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    func set(_ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    // MARK: Sending

    func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            sent += try sendSome(bytes[sent...])
            if sent < bytes.count { try Self.wait([(descriptor, POLLOUT)]) }
        }
    }

    /// As much as fits now.
    func sendSome(_ bytes: ArraySlice<UInt8>) throws -> Int {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        if count >= 0 { return count }
        switch errno {
        case EAGAIN, EINTR: return 0
        case EPIPE, ECONNRESET: throw Failure.reset
        default: throw Failure.system(errno)
        }
    }

    /// Sends `byte` until the socket has been full for so long that the peer certainly reads no more of it.
    func sendUntilFull(limit: Int) throws -> Int {
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 65536)
        var sent = 0
        while sent < limit {
            let count = try sendSome(block.prefix(limit - sent))
            sent += count
            if count == 0 {
                do { try Self.wait([(descriptor, POLLOUT)], milliseconds: 200) } catch Failure.timeout { return sent }
            }
        }
        return sent
    }

    /// Ends the sending side; receiving continues.
    func finish() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    /// Ends the connection by a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    // MARK: Receiving

    /// The next bytes, some at least; none at the peer's end.
    func receiveSome() throws -> [UInt8] {
        while true {
            if let bytes = try receiveNow(65536) { return bytes }
            try Self.wait([(descriptor, POLLIN)])
        }
    }

    /// What is there, at most `limit` bytes; nil: nothing yet. Empty: the peer's end.
    func receiveNow(_ limit: Int) throws -> [UInt8]? {
        if !buffer.isEmpty {
            let bytes = Array(buffer.prefix(limit))
            buffer.removeFirst(bytes.count)
            return bytes
        }
        let count = unsafe scratch.withUnsafeMutableBytes {
            unsafe recv(descriptor, $0.baseAddress, min(limit, $0.count), Int32(MSG_DONTWAIT))
        }
        if count >= 0 { return omitsDate ? Self.withoutDates(scratch[..<count]) : Array(scratch[..<count]) }
        switch errno {
        case EAGAIN, EINTR: return nil
        case ECONNRESET: throw Failure.reset
        default: throw Failure.system(errno)
        }
    }

    /// Heads are at the beginning of what a read returns.
    private static func withoutDates(_ received: ArraySlice<UInt8>) -> [UInt8] {
        var bytes = Array(received)
        let name = Array("\nDate: ".utf8)
        // The line with its date (RFC 9110 §5.6.7) and CRLF.
        let length = 6 + 29 + 2
        var index = 0
        while index < min(bytes.count - length, 4096) {
            if bytes[index] == name[0], bytes[index..<index + name.count].elementsEqual(name) {
                bytes.removeSubrange(index + 1..<index + 1 + length)
            } else {
                index += 1
            }
        }
        return bytes
    }

    private func fill() throws {
        let held = buffer
        buffer = []
        let bytes: [UInt8]
        do { bytes = try receiveSome() } catch {
            buffer = held
            throw error
        }
        buffer = held + bytes
        if bytes.isEmpty { throw Failure.ended }
    }

    func receive(_ count: Int) throws -> [UInt8] {
        while buffer.count < count { try fill() }
        let bytes = Array(buffer.prefix(count))
        buffer.removeFirst(count)
        return bytes
    }

    /// The next bytes as text, so many as `text` has.
    func receive(like text: String) throws -> String {
        String(decoding: try receive(text.utf8.count), as: UTF8.self)
    }

    /// A message head, up to its empty line.
    func receiveHead() throws -> String {
        var searched = 0
        while true {
            var index = searched
            while index + 4 <= buffer.count {
                if buffer[index] == 13, buffer[index + 1] == 10, buffer[index + 2] == 13, buffer[index + 3] == 10 {
                    return String(decoding: try receive(index + 4), as: UTF8.self)
                }
                index += 1
            }
            searched = max(0, buffer.count - 3)
            try fill()
        }
    }

    /// Everything up to the peer's end; a reset is thrown.
    func receiveToEnd() throws -> String {
        var all: [UInt8] = []
        while true {
            let bytes = try receiveSome()
            if bytes.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += bytes
        }
    }

    /// Nothing has come that was not taken. Only means something after the proxy had its turn.
    func isSilent() throws -> Bool {
        if !buffer.isEmpty { return false }
        guard let bytes = try receiveNow(65536) else { return true }
        buffer = bytes
        return false
    }

    /// Waits until one of `descriptors` is ready for what it is waited for, or failed.
    static func wait(_ descriptors: [(Int32, Int32)], milliseconds: Int32 = 10_000) throws {
        var list = descriptors.map { pollfd(fd: $0.0, events: Int16($0.1), revents: 0) }
        let count = unsafe poll(&list, nfds_t(list.count), milliseconds)
        if count == 0 { throw Failure.timeout }
    }
}

extension String {
    /// The value of a field of this head, nil without it; its lines joined by `|`.
    func field(_ name: String) -> String? {
        let values = lines.dropFirst().compactMap { line -> String? in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
            return parts[1].hasPrefix(" ") ? String(parts[1].dropFirst()) : String(parts[1])
        }
        return values.isEmpty ? nil : values.joined(separator: "|")
    }

    /// The head's lines without their ends.
    var lines: [String] {
        var lines: [String] = []
        var line: [UInt8] = []
        for byte in utf8 {
            if byte == 10 {
                if line.last == 13 { line.removeLast() }
                lines.append(String(decoding: line, as: UTF8.self))
                line = []
            } else {
                line.append(byte)
            }
        }
        return lines
    }

    var firstLine: String { lines.first ?? "" }
}
