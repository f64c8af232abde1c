// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Two connections that belong together after a 101: what one sends the other gets, each with back pressure and its
/// own end (RFC 9110 §7.8). WebSocket passes here.
final class Tunnel {
    private let worker: Worker
    private var sides: [Side] = []
    private var deadline: LoopTimer?

    init(_ one: Transport, _ other: Transport, worker: Worker) {
        self.worker = worker
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
        app.send(early)
        browser.send(answer)
        browser.transport.resumeReading()
        app.transport.resumeReading()
        // What came with the last read before the switch brings no new event.
        browser.transportReadable()
        app.transportReadable()
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
        if sides.allSatisfy(\.hasEnded) { close() }
    }

    fileprivate var loop: EventLoop { worker.loop }

    fileprivate final class Side: TransportOwner {
        let transport: Transport
        weak var other: Side?
        private unowned let tunnel: Tunnel
        private var output = OutputQueue()
        /// This side sends no more.
        private(set) var hasEnded = false
        /// The other side sends no more: when the queue is empty, neither do we.
        private var endsAfterQueue = false
        private var isClosed = false

        init(_ transport: Transport, tunnel: Tunnel) {
            self.transport = transport
            self.tunnel = tunnel
        }

        func send(_ bytes: Span<UInt8>) {
            guard !isClosed else { return }
            switch output.send(bytes, Span(), to: transport) {
            case .done: break
            case .blocked: other?.transport.pauseReading()
            case .failed: tunnel.close()
            }
        }

        func transportReadable() {
            var rounds = 0
            while !isClosed, !hasEnded, !transport.isReadingPaused {
                let outcome = tunnel.loop.withReceiveBuffer { buffer in
                    let outcome = transport.read(into: buffer)
                    if case .bytes(let count, _) = outcome { buffer.read(count) { other?.send($0) } }
                    return outcome
                }
                switch outcome {
                case .bytes(_, more: true):
                    rounds += 1
                    if rounds >= Worker.readsPerTurn {
                        return tunnel.loop.nextTurn { [weak self] in self?.transportReadable() }
                    }
                case .bytes(_, more: false), .wouldBlock: return
                case .end:
                    hasEnded = true
                    other?.finishWriting()
                    return tunnel.sideEnded()
                case .failed: return tunnel.close()
                }
            }
        }

        func transportWritable() {
            switch output.resume(to: transport) {
            case .done:
                output = OutputQueue()
                if endsAfterQueue { transport.shutDownWriting() }
                other?.resumeReading()
            case .blocked: break
            case .failed: tunnel.close()
            }
        }

        func transportPeerClosed(failed: Bool) {
            if failed { tunnel.close() }
        }

        func finishWriting() {
            endsAfterQueue = true
            if !output.isBlocked { transport.shutDownWriting() }
        }

        func resumeReading() {
            guard !isClosed else { return }
            transport.resumeReading()
        }

        func close() {
            isClosed = true
            transport.close()
        }
    }
}
