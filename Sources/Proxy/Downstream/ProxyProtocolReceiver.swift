// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// A connection from a trusted proxy whose PROXY protocol header has not arrived. Nothing else is read from it: a TLS
/// handshake may follow the header.
final class ProxyProtocolReceiver: TransportOwner {
    private let transport: SocketTransport
    private var parser = ProxyProtocolParser()
    private var timer: LoopTimer?
    /// Called once: with the header, or with nil when there is none and the transport is closed.
    private var completion: ((ProxyProtocolHeader?) -> Void)?

    init(
        _ transport: SocketTransport, timeout: Nanoseconds, completion: @escaping (ProxyProtocolHeader?) -> Void
    ) {
        self.transport = transport
        self.completion = completion
        let loop = transport.loop
        let timer = loop.makeTimer { [unowned self] in close() }
        self.timer = timer
        timer.set(loop.now.advanced(by: timeout))
        transport.owner = self
    }

    func close() {
        transport.close()
        finish(nil)
    }

    func transportReadable() {
        while completion != nil {
            var header: ProxyProtocolHeader?
            let outcome = transport.receivePreface { bytes in
                do throws(ProxyProtocolParser.Malformed) {
                    let taken = try parser.take(bytes)
                    header = taken.header
                    return taken.count
                } catch {
                    return nil
                }
            }
            switch outcome {
            case .bytes:
                guard let header else { continue }
                transport.owner = nil
                return finish(header)
            case .wouldBlock: return
            case .end, .failed: return close()
            }
        }
    }

    func transportWritable() {}

    func transportPeerClosed(failed: Bool) {
        if failed { close() }
    }

    private func finish(_ header: ProxyProtocolHeader?) {
        timer?.cancel()
        timer = nil
        guard let completion else { return }
        self.completion = nil
        completion(header)
    }
}
