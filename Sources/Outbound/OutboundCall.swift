// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import Reactor
import TLS

/// One call in progress. It keeps itself alive until it has ended.
package final class OutboundCall: TransportOwner {
    private let request: OutboundRequest
    private let loop: EventLoop
    private let tls: TLSClientContext?
    private var completion: ((Result<OutboundResponse, OutboundFailure>) -> Void)?
    private var deadline: LoopTimer?
    private var connector: Connector?
    private var transport: Transport?
    /// The part of the request not yet written to the socket.
    private var output: [UInt8] = []
    private var sent = 0
    private var reader: ResponseReader

    init(
        _ request: OutboundRequest, loop: EventLoop, tls: TLSClientContext?,
        _ completion: @escaping (Result<OutboundResponse, OutboundFailure>) -> Void
    ) {
        self.request = request
        self.loop = loop
        self.tls = tls
        self.completion = completion
        reader = ResponseReader(
            isHead: request.method == "HEAD", maximumBytes: request.maximumBytes, leniency: request.leniency,
            readsContent: request.readsContent, readsInPart: request.readsContentInPart)
    }

    /// Ends the call; its completion is not called.
    package func cancel() {
        completion = nil
        letGo()
    }

    // MARK: Connecting

    func start(_ resolver: Resolver) {
        // The timer keeps the call alive until it has ended.
        let timer = loop.makeTimer { [self] in
            finish(reader.giveUp().map { .success($0) } ?? .failure(.timeout))
        }
        deadline = timer
        timer.set(loop.now.advanced(by: request.timeout))
        // Never from within the caller's call, even if everything is already known.
        loop.afterEvent { [self] in begin(resolver) }
    }

    private func begin(_ resolver: Resolver) {
        guard completion != nil else { return }
        do throws(OutboundFailure) {
            output = try request.encoded()
        } catch {
            return finish(.failure(error))
        }
        if request.url.isSecure, tls == nil { return finish(.failure(.tls("https is not available here"))) }
        if let addresses = request.addresses { return connect(to: addresses) }
        let answered = loop.bind { [self] (answer: Resolver.Answer) in
            switch answer {
            case .addresses(let addresses): connect(to: addresses.filter(isAllowed))
            case .failure(let reason): finish(.failure(.name(reason)))
            }
        }
        resolver.resolve(request.url.host, port: request.url.port, on: loop, answered)
    }

    private func isAllowed(_ address: SocketAddress) -> Bool {
        guard !request.allowsLocalAddress else { return true }
        return switch address.kind {
        case .v4(let bits, _): !IPAddress(v4: bits).isLocal
        case .v6(let high, let low, _, _): !IPAddress(high: high, low: low).isLocal
        case .unix: false
        }
    }

    private func connect(to addresses: [SocketAddress]) {
        guard completion != nil else { return }
        guard !addresses.isEmpty else {
            return finish(.failure(.connect("the address is one of this machine, which is not allowed here")))
        }
        connector = Connector(to: addresses, timeout: request.timeout, loop: loop) { [self] result in
            connector = nil
            switch result {
            case .success(let socket): if request.url.isSecure { secure(socket) } else { begin(on: socket) }
            case .failure(let error):
                finish(.failure(error.isTimeout ? .timeout : .connect(SystemError.message(error.code))))
            }
        }
    }

    private func secure(_ socket: SocketTransport) {
        guard completion != nil, let tls else { return socket.close() }
        do throws(TLSError) {
            let transport = try TLSTransport(client: socket, tls, host: request.url.host, port: request.url.port)
            self.transport = transport
            transport.handshake(timeout: request.timeout) { [self] failure in
                switch failure {
                case nil: begin(on: transport)
                case .timeout: finish(.failure(.timeout))
                case .some(let failure): finish(.failure(.tls(failure.description)))
                }
            }
        } catch {
            socket.close()
            finish(.failure(.tls(error.description)))
        }
    }

    private func begin(on transport: Transport) {
        guard completion != nil else { return transport.close() }
        self.transport = transport
        transport.owner = self
        write()
    }

    // MARK: The request

    private func write() {
        guard let transport, sent < output.count else { return }
        let bytes = output
        let span = bytes.span
        switch transport.write(span.extracting(sent...)) {
        case .wrote(let count):
            sent += count
            if sent < output.count { transport.awaitWritable() } else { output = [] }
        case .failed:
            // It may have answered before it stopped reading: the response, or the end, is found by reading.
            (output, sent) = ([], 0)
        }
    }

    package func transportWritable() { write() }

    // MARK: The response

    package func transportReadable() {
        guard let transport else { return }
        let end = transport.readTurn(while: { completion != nil }, boundFor: { nil }, receive: { receive($0) })
        guard completion != nil else { return }
        switch end {
        case .nothingNow: break
        case .end: ended()
        case .failed: finish(.failure(failure(of: transport)))
        }
    }

    private func failure(of transport: Transport) -> OutboundFailure {
        switch (transport as? TLSTransport)?.error {
        case nil, .closed, .system: .closed
        // With TLS 1.3 a server rejects a client certificate only after the handshake.
        case .some(let error): .tls(error.description)
        }
    }

    package func transportPeerClosed(failed: Bool) {}

    private func receive(_ input: Span<UInt8>) {
        guard completion != nil else { return }
        do throws(OutboundFailure) {
            if let response = try reader.receive(input) { finish(.success(response)) }
        } catch {
            finish(.failure(error))
        }
    }

    private func ended() {
        do throws(OutboundFailure) {
            finish(.success(try reader.end()))
        } catch {
            finish(.failure(error))
        }
    }

    // MARK: The end

    private func finish(_ result: Result<OutboundResponse, OutboundFailure>) {
        let completion = completion
        self.completion = nil
        letGo()
        completion?(result)
    }

    private func letGo() {
        deadline?.cancel()
        deadline = nil
        connector?.cancel()
        connector = nil
        transport?.close()
        transport = nil
        output = []
    }
}
