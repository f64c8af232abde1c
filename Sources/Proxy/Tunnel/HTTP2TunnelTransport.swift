// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTP2
import Reactor

/// A stream that became a tunnel (RFC 8441), as the byte stream that it now is: a ``Tunnel`` cannot tell it from a
/// connection.
final class HTTP2TunnelTransport: Transport {
    /// Holds the stream, and by it the connection.
    private let stream: HTTP2DownstreamStream
    private var isClosed = false
    private var awaitsWritable = false

    init(_ stream: HTTP2DownstreamStream) {
        self.stream = stream
        super.init(loop: stream.worker.loop)
    }

    @available(*, unavailable)
    override init(loop: EventLoop) {
        preconditionFailure("a tunnel is made of a stream")
    }

    // MARK: What happens on the stream

    /// Bytes have come, or the end.
    func readable() {
        guard !isClosed else { return }
        if !isReadingPaused {
            owner?.transportReadable()
        } else if stream.isLost {
            owner?.transportPeerClosed(failed: !stream.stream.isInboundEnded)
        }
    }

    /// All but little of what was written has left.
    func writable() {
        guard !isClosed, awaitsWritable else { return }
        awaitsWritable = false
        owner?.transportWritable()
    }

    // MARK: As a transport

    override func read(into buffer: ReceiveBuffer, boundFor sink: Transport? = nil) -> ReadOutcome {
        guard !isClosed else { return .failed(EBADF) }
        if !stream.inbound.isEmpty {
            let count = min(stream.inbound.count, buffer.capacity)
            _ = unsafe stream.inbound.withUnsafeBytes { bytes in
                unsafe buffer.fill(from: 0, to: count) { place, room in
                    guard let start = bytes.baseAddress else { return 0 }
                    unsafe place.copyMemory(from: start, byteCount: min(room, bytes.count))
                    return min(room, bytes.count)
                }
            }
            stream.inbound.removeFirst(count)
            stream.session.consume(count, on: stream.stream)
            stream.connection.scheduleFlush()
            return .bytes(count, more: !stream.inbound.isEmpty || stream.isEnded || stream.isLost)
        }
        if stream.isEnded { return .end }
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
        stream.connection.contentGiven(to: stream.stream)
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
        // It may have left while it was written.
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
        stream.inbound = []
        let state = stream.stream
        if !(state.isInboundEnded && state.isOutboundEnded) {
            // RFC 8441 §5: what a reset is to a TCP connection.
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
        guard !stream.inbound.isEmpty || stream.isEnded || stream.isLost else { return }
        loop.afterEvent { [self] in
            if !isReadingPaused, !isClosed { owner?.transportReadable() }
        }
    }

    /// Bytes that may wait to be sent.
    private static let capacity = 65_536
}
