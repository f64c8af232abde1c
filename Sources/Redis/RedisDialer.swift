// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// Makes one connection to Redis: resolves the name, connects, and performs the TLS handshake. Confined to its loop.
final class RedisDialer {
    enum Outcome {
        case connected(Transport)
        case failed(String)
    }

    private let configuration: RedisConfiguration
    private let endpoint: RedisConfiguration.Endpoint
    private let loop: EventLoop
    private var connector: Connector?
    /// During its TLS handshake.
    private var transport: Transport?
    /// nil: it was called, or the attempt was cancelled.
    private var completion: ((Outcome) -> Void)?

    /// - Parameter completion: called once, unless the attempt is cancelled before.
    init(
        _ configuration: RedisConfiguration, to endpoint: RedisConfiguration.Endpoint, loop: EventLoop,
        completion: @escaping (Outcome) -> Void
    ) {
        self.configuration = configuration
        self.endpoint = endpoint
        self.loop = loop
        self.completion = completion
    }

    func start(_ resolver: Resolver) {
        switch endpoint {
        case .unix(let path): connect(to: [.unix(path)])
        case .host(let host, let port):
            if let literal = SocketAddress(literal: host, port: port) { return connect(to: [literal]) }
            let answered = loop.bind { [weak self] (answer: Resolver.Answer) in
                guard let self, completion != nil else { return }
                switch answer {
                case .addresses(let addresses): connect(to: addresses)
                case .failure(let reason): finish(.failed("the name \(host) is not known (\(reason))"))
                }
            }
            resolver.resolve(host, port: port, on: loop, answered)
        }
    }

    func cancel() {
        completion = nil
        connector?.cancel()
        connector = nil
        transport?.close()
        transport = nil
    }

    private func connect(to addresses: [SocketAddress]) {
        connector = Connector(to: addresses, timeout: configuration.connectTimeout, loop: loop) { [weak self] result in
            guard let self, completion != nil else {
                if case .success(let socket) = result { socket.close() }
                return
            }
            connector = nil
            switch result {
            case .success(let socket): secure(socket)
            case .failure(let error):
                finish(.failed(error.isTimeout ? "the connection timed out" : SystemError.message(error.code)))
            }
        }
    }

    private func secure(_ socket: SocketTransport) {
        guard let tls = configuration.tls, case .host(let host, let port) = endpoint else {
            return finish(.connected(socket))
        }
        do throws(TLSError) {
            let transport = try TLSTransport(client: socket, tls, host: host, port: port)
            self.transport = transport
            transport.handshake(timeout: configuration.connectTimeout) { [weak self] failure in
                guard let self, completion != nil else { return transport.close() }
                if let failure {
                    transport.close()
                    finish(.failed(failure.description))
                } else {
                    finish(.connected(transport))
                }
            }
        } catch {
            socket.close()
            finish(.failed(error.description))
        }
    }

    private func finish(_ outcome: Outcome) {
        transport = nil
        let completion = self.completion
        self.completion = nil
        completion?(outcome)
    }
}
