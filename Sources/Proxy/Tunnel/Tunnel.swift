// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// Two connections that belong together after a 101: each gets what the other sends, with back-pressure and an end for
/// each direction (RFC 9110 §7.8). WebSocket uses it.
final class Tunnel {
    private var sides: [Side] = []
    private var deadline: LoopTimer?
    /// Its user; nil if nobody had to sign in.
    private let identity: Identity?
    private let loop: EventLoop
    private let closed: (Tunnel) -> Void

    /// - Parameter closed: called once.
    init(_ client: Transport, _ app: Transport, identity: Identity?, closed: @escaping (Tunnel) -> Void) {
        self.identity = identity
        self.closed = closed
        loop = client.loop
        sides = [Side(client, tunnel: self), Side(app, tunnel: self)]
        sides[0].pair(with: sides[1])
        sides[1].pair(with: sides[0])
    }

    /// - Parameters:
    ///   - switched: the client's side.
    ///   - answer: bytes that the app sent after its head.
    ///   - deadline: when the session that opened the tunnel ends.
    func start(_ switched: SwitchedConnection, fromApp answer: Span<UInt8>, until deadline: MonotonicTime?) {
        guard sides.count == 2 else { return }
        if let deadline {
            let timer = loop.makeTimer { [unowned self] in close() }
            self.deadline = timer
            timer.set(deadline)
        }
        let (client, app) = (sides[0], sides[1])
        client.transport.owner = client
        app.transport.owner = app
        // Before the first bytes are sent: a side that does not take them pauses the other.
        client.transport.resumeReading()
        app.transport.resumeReading()
        app.send(switched.early.span)
        client.send(switched.unsent.span)
        client.send(answer)
        // Bytes that arrived with the last read before the switch cause no new event.
        client.transportReadable()
        app.transportReadable()
    }

    /// The session that opened it has ended.
    func hasEnded(_ gate: Gate, now: Double) -> Bool {
        identity.map { gate.hasEnded($0, now: now) } ?? false
    }

    /// The user who opened it; nil: no sign-in was required.
    var user: Identity? { identity }

    func close() {
        guard !sides.isEmpty else { return }
        deadline?.cancel()
        deadline = nil
        for side in sides { side.close() }
        sides = []
        closed(self)
    }

    fileprivate func sideEnded() {
        if sides.allSatisfy(\.isFinished) { close() }
    }

    fileprivate final class Side: TransportOwner {
        private(set) var transport: Transport
        private(set) weak var other: Side?
        /// Must not be used once `isClosed`: the tunnel may no longer exist.
        private unowned let tunnel: Tunnel
        private let loop: EventLoop
        private var output = OutputQueue()
        /// This side sends no more.
        private var hasEnded = false
        /// The other side sends no more: this one's sending side ends when the queue is empty.
        private var endsAfterQueue = false
        private var isClosed = false

        init(_ transport: Transport, tunnel: Tunnel) {
            self.transport = transport
            self.tunnel = tunnel
            loop = transport.loop
            transport.readSize = ReceiveBuffer.bulkRead
        }

        func pair(with other: Side) {
            self.other = other
        }

        /// This side sends no more and has taken everything.
        var isFinished: Bool { hasEnded && !output.isBlocked }

        func send(_ bytes: Span<UInt8>) {
            guard !isClosed else { return }
            switch output.send(bytes, Span(), to: transport) {
            case .done: break
            case .blocked: other?.transport.pauseReading()
            case .failed: tunnel.close()
            }
        }

        /// Sends bytes of the other side without reading them.
        func splice(from source: Transport) -> SpliceOutcome {
            guard !isClosed else { return .unavailable }
            let outcome = output.splice(from: source, to: transport, atMost: .max)
            switch outcome {
            case .moved(_, left: 0, _), .unavailable: break
            case .moved: other?.transport.pauseReading()
            case .broken: tunnel.close()
            }
            return outcome
        }

        func transportReadable() {
            let end = transport.readTurn(
                while: { !isClosed && !hasEnded }, boundFor: { other?.transport },
                splice: { other?.splice(from: transport) ?? .unavailable }, receive: { other?.send($0) })
            // The other side may have failed while it took the bytes.
            guard !isClosed else { return }
            switch end {
            case .nothingNow: break
            case .end:
                hasEnded = true
                // Nothing is left to read, but a failure is still reported.
                transport.pauseReading()
                other?.finishWriting()
                tunnel.sideEnded()
            case .failed: tunnel.close()
            }
        }

        func transportWritable() {
            switch output.resume(to: transport) {
            case .done:
                output = OutputQueue()
                if endsAfterQueue {
                    transport.shutDownWriting()
                    tunnel.sideEnded()
                }
                other?.resumeReading()
            case .blocked: break
            case .failed: tunnel.close()
            }
        }

        func transportPeerClosed(failed: Bool) {
            // When this proxy has ended its side too, the peer's end looks like a failure (EPOLLHUP): what it sent before
            // is still to be read, and a failure is found then.
            if failed, hasEnded || !endsAfterQueue { tunnel.close() }
        }

        func finishWriting() {
            endsAfterQueue = true
            if !output.isBlocked { transport.shutDownWriting() }
        }

        func resumeReading() {
            guard !isClosed, !hasEnded else { return }
            transport.resumeReading()
        }

        func close() {
            isClosed = true
            transport.close()
        }
    }
}
