// SPDX-License-Identifier: Apache-2.0

/// Closes a connection so that its last bytes arrive.
///
/// Closing a socket with unread received bytes resets the connection, and the reset discards what the peer has not read
/// yet (RFC 9112 §9.6 describes the same for HTTP). So the sending side is closed first, and received bytes are
/// discarded, for a limited time and a limited number of bytes.
final class LingeringClose: TransportOwner {
    private let transport: SocketTransport
    /// To be sent before the end.
    private var rest: [UInt8]
    private var bytesLeft = LingeringClose.maximumBytes
    private var timer: LoopTimer?
    private var isOver = false

    private init(_ transport: SocketTransport, _ rest: [UInt8]) {
        self.transport = transport
        self.rest = rest
    }

    /// Takes ownership of the socket.
    static func begin(_ transport: SocketTransport, sending rest: [UInt8]) {
        let loop = transport.loop
        guard loop.lingeringCount < maximumCount else { return transport.close() }
        loop.lingeringCount += 1
        let ending = LingeringClose(transport, rest)
        // The transport references it until it is closed.
        transport.owner = ending
        ending.timer = loop.makeTimer { [weak ending] in ending?.finish() }
        ending.timer?.set(loop.now.advanced(by: time))
        ending.send()
        transport.resumeReading()
        ending.transportReadable()
    }

    private func send() {
        guard !isOver else { return }
        if !rest.isEmpty {
            let bytes = rest
            guard case .wrote(let count) = transport.write(bytes.span) else { return finish() }
            rest.removeFirst(min(count, rest.count))
        }
        if rest.isEmpty { transport.shutDownWriting() } else { transport.awaitWritable() }
    }

    func transportWritable() { send() }

    func transportReadable() {
        let end = transport.readTurn(
            while: { !isOver && bytesLeft > 0 }, boundFor: { nil }, receive: { bytesLeft -= $0.count })
        guard !isOver else { return }
        switch end {
        case .end, .failed: finish()
        // A peer that keeps sending is stopped by its full socket until the time is over.
        case _ where bytesLeft <= 0: transport.pauseReading()
        case .nothingNow: break
        }
    }

    func transportPeerClosed(failed: Bool) {
        if failed { finish() }
    }

    private func finish() {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        transport.loop.lingeringCount -= 1
        transport.close()
    }

    private static let time = Nanoseconds.seconds(2)
    private static let maximumBytes = 1 << 20
    /// On one loop at a time; further ones are closed at once.
    private static let maximumCount = 256
}

extension SocketTransport {
    /// Ends the connection so that everything sent, and `rest` after it, arrives; the owner is not notified any more.
    package func closeLingering(sending rest: [UInt8] = []) {
        guard descriptorInUse != nil else { return }
        LingeringClose.begin(self, sending: rest)
    }
}
