// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// Hears of a connection. As ``ServerStreamHandler``, called from within ``ServerSession/receive(_:now:)``.
package protocol ServerSessionHandler: AnyObject {
    /// A request begins to arrive; returns who hears of it, and memory for its head's text.
    func streamOpened(_ stream: ServerStream) -> (any ServerStreamHandler, storage: [UInt8])
    /// A key for a WebSocket handshake (RFC 6455 §4.1), base64.
    func tunnelKey() -> [UInt8]
    /// The peer answered ``ServerSession/beginDrain()``.
    func drainAcknowledged()
}

package struct SessionConfiguration: Sendable {
    /// Requests at a time.
    package var maximumStreams: Int
    package var head: HeadLimits
    /// Content bytes that the streams of a connection may hold together before none gets more.
    package var heldBytes = 2 << 20

    package init(maximumStreams: Int = 128, head: HeadLimits = HeadLimits()) {
        self.maximumStreams = maximumStreams
        self.head = head
    }
}

/// The server's side of an HTTP/2 connection (RFC 9113) over libnghttp2, without input or output of its own: bytes in,
/// events to the handlers, bytes out.
///
/// Each frame is judged before the library sees it (``FrameGuard``), and what the library wants to say is taken from it
/// after each frame. So a session that was terminated is known to be at once, and is fed nothing more (CVE-2026-27135).
@safe
package final class ServerSession {
    package private(set) weak var handler: (any ServerSessionHandler)?
    /// Why no more input is taken; nil while all is well.
    package private(set) var termination: ErrorCode?
    /// Gathered to be sent.
    var output: [UInt8] = []

    let configuration: SessionConfiguration
    let memory: SessionMemory
    var session: OpaquePointer?
    /// Of the library's memory, what counts only while there are streams.
    private var table: UnsafeMutableRawPointer?
    var guardian: FrameGuard
    var builder: HeadBuilder
    var streams: [ServerStream] = []
    /// Whose head is being read.
    var openingStream: ServerStream?
    /// What a callback found that the whole connection must end for.
    var fatal: ErrorCode?
    private var heldBytes = 0
    /// Received on the connection but, since too much is held, not acknowledged yet.
    private var owedBytes = 0
    package internal(set) var sentFinalGoAway = false
    /// The notice of an end to come is on its way.
    var isDraining = false
    /// Streams whose content has left.
    var drained: [ServerStream] = []

    /// - Parameter now: monotonic nanoseconds.
    package init(
        _ configuration: SessionConfiguration, memory: SessionMemory, handler: any ServerSessionHandler, now: UInt64
    ) {
        self.configuration = configuration
        self.memory = memory
        self.handler = handler
        guardian = FrameGuard(
            .server, maximumStreams: configuration.maximumStreams, headBytes: configuration.head.bytes, now: now)
        builder = HeadBuilder(limits: configuration.head)
        var session: OpaquePointer?
        let owner = unsafe Unmanaged.passUnretained(self).toOpaque()
        let (result, table) = unsafe memory.makeSession {
            unsafe nghttp2_session_server_new3(&session, memory.callbacks, owner, memory.options, $0)
        }
        unsafe self.table = table
        unsafe self.session = session
        guard result == 0 else {
            termination = .internalError
            return
        }
        output = memory.takeOutput()
        guardian.appendSettings(to: &output)
        // A stream that is slow leaves room for others.
        unsafe nghttp2_session_set_local_window_size(
            session, UInt8(truncatingIfNeeded: NGHTTP2_FLAG_NONE.rawValue), 0, Self.connectionWindow)
    }

    deinit {
        unsafe nghttp2_session_del(session)
    }

    /// Nothing has happened for a while: gives back what can be had again.
    package func restMemory() {
        guard streams.isEmpty, let table = unsafe table else { return }
        unsafe memory.discardEmpty(table)
    }

    /// Requests in flight.
    package var streamCount: Int { streams.count }

    /// Calls `body` with each stream in flight.
    package func forEachStream(_ body: (ServerStream) -> Void) {
        // A body may close streams.
        for stream in streams { body(stream) }
    }

    /// A header section has begun and not ended.
    package var isWithinHead: Bool { guardian.isWithinHead }
    /// Neither preface nor first SETTINGS came yet.
    package var isBeforeSettings: Bool { guardian.isBeforeSettings }

    // MARK: Input

    /// Takes what the peer sent, however it is cut. Does nothing once terminated.
    package func receive(_ input: Span<UInt8>, now: UInt64) {
        guardian.allowance.refill(now: now)
        var position = 0
        while position < input.count, termination == nil {
            switch guardian.next(input.extracting(position...), streams: self) {
            case .consumed(let count): position += count
            case .feed(let count):
                feed(input.extracting(position..<position + count))
                position += count
            case .feedHeader(let consumed):
                // The header came in pieces.
                let header = guardian.heldHeader
                feed(header.span)
                position += consumed
            case .terminate(let code): terminate(code)
            }
        }
    }

    private func feed(_ bytes: Span<UInt8>) {
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe nghttp2_session_mem_recv(session, $0.baseAddress, $0.count)
        }
        if let fatal { return terminate(fatal) }
        guard result == bytes.count else {
            let isFlood = result == Int(NGHTTP2_ERR_FLOODED.rawValue)
            return terminate(isFlood ? .enhanceYourCalm : .internalError)
        }
        // Responses, but also what the library found to say by itself: acknowledgements, resets, its farewell.
        sendControl()
        if let fatal { terminate(fatal) }
    }

    /// Ends the connection for an error: GOAWAY, and no more input.
    package func terminate(_ code: ErrorCode) {
        guard termination == nil else { return }
        termination = code
        unsafe nghttp2_session_terminate_session(session, code.rawValue)
        sendControl()
    }

    /// The library itself ended the session.
    func terminatedByLibrary(_ code: ErrorCode) {
        if termination == nil { termination = code }
    }

    // MARK: Flow control

    func received(_ count: Int, on stream: ServerStream) {
        stream.unconsumed += count
        heldBytes += count
        if heldBytes <= configuration.heldBytes {
            unsafe nghttp2_session_consume_connection(session, count)
        } else {
            owedBytes += count
        }
    }

    /// Content has gone on: as much again may come.
    package func consume(_ count: Int, on stream: ServerStream) {
        let count = min(count, stream.unconsumed)
        guard count > 0 else { return }
        stream.unconsumed -= count
        heldBytes -= count
        // After the request's end no more can come, and an update would be a frame for nothing; after the response's, no
        // more is wanted.
        if !stream.isClosed, !stream.isRequestEnded, !stream.isResponseEnded {
            unsafe nghttp2_session_consume_stream(session, stream.id, count)
        }
        payOwed()
    }

    func forget(_ stream: ServerStream) {
        heldBytes -= stream.unconsumed
        stream.unconsumed = 0
        payOwed()
    }

    private func payOwed() {
        guard owedBytes > 0, heldBytes <= configuration.heldBytes else { return }
        unsafe nghttp2_session_consume_connection(session, owedBytes)
        owedBytes = 0
    }

    // MARK: Streams

    func stream(_ id: Int32) -> ServerStream? {
        guard id > 0, let pointer = unsafe nghttp2_session_get_stream_user_data(session, id) else { return nil }
        return unsafe Unmanaged<ServerStream>.fromOpaque(pointer).takeUnretainedValue()
    }

    func open(_ id: Int32) -> ServerStream {
        let stream = ServerStream(id: id)
        stream.index = streams.count
        streams.append(stream)
        unsafe nghttp2_session_set_stream_user_data(session, id, Unmanaged.passUnretained(stream).toOpaque())
        return stream
    }

    func close(_ stream: ServerStream, _ code: UInt32) {
        guard !stream.isClosed else { return }
        stream.isClosed = true
        unsafe nghttp2_session_set_stream_user_data(session, stream.id, nil)
        if let last = streams.popLast(), last !== stream {
            streams[stream.index] = last
            last.index = stream.index
        }
        guardian.closed.noteClosed(stream.id)
        forget(stream)
        stream.content.clear()
        let isWhole = stream.isRequestEnded && stream.isResponseEnded && code == 0
        if isWhole { guardian.allowance.earn(Allowance.answered) }
        let handler = stream.handler
        stream.handler = nil
        handler?.streamClosed(isWhole ? nil : ErrorCode(rawValue: code) ?? .internalError)
    }

    /// The connection is gone or will be: tells all streams.
    package func closeStreams() {
        while let stream = streams.last { close(stream, ErrorCode.cancel.rawValue) }
    }

    private static let connectionWindow: Int32 = 1 << 20
}

extension ServerSession: GuardedStreams {
    func isOpen(_ streamID: Int32) -> Bool { stream(streamID) != nil }
    func contentComes(on streamID: Int32) {}
    var ignoresNewStreams: Bool { sentFinalGoAway }
}
