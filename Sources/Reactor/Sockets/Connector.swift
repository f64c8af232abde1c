// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Connects to the first of several addresses that accepts, within a time limit (RFC 8305).
///
/// The addresses are tried in their order, but families take turns. Each attempt has a head start of 250 ms; then, or when
/// one fails, the next begins, while earlier ones continue. The first that succeeds ends all others.
package final class Connector {
    private let loop: EventLoop
    /// Those not tried, the next one last.
    private var addresses: [SocketAddress]
    private var attempts: [ConnectionAttempt] = []
    private var deadline: LoopTimer?
    private var headStart: LoopTimer?
    private var completion: ((Result<SocketTransport, SystemError>) -> Void)?
    private var lastError = SystemError("connect", EHOSTUNREACH)

    /// Starts; `completion` is called once, on the loop, and never from within this call.
    @discardableResult
    package init(
        to addresses: [SocketAddress], timeout: Nanoseconds, loop: EventLoop,
        completion: @escaping (Result<SocketTransport, SystemError>) -> Void
    ) {
        self.loop = loop
        self.addresses = Self.interleaved(addresses).reversed()
        self.completion = completion
        // The timer keeps the connector alive until it has finished.
        let timer = loop.makeTimer { [self] in finish(.failure(SystemError("connect", ETIMEDOUT))) }
        deadline = timer
        timer.set(loop.now.advanced(by: timeout))
        loop.afterEvent { [self] in tryNext() }
    }

    /// Cancels; the completion is not called.
    package func cancel() {
        completion = nil
        finish(.failure(SystemError("connect", ECANCELED)))
    }

    /// In the given order, but so that the families take turns, as far as there are several (RFC 8305 §4).
    package static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
        var families: [(family: Int32, addresses: [SocketAddress])] = []
        for address in addresses {
            if let index = families.firstIndex(where: { $0.family == address.family }) {
                families[index].addresses.append(address)
            } else {
                families.append((address.family, [address]))
            }
        }
        let longest = families.map(\.addresses.count).max() ?? 0
        return (0..<longest).flatMap { position in
            families.compactMap { position < $0.addresses.count ? $0.addresses[position] : nil }
        }
    }

    /// The attempt has ended.
    fileprivate func ended(_ attempt: ConnectionAttempt) {
        guard let index = attempts.firstIndex(where: { $0 === attempt }), let transport = attempt.transport else {
            return
        }
        attempts.remove(at: index)
        if let error = transport.connectionError() {
            lastError = error
            attempt.close()
            return tryNext()
        }
        attempt.release()
        finish(.success(transport))
    }

    /// Begins attempts until one is under way, or none is left.
    private func tryNext() {
        while completion != nil, attempts.count < Self.maximumAttempts, let address = addresses.popLast() {
            do throws(SystemError) {
                let attempt = ConnectionAttempt(self)
                try attempt.begin(to: address, loop: loop)
                attempts.append(attempt)
                return awaitHeadStart()
            } catch {
                lastError = error
            }
        }
        if completion != nil, attempts.isEmpty { finish(.failure(lastError)) }
    }

    /// The next attempt begins when this one has had its head start; most connections have one address, and no timer.
    private func awaitHeadStart() {
        guard !addresses.isEmpty else { return }
        let timer = headStart ?? loop.makeTimer { [unowned self] in tryNext() }
        headStart = timer
        timer.set(loop.now.advanced(by: Self.headStartTime))
    }

    private func finish(_ result: Result<SocketTransport, SystemError>) {
        deadline?.cancel()
        deadline = nil
        headStart?.cancel()
        headStart = nil
        for attempt in attempts { attempt.close() }
        attempts = []
        guard let completion else { return }
        self.completion = nil
        completion(result)
    }

    /// RFC 8305 §8: the Connection Attempt Delay.
    private static let headStartTime = Nanoseconds.milliseconds(250)
    /// Sockets at a time.
    private static let maximumAttempts = 8
}

/// One attempt of a connector.
private final class ConnectionAttempt: TransportOwner {
    /// Nil before it begins, and when it has ended.
    private(set) var transport: SocketTransport?
    private var connector: Connector?

    init(_ connector: Connector) {
        self.connector = connector
    }

    func begin(to address: SocketAddress, loop: EventLoop) throws(SystemError) {
        let transport = try SocketTransport(connectingTo: address, loop: loop)
        transport.owner = self
        self.transport = transport
    }

    /// The transport belongs to others from now on.
    func release() {
        transport?.owner = nil
        transport = nil
        connector = nil
    }

    func close() {
        let transport = transport
        release()
        transport?.close()
    }

    func transportWritable() {
        connector?.ended(self)
    }

    func transportReadable() {}

    func transportPeerClosed(failed: Bool) {}
}
