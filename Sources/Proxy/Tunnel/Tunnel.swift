// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// Two connections that belong together after a 101: what one sends the other gets, each with back pressure and its
/// own end (RFC 9110 §7.8). WebSocket passes here.
final class Tunnel {
    private let worker: Worker
    private var sides: [Side] = []
    private var deadline: LoopTimer?
    /// Whose it is; nil where nobody had to sign in.
    private let identity: Identity?

    init(_ one: Transport, _ other: Transport, worker: Worker, identity: Identity?) {
        self.worker = worker
        self.identity = identity
        sides = [Side(one, tunnel: self), Side(other, tunnel: self)]
        sides[0].other = sides[1]
        sides[1].other = sides[0]
    }

    /// - Parameter deadline: when the session that opened the tunnel is over.
    func start(fromBrowser early: Span<UInt8>, fromApp answer: Span<UInt8>, until deadline: MonotonicTime?) {
        guard sides.count == 2 else { return }
        worker.tunnelOpened(self)
        if let deadline {
            let timer = worker.loop.makeTimer { [unowned self] in close() }
            self.deadline = timer
            timer.set(deadline)
        }
        let (browser, app) = (sides[0], sides[1])
        browser.transport.owner = browser
        app.transport.owner = app
        // Before the first bytes are sent: a side that does not take them pauses the other.
        browser.transport.resumeReading()
        app.transport.resumeReading()
        app.send(early)
        browser.send(answer)
        // What came with the last read before the switch brings no new event.
        browser.transportReadable()
        app.transportReadable()
    }

    /// The session that opened it is over.
    func hasEnded(_ gate: Gate, now: Double) -> Bool {
        identity.map { gate.hasEnded($0, now: now) } ?? false
    }

    func close() {
        guard !sides.isEmpty else { return }
        deadline?.cancel()
        deadline = nil
        for side in sides { side.close() }
        sides = []
        worker.tunnelClosed(self)
    }

    fileprivate func sideEnded() {
        if sides.allSatisfy(\.isFinished) { close() }
    }

    fileprivate final class Side: TransportOwner {
        let transport: Transport
        weak var other: Side?
        /// Not to be touched once `isClosed`: the tunnel may be gone by then.
        private unowned let tunnel: Tunnel
        private let loop: EventLoop
        private var output = OutputQueue()
        /// This side sends no more.
        private var hasEnded = false
        /// The other side sends no more: when the queue is empty, neither do we.
        private var endsAfterQueue = false
        private var isClosed = false

        init(_ transport: Transport, tunnel: Tunnel) {
            self.transport = transport
            self.tunnel = tunnel
            loop = transport.loop
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

        func transportReadable() {
            let end = transport.readTurn(
                while: { !isClosed && !hasEnded }, boundFor: { other?.transport }, receive: { other?.send($0) })
            // The other side may have failed while it was given the bytes.
            guard !isClosed else { return }
            switch end {
            case .nothingNow: break
            case .turnOver: loop.nextTurn { [weak self] in self?.transportReadable() }
            case .end:
                hasEnded = true
                // Nothing is left to read, but a failure is still to be heard of.
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
            // Once we have ended our side too, the peer's mere end looks like a failure (EPOLLHUP): what it sent before
            // is still to be read, and a failure is found there.
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
