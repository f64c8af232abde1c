// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// The streams, and what is received on them after the head.
extension Session {
    func stream(_ id: Int32) -> Stream? {
        guard id > 0, let pointer = unsafe nghttp2_session_get_stream_user_data(session, id) else { return nil }
        return unsafe Unmanaged<Stream>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Adds `stream` to those in flight.
    func keep(_ stream: Stream) {
        stream.index = streams.count
        streams.append(stream)
    }

    /// Calls `body` with each stream in flight.
    package func forEachStream(_ body: (Stream) -> Void) {
        // `body` may close streams.
        for stream in streams { body(stream) }
    }

    /// The connection is closed or will be: notifies all streams.
    package func closeStreams() {
        while let stream = streams.last { close(stream, ErrorCode.cancel.rawValue) }
    }

    func close(_ stream: Stream, _ code: UInt32) {
        guard !stream.isClosed else { return }
        stream.close()
        unsafe nghttp2_session_set_stream_user_data(session, stream.id, nil)
        if let last = streams.popLast(), last !== stream {
            streams[stream.index] = last
            last.index = stream.index
        }
        frameGuard.closed.noteClosed(stream.id)
        forget(stream)
        stream.content.clear()
        let end = end(of: stream, code)
        if role == .server, end == .whole { frameGuard.budget.earn(AbuseBudget.answered) }
        let handler = stream.handler
        stream.handler = nil
        handler?.streamClosed(end)
    }

    private func end(of stream: Stream, _ code: UInt32) -> Stream.End {
        switch role {
        case .server:
            if stream.isInboundEnded, stream.isOutboundEnded, code == 0 { return .whole }
        case .client:
            if stream.isInboundEnded { return .whole }
            if code == ErrorCode.refusedStream.rawValue, !stream.isInboundBegun { return .refused }
        }
        if let code = stream.resetCode { return .reset(code) }
        return .failed(ErrorCode(rawValue: code) ?? .internalError)
    }

    // MARK: Content

    func contentReceived(_ content: Span<UInt8>, _ streamID: Int32) {
        guard let stream = stream(streamID) else {
            unsafe nghttp2_session_consume_connection(session, content.count)
            return
        }
        received(content.count, on: stream)
        guard !stream.isReset else { return consume(content.count, on: stream) }
        stream.contentReceived += UInt64(content.count)
        contentCount &+= UInt64(content.count)
        // RFC 9113 §8.1.1. Checked before any excess byte is forwarded: over HTTP/1.1 it would be part of another
        // message.
        if let length = stream.declaredLength, stream.contentReceived > length {
            return refuse(stream, .contentLengthDiffers)
        }
        stream.handler?.contentReceived(content)
    }

    /// Handles a frame that means the same on both sides.
    func received(_ frame: nghttp2_frame) {
        let header = unsafe frame.hd
        switch FrameKind(rawValue: header.type) {
        case .data:
            // All padding and no content; a frame with neither was charged for before it was read.
            let padding = unsafe frame.data.padlen
            if padding > 0, padding == header.length { charge(AbuseBudget.emptyFrame) }
            guard header.flags & 0x1 != 0, let stream = stream(header.stream_id) else { return }
            ended(stream, trailers: [])
        case .resetStream:
            // The stream is closed next. RFC 9113 §7: an unknown code is treated as INTERNAL_ERROR.
            let code = unsafe ErrorCode(rawValue: frame.rst_stream.error_code)
            guard let stream = stream(header.stream_id) else { return }
            stream.resetCode = code ?? .internalError
            if role == .server, stream.pendingContent > 0, stream.contentSent < UInt64(AbuseBudget.smallWindow),
                streamWindow(of: stream) < AbuseBudget.smallWindow
            {
                charge(AbuseBudget.wastedResponse)
            }
        case .headers, .settings, .ping, .goAway, .windowUpdate, .priority, .continuation, .pushPromise, .none:
            break
        }
    }

    /// The peer has ended its side of the stream.
    func ended(_ stream: Stream, trailers: [UInt8]) {
        guard !stream.isReset, !stream.isInboundEnded else { return }
        guard stream.hasInboundHead else { return refuse(stream, .contentBeforeHead) }
        if let length = stream.declaredLength, stream.contentReceived != length {
            return refuse(stream, .contentLengthDiffers)
        }
        stream.inboundEnded()
        stream.handler?.ended(trailers: trailers)
    }

    func trailersEnded(_ stream: Stream) {
        var lines: [UInt8] = []
        swap(&lines, &builder.text)
        ended(stream, trailers: lines)
    }

    /// RFC 9113 §8.1.1: a stream error.
    func refuse(_ stream: Stream, _ fault: MalformedHead) {
        guard !stream.isReset else { return }
        charge(AbuseBudget.streamError)
        stream.handler?.malformed(fault)
        reset(stream, .protocolError)
    }

    /// Charges for a highly compressed head, which costs as much to process as any other.
    func chargeForCompression() {
        let size = builder.size
        guard size > 2 * AbuseBudget.amplifiedBytes, frameGuard.compressedSize < size / 10 else { return }
        charge(AbuseBudget.amplifiedHead * (size / AbuseBudget.amplifiedBytes - 1))
    }

    // MARK: Flow control

    private func received(_ count: Int, on stream: Stream) {
        stream.unconsumed += count
        heldBytes += count
        if heldBytes <= maximumHeld {
            unsafe nghttp2_session_consume_connection(session, count)
        } else {
            owedBytes += count
        }
    }

    /// Content has been forwarded: the peer may send the same amount again.
    package func consume(_ count: Int, on stream: Stream) {
        let count = min(count, stream.unconsumed)
        guard count > 0 else { return }
        stream.unconsumed -= count
        heldBytes -= count
        // After the peer's end no more can arrive, so an update would be useless.
        if !stream.isClosed, !stream.isInboundEnded {
            unsafe nghttp2_session_consume_stream(session, stream.id, count)
        }
        acknowledgeOwed()
    }

    private func forget(_ stream: Stream) {
        heldBytes -= stream.unconsumed
        stream.unconsumed = 0
        acknowledgeOwed()
    }

    private func acknowledgeOwed() {
        guard owedBytes > 0, heldBytes <= maximumHeld else { return }
        unsafe nghttp2_session_consume_connection(session, owedBytes)
        owedBytes = 0
    }
}
