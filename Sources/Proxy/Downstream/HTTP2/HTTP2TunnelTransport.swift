// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTP2
import Reactor

/// A stream that became a tunnel (RFC 8441), as a byte stream: for a ``Tunnel`` it does not differ from a connection.
final class HTTP2TunnelTransport: Transport {
    /// Keeps the stream alive, and with it the connection.
    private let stream: HTTP2DownstreamStream
    private var isClosed = false
    private var awaitsWritable = false

    init(_ stream: HTTP2DownstreamStream) {
        self.stream = stream
        super.init(loop: stream.connection.loop)
    }

    @available(*, unavailable)
    override init(loop: EventLoop) {
        preconditionFailure("a tunnel is made of a stream")
    }

    // MARK: Events of the stream

    /// Bytes have arrived, or the end.
    func readable() {
        guard !isClosed else { return }
        if !isReadingPaused {
            owner?.transportReadable()
        } else if stream.isLost {
            owner?.transportPeerClosed(failed: !stream.stream.isInboundEnded)
        }
    }

    /// Most of what was written has been sent.
    func writable() {
        guard !isClosed, awaitsWritable else { return }
        awaitsWritable = false
        owner?.transportWritable()
    }

    // MARK: As a transport

    override func read(into buffer: ReceiveBuffer, boundFor sink: Transport? = nil) -> ReadOutcome {
        guard !isClosed else { return .failed(EBADF) }
        let taken = stream.read { bytes in
            let count = min(bytes.count, buffer.capacity)
            _ = unsafe bytes.withUnsafeBytes { bytes in
                unsafe buffer.fill(from: 0, to: count) { place, room in
                    guard let start = bytes.baseAddress else { return 0 }
                    unsafe place.copyMemory(from: start, byteCount: min(room, bytes.count))
                    return min(room, bytes.count)
                }
            }
            return count
        }
        if let taken { return .bytes(taken, more: stream.isReadable) }
        if stream.isAtEnd { return .end }
        return stream.isLost ? .failed(ECONNRESET) : .wouldBlock
    }

    override var writeRoom: Int { max(0, Self.capacity - stream.stream.pendingContent) }

    override func write(_ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>) -> WriteOutcome {
        guard !isClosed, !stream.isLost else { return .failed(EPIPE) }
        var room = writeRoom
        let wanted = first.count + second.count + third.count
        let written = min(room, wanted)
        give(first, &room)
        give(second, &room)
        give(third, &room)
        stream.connection.contentSubmitted(on: stream.stream)
        return .wrote(written)
    }

    private func give(_ bytes: Span<UInt8>, _ room: inout Int) {
        let piece = bytes.extracting(first: room)
        guard !piece.isEmpty else { return }
        stream.session.send(piece, on: stream.stream)
        room -= piece.count
    }

    override func awaitWritable() {
        awaitsWritable = true
        stream.stream.awaitsRoom = true
        // It may have been sent while it was written.
        if stream.stream.pendingContent < Self.capacity / 2 {
            loop.afterEvent { [self] in writable() }
        }
    }

    override func shutDownWriting() {
        guard !isClosed else { return }
        stream.session.end(stream.stream)
        stream.connection.scheduleFlush()
    }

    override func close(abruptly: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        owner = nil
        stream.discardContent()
        let state = stream.stream
        if !(state.isInboundEnded && state.isOutboundEnded) {
            // RFC 8441 §5: the equivalent of a TCP reset.
            stream.session.reset(state, .cancel)
        }
        stream.connection.scheduleFlush()
    }

    override func pauseReading() {
        super.pauseReading()
    }

    override func resumeReading() {
        guard isReadingPaused else { return }
        super.resumeReading()
        guard stream.isReadable else { return }
        loop.afterEvent { [self] in
            if !isReadingPaused, !isClosed { owner?.transportReadable() }
        }
    }

    /// Bytes that may wait to be sent.
    private static let capacity = 65_536
}
