// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Connects to the first of several addresses that accepts, within a time limit.
package final class Connector: TransportOwner {
    private let loop: EventLoop
    private var addresses: [SocketAddress]
    private var attempt: SocketTransport?
    private var deadline: LoopTimer?
    private var completion: ((Result<SocketTransport, SystemError>) -> Void)?
    private var lastError = SystemError("connect", EHOSTUNREACH)

    /// Starts; `completion` is called once, on the loop, and never from within this call.
    @discardableResult
    package init(
        to addresses: [SocketAddress], timeout: Nanoseconds, loop: EventLoop,
        completion: @escaping (Result<SocketTransport, SystemError>) -> Void
    ) {
        self.loop = loop
        self.addresses = addresses.reversed()
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

    package func transportWritable() {
        guard let attempt else { return }
        if let error = attempt.connectionError() {
            lastError = error
            attempt.close()
            self.attempt = nil
            return tryNext()
        }
        attempt.owner = nil
        self.attempt = nil
        finish(.success(attempt))
    }

    package func transportReadable() {}

    package func transportPeerClosed(failed: Bool) {}

    private func tryNext() {
        while completion != nil {
            guard let address = addresses.popLast() else { return finish(.failure(lastError)) }
            do throws(SystemError) {
                let transport = try SocketTransport(connectingTo: address, loop: loop)
                transport.owner = self
                attempt = transport
                return
            } catch {
                lastError = error
            }
        }
    }

    private func finish(_ result: Result<SocketTransport, SystemError>) {
        deadline?.cancel()
        deadline = nil
        attempt?.close()
        attempt = nil
        guard let completion else { return }
        self.completion = nil
        completion(result)
    }
}
