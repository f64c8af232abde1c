// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// What the connections to apps of one loop share.
struct UpstreamEnvironment {
    let memory: LoopMemory
    let resolver: Resolver
    let limits: ConnectionLimits

    var loop: EventLoop { memory.loop }
}

/// Opens connections to an app: resolves its name, connects, encrypts.
final class UpstreamConnector {
    typealias Completion = (Result<Transport, UpstreamFault>) -> Void

    private let configuration: UpstreamConfiguration
    private let loop: EventLoop
    private let resolver: Resolver

    init(_ configuration: UpstreamConfiguration, loop: EventLoop, resolver: Resolver) {
        self.configuration = configuration
        self.loop = loop
        self.resolver = resolver
    }

    /// `completion` is called once, on the loop, and never from within this call.
    func connect(_ completion: @escaping Completion) {
        switch configuration.endpoint {
        case .unix(let path):
            open([.unix(path)], completion)
        case .host(let host, let port):
            let resolved = loop.bind { [self] (answer: Resolver.Answer) in
                switch answer {
                case .addresses(let addresses): open(addresses, completion)
                case .failure(let reason): completion(.failure(.nameNotResolved(reason)))
                }
            }
            resolver.resolve(host, port: port, on: loop, resolved)
        }
    }

    private func open(_ addresses: [SocketAddress], _ completion: @escaping Completion) {
        Connector(to: addresses, timeout: configuration.connectTimeout, loop: loop) { [self] result in
            switch result {
            case .success(let socket): secure(socket, completion)
            case .failure(let error): completion(.failure(.notConnected(error)))
            }
        }
    }

    private func secure(_ socket: SocketTransport, _ completion: @escaping Completion) {
        guard let tls = configuration.tls, case .host(let host, let port) = configuration.endpoint else {
            return completion(.success(socket))
        }
        do throws(TLSError) {
            let transport = try TLSTransport(client: socket, tls, host: host, port: port)
            transport.handshake(timeout: configuration.connectTimeout) { failure in
                guard let failure else { return completion(.success(transport)) }
                transport.close()
                completion(.failure(.notSecured(failure)))
            }
        } catch {
            socket.close()
            completion(.failure(.notSecured(error)))
        }
    }
}
