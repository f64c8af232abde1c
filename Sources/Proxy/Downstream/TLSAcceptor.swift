// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// One worker's connections in the TLS handshake, bounded in time and in number.
final class TLSAcceptor {
    private let context: TLSServerContext
    private let loop: EventLoop
    private let timeout: Nanoseconds
    private let pace: HandshakePace
    /// Called after each handshake that failed.
    private let failed: () -> Void
    /// By the order of arrival.
    private var handshakes: [UInt64: TLSTransport] = [:]
    private var next: UInt64 = 0
    /// None that arrived before this one is left.
    private var oldest: UInt64 = 0

    init(_ context: TLSServerContext, loop: EventLoop, timeout: Nanoseconds, failed: @escaping () -> Void) {
        self.context = context
        self.loop = loop
        self.timeout = timeout
        self.failed = failed
        pace = HandshakePace(loop: loop)
    }

    /// Handshakes in progress.
    var count: Int { handshakes.count }

    /// Takes over `socket`; `opened` gets the connection when the handshake is done.
    func accept(_ socket: SocketTransport, _ opened: @escaping (TLSTransport) -> Void) {
        if handshakes.count >= Self.maximumCount { dropOldest() }
        let number = next
        next += 1
        do throws(TLSError) {
            let transport = try TLSTransport(server: socket, context, pace: pace)
            handshakes[number] = transport
            transport.handshake(timeout: timeout) { [unowned self] failure in
                handshakes[number] = nil
                guard failure == nil else {
                    transport.close()
                    return failed()
                }
                opened(transport)
            }
        } catch {
            socket.close()
            failed()
        }
    }

    /// Ends all of them.
    func close() {
        for transport in handshakes.values { transport.close() }
        handshakes = [:]
    }

    /// The one that has had the most time is closed: many silent connections do not keep others out for long.
    func dropOldest() {
        while oldest < next {
            defer { oldest += 1 }
            guard let transport = handshakes.removeValue(forKey: oldest) else { continue }
            return transport.close()
        }
    }

    private static let maximumCount = 1024
}
