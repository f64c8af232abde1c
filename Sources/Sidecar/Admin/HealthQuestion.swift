// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import Reactor

/// Queries the health of a running gate for `sidegate healthcheck`: one request over a blocking socket.
package struct HealthQuestion {
    private let address: ListenAddress

    package init(_ address: ListenAddress) {
        self.address = address
    }

    /// The status of `path`, or why there is none.
    package func ask(_ path: String) -> Result<Int, HealthProblem> {
        var problem = HealthProblem(description: "\(address) stands for no address")
        for candidate in candidates {
            switch ask(path, candidate) {
            case .success(let status): return .success(status)
            case .failure(let failure): problem = failure
            }
        }
        return .failure(problem)
    }

    /// The addresses of the gate on this machine. One that listens on all addresses also listens on the loopback address.
    private var candidates: [SocketAddress] {
        switch address {
        case .tcp(let host, let port) where ["", "0.0.0.0", "::"].contains(host):
            [.v4(0x7f00_0001, port: port), .v6(high: 0, low: 1, port: port)]
        default: (try? address.resolved()) ?? []
        }
    }

    private func ask(_ path: String, _ address: SocketAddress) -> Result<Int, HealthProblem> {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return Self.failure(address) }
        defer { close(descriptor) }
        var patience = timeval(tv_sec: Self.seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(
                descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        guard unsafe address.withRaw({ unsafe connect(descriptor, $0, $1) }) == 0 else { return Self.failure(address) }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        let sent = unsafe request.withUnsafeBytes {
            unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == request.count else { return Self.failure(address) }
        // `HTTP/1.1 200`
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 12)
        while line.count < 12 {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return Self.failure(address) }
            line += buffer[..<count]
        }
        let text = String(decoding: line.prefix(12), as: UTF8.self)
        guard text.hasPrefix("HTTP/1."), let status = Int(text.suffix(3)) else {
            return .failure(HealthProblem(description: "the server at \(address) is not Sidegate"))
        }
        return .success(status)
    }

    private static func failure(_ address: SocketAddress) -> Result<Int, HealthProblem> {
        let reason = errno == EAGAIN ? "no answer in time" : SystemError.message(errno)
        return .failure(HealthProblem(description: "\(address): \(reason)"))
    }

    private static let seconds = 3
}

package struct HealthProblem: Error, Sendable, CustomStringConvertible {
    package var description: String
}
