// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// Hears of a connection to the app. As ``ClientStreamHandler``, called from within the session's calls.
package protocol ClientSessionHandler: AnyObject {
    /// The app has said how it wants to be spoken to: requests may go.
    func settingsReceived()
    /// The app takes no new requests on this connection (RFC 9113 §6.8).
    func goAwayReceived()
}

/// The client's side of an HTTP/2 connection (RFC 9113) over libnghttp2, without input or output of its own: bytes in,
/// events to the handlers, bytes out.
///
/// The app is believed no more than a browser is: ``FrameGuard`` judges each frame before the library sees it, and
/// ``HeadBuilder`` each field.
@safe
package final class ClientSession {
    package private(set) weak var handler: (any ClientSessionHandler)?
    /// Why no more input is taken; nil while all is well.
    package private(set) var termination: ErrorCode?
    /// Gathered to be sent.
    var output: [UInt8] = []

    let memory: SessionMemory
    var session: OpaquePointer?
    private var table: UnsafeMutableRawPointer?
    var guardian: FrameGuard
    var builder: HeadBuilder
    var streams: [ClientStream] = []
    /// What a callback found that the whole connection must end for.
    var fatal: ErrorCode?
    private let maximumStreams: Int
    private var hasSettings = false
    private(set) var isGoingAway = false
    /// On which content comes before a head.
    private var headless: ClientStream?
    /// Streams whose content has left.
    var drained: [ClientStream] = []

    /// - Parameters:
    ///   - maximumStreams: requests at a time, however many the app would take.
    ///   - now: monotonic nanoseconds.
    package init(
        maximumStreams: Int, head: HeadLimits, memory: SessionMemory, handler: any ClientSessionHandler, now: UInt64
    ) {
        self.maximumStreams = maximumStreams
        self.memory = memory
        self.handler = handler
        guardian = FrameGuard(.client, maximumStreams: maximumStreams, headBytes: head.bytes, now: now)
        builder = HeadBuilder(limits: head)
        var session: OpaquePointer?
        let owner = unsafe Unmanaged.passUnretained(self).toOpaque()
        let (result, table) = unsafe memory.makeSession {
            unsafe nghttp2_session_client_new3(&session, memory.clientCallbacks, owner, memory.options, $0)
        }
        unsafe self.table = table
        unsafe self.session = session
        guard result == 0 else {
            termination = .internalError
            return
        }
        submitSettings(headBytes: head.bytes)
        // The memory to write frames into is shared, so the preface must not wait in it.
        sendControl()
    }

    deinit {
        unsafe nghttp2_session_del(session)
    }

    private func submitSettings(headBytes: Int) {
        var settings = [
            // SETTINGS_ENABLE_PUSH: nobody waits for what was not asked for.
            nghttp2_settings_entry(settings_id: 0x2, value: 0),
            // SETTINGS_MAX_HEADER_LIST_SIZE
            nghttp2_settings_entry(settings_id: 0x6, value: UInt32(clamping: headBytes)),
        ]
        let flags = UInt8(truncatingIfNeeded: NGHTTP2_FLAG_NONE.rawValue)
        _ = unsafe nghttp2_submit_settings(session, flags, &settings, settings.count)
        // A stream that is slow leaves room for others: what each may hold is bounded by its own window.
        unsafe nghttp2_session_set_local_window_size(session, flags, 0, Self.connectionWindow)
    }

    /// Requests in flight.
    package var streamCount: Int { streams.count }

    /// How many more requests may go now.
    package var room: Int {
        guard hasSettings, !isGoingAway, termination == nil else { return 0 }
        let allowed = unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        return max(0, min(Int(allowed), maximumStreams) - streams.count)
    }

    /// Nothing has happened for a while: gives back what can be had again.
    package func restMemory() {
        guard streams.isEmpty, let table = unsafe table else { return }
        unsafe memory.discardEmpty(table)
    }

    // MARK: Input

    /// Takes what the app sent, however it is cut. Does nothing once terminated.
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
        if let headless {
            self.headless = nil
            refuse(headless)
        }
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe nghttp2_session_mem_recv(session, $0.baseAddress, $0.count)
        }
        if let fatal { return terminate(fatal) }
        guard result == bytes.count else {
            let isFlood = result == Int(NGHTTP2_ERR_FLOODED.rawValue)
            return terminate(isFlood ? .enhanceYourCalm : .internalError)
        }
        sendControl()
        if let fatal { terminate(fatal) }
    }

    /// Ends the connection: GOAWAY, and no more input.
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

    func noteSettings() {
        guard !hasSettings else { return }
        hasSettings = true
        handler?.settingsReceived()
    }

    func noteGoAway() {
        isGoingAway = true
        handler?.goAwayReceived()
    }

    // MARK: Flow control

    /// Content has gone on: as much again may come.
    package func consume(_ count: Int, on stream: ClientStream) {
        let count = min(count, stream.unconsumed)
        guard count > 0 else { return }
        stream.unconsumed -= count
        // After the response's end no more can come, and an update would be a frame for nothing.
        guard !stream.isClosed, !stream.isResponseEnded else { return }
        unsafe nghttp2_session_consume_stream(session, stream.id, count)
    }

    func received(_ count: Int, on stream: ClientStream?) {
        stream?.unconsumed += count
        unsafe nghttp2_session_consume_connection(session, count)
    }

    // MARK: Streams

    func stream(_ id: Int32) -> ClientStream? {
        guard id > 0, let pointer = unsafe nghttp2_session_get_stream_user_data(session, id) else { return nil }
        return unsafe Unmanaged<ClientStream>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Keeps `stream` among those in flight.
    func keep(_ stream: ClientStream) {
        stream.index = streams.count
        streams.append(stream)
        guardian.opened(stream.id)
        guardian.allowance.earn(Allowance.asked)
    }

    func close(_ stream: ClientStream, _ code: UInt32) {
        guard !stream.isClosed else { return }
        stream.isClosed = true
        unsafe nghttp2_session_set_stream_user_data(session, stream.id, nil)
        if let last = streams.popLast(), last !== stream {
            streams[stream.index] = last
            last.index = stream.index
        }
        guardian.closed.noteClosed(stream.id)
        stream.content.clear()
        stream.unconsumed = 0
        let handler = stream.handler
        stream.handler = nil
        if stream.isResponseEnded {
            handler?.streamClosed(.whole)
        } else if code == ErrorCode.refusedStream.rawValue, !stream.hasHead {
            handler?.streamClosed(.refused)
        } else if let code = stream.resetCode {
            handler?.streamClosed(.reset(code))
        } else {
            handler?.streamClosed(.failed(ErrorCode(rawValue: code) ?? .internalError))
        }
    }

    /// The connection is gone or will be: tells all streams.
    package func closeStreams() {
        while let stream = streams.last { close(stream, ErrorCode.cancel.rawValue) }
    }

    private static let connectionWindow: Int32 = 4 << 20
}

extension ClientSession: GuardedStreams {
    func isOpen(_ streamID: Int32) -> Bool { stream(streamID) != nil }
    /// RFC 9113 §8.1: content has a head before it. The library would pass over it in silence.
    func contentComes(on streamID: Int32) {
        // The guard is at work: what follows is done once it has judged.
        if let stream = stream(streamID), !stream.hasFinalHead { headless = stream }
    }
    /// The app opens none.
    var ignoresNewStreams: Bool { false }
}
