// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import Reactor

/// Queries the health of a running gate for `sidegate healthcheck`: one request over a blocking socket.
package struct HealthQuestion {
    private let address: ListenAddress
    private let configuration: ConfigurationIdentity

    /// - Parameter configuration: of the gate that is meant; without a file, any gate is.
    package init(_ address: ListenAddress, of configuration: ConfigurationIdentity) {
        self.address = address
        self.configuration = configuration
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
        let identity = configuration.encoded.map { "\(ConfigurationIdentity.fieldName): \($0)\r\n" } ?? ""
        let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(identity)Connection: close\r\n\r\n".utf8)
        let sent = unsafe request.withUnsafeBytes {
            unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == request.count else { return Self.failure(address) }
        // The head, which is short.
        var head: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while head.count < Self.maximumHead, !Self.isComplete(head) {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return Self.failure(address) }
            head += buffer[..<count]
        }
        return verdict(String(decoding: head, as: UTF8.self), address)
    }

    /// - Parameter head: of the answer; what follows it does not matter.
    private func verdict(_ head: String, _ address: SocketAddress) -> Result<Int, HealthProblem> {
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
        let name = ConfigurationIdentity.fieldName.description.lowercased() + ":"
        // `HTTP/1.1 200 OK`
        guard let line = lines.first, line.hasPrefix("HTTP/1."), let status = Int(line.dropFirst(9).prefix(3)) else {
            return .failure(HealthProblem(description: "the server at \(address) is not Sidegate"))
        }
        let field = lines.dropFirst().prefix { !$0.isEmpty }.first { $0.lowercased().hasPrefix(name) }
        guard field != nil || status != 200 else {
            return .failure(HealthProblem(description: "the server at \(address) is not Sidegate, or an older version"))
        }
        let identity = field?.dropFirst(name.count).drop { $0 == " " }
        guard identity.map({ $0 != ConfigurationIdentity.Answer.other.rawValue }) ?? true else {
            return .failure(
                HealthProblem(
                    description:
                        "the gate at \(address) is another one: it does not run with \(configuration.path ?? "this configuration"); give each gate an `admin.listen` of its own"
                ))
        }
        return .success(status)
    }

    private static func isComplete(_ head: [UInt8]) -> Bool {
        head.indices.contains { head[$0...].starts(with: [13, 10, 13, 10]) }
    }

    private static func failure(_ address: SocketAddress) -> Result<Int, HealthProblem> {
        let reason = errno == EAGAIN ? "no answer in time" : SystemError.message(errno)
        return .failure(HealthProblem(description: "\(address): \(reason)"))
    }

    private static let seconds = 3
    private static let maximumHead = 16_384
}

package struct HealthProblem: Error, Sendable, CustomStringConvertible {
    package var description: String
}
