// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import HTTP
import Outbound
import Reactor
import TLS

/// Asks a running gate at its admin listener, for `healthcheck`, `sessions` and `sign-out`. Each call blocks until it ends, so
/// it is made from a thread that may block.
package final class AdminClient: Sendable {
    package struct Response: Sendable {
        package let status: Int
        package let body: [UInt8]
    }

    private let loop = EventLoop(label: "sidegate.admin-client")
    private let address: ListenAddress
    private let access: AdminAccess
    private let configuration: ConfigurationIdentity

    /// - Parameter configuration: of the gate that is meant; without a file, any gate is.
    package init(_ address: ListenAddress, _ access: AdminAccess, of configuration: ConfigurationIdentity) {
        self.address = address
        self.access = access
        self.configuration = configuration
    }

    /// - Parameters:
    ///   - form: the parameters of a POST; nil: a GET.
    ///   - patience: how long the answer may take, in seconds.
    package func send(
        _ target: String, form: [(name: StaticString, value: String)]? = nil, patience: UInt64 = 3
    ) -> Result<Response, AdminProblem> {
        var problem = AdminProblem(description: "\(address) stands for no address")
        for candidate in candidates {
            switch send(target, form, candidate, patience) {
            case .success(let response): return .success(response)
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

    private func send(
        _ target: String, _ form: [(name: StaticString, value: String)]?, _ address: SocketAddress,
        _ patience: UInt64
    ) -> Result<Response, AdminProblem> {
        let scheme = access.certificate == nil ? "http" : "https"
        // The listener accepts this name always, and recognises its certificate by itself.
        guard let url = OutboundURL("\(scheme)://localhost:\(address.port ?? 80)\(target)") else {
            return .failure(AdminProblem(description: "\(address): this address cannot be called"))
        }
        var request = OutboundRequest(
            url: url, timeout: .milliseconds(1000 * patience), maximumBytes: Self.maximumBytes)
        request.addresses = [address]
        if let encoded = configuration.encoded {
            request.fields.append((ConfigurationIdentity.fieldName.description, encoded))
        }
        if let token = access.token {
            request.fields.append(("Authorization", "Bearer " + String(decoding: token.bytes, as: UTF8.self)))
        }
        if let form {
            request.method = "POST"
            request.fields.append(("Content-Type", "application/x-www-form-urlencoded"))
            var text = FormText()
            for (name, value) in form { text.append(name, Array(value.utf8)) }
            request.body = text.bytes
        }
        let tls: TLSClientContext?
        do throws(TLSError) {
            tls = try access.certificate.map { chain throws(TLSError) in
                var configuration = TLSClientConfiguration()
                configuration.trust = .exactly(chain)
                return try TLSClientContext(configuration)
            }
        } catch {
            return .failure(AdminProblem(description: "TLS cannot be set up: \(error)"))
        }
        let reply = Reply<Result<OutboundResponse, OutboundFailure>>()
        let sent = request
        loop.submit { [loop] in
            OutboundClient(loop: loop, resolver: Resolver(), tls: tls).send(sent) { reply.give($0) }
        }
        switch reply.wait() {
        case .success(let response): return verdict(response, address)
        case .failure(.malformed):
            return .failure(AdminProblem(description: "the server at \(address) is not Sidegate"))
        case .failure(let failure): return .failure(AdminProblem(description: "\(address): \(failure)"))
        }
    }

    private func verdict(_ response: OutboundResponse, _ address: SocketAddress) -> Result<Response, AdminProblem> {
        let identity = response.field(ConfigurationIdentity.fieldName.description)
        guard identity != nil || response.status != 200 else {
            return .failure(
                AdminProblem(description: "the server at \(address) is not Sidegate, or an older version"))
        }
        guard identity != ConfigurationIdentity.Answer.other.rawValue else {
            return .failure(
                AdminProblem(
                    description:
                        "the gate at \(address) is another one: it does not run with \(configuration.path ?? "this configuration"); give each gate an `admin.listen` of its own"
                ))
        }
        return .success(Response(status: Int(response.status), body: response.body))
    }

    /// A page of sessions has about 300 KiB.
    private static let maximumBytes = 4 << 20
}

/// Why there is no answer.
package struct AdminProblem: Error, Sendable, CustomStringConvertible {
    package var description: String
}
