// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// Receives the events of a connection. Like ``StreamHandler``, called from within ``Session/receive(_:now:)``.
package protocol ServerSessionHandler: AnyObject {
    /// A request begins to arrive; returns its handler, and memory for its head's text.
    func streamOpened(_ stream: Stream) -> (any StreamHandler, storage: [UInt8])
    /// A key for a WebSocket handshake (RFC 6455 §4.1), base64.
    func tunnelKey() -> [UInt8]
    /// The peer answered ``ServerSession/beginDrain()``.
    func drainAcknowledged()
}

package struct SessionConfiguration: Sendable {
    /// Concurrent requests.
    package var maximumStreams: Int
    package var head: HeadLimits
    /// Content bytes that the streams of a connection may buffer together before flow control stops them.
    package var heldBytes = 2 << 20

    package init(maximumStreams: Int = 128, head: HeadLimits = HeadLimits()) {
        self.maximumStreams = maximumStreams
        self.head = head
    }
}

/// The server side of a connection: requests in, responses out.
package final class ServerSession: Session {
    /// It calls ``detachHandler()`` in its deinitializer. (A weak reference would make each retain of it slower.)
    package private(set) unowned var handler: (any ServerSessionHandler)?
    /// Requests beyond the limit.
    private var refusedCount = 0
    /// The notice of the coming end has been sent.
    private var isDraining = false

    /// - Parameter now: monotonic nanoseconds.
    package init(
        _ configuration: SessionConfiguration, memory: SessionMemory, handler: any ServerSessionHandler, now: UInt64
    ) {
        self.handler = handler
        super.init(
            .server, maximumStreams: configuration.maximumStreams, maximumHeld: configuration.heldBytes,
            head: configuration.head, window: 1 << 20, memory: memory, now: now)
        guard termination == nil else { return }
        takeMemory()
        frameGuard.appendSettings(to: &output)
    }

    /// The handler is about to be destroyed.
    package func detachHandler() {
        handler = nil
    }

    func open(_ id: Int32) -> Stream {
        let stream = Stream(receiving: id)
        keep(stream)
        unsafe nghttp2_session_set_stream_user_data(session, id, Unmanaged.passUnretained(stream).toOpaque())
        return stream
    }

    /// What another request beyond the limit costs. A client that cannot know the limit yet is not at fault, unless it
    /// goes far beyond.
    func costOfRefusal() -> Int {
        refusedCount += 1
        if frameGuard.awaitsAcknowledgement, refusedCount <= 2 * maximumStreams { return 1 }
        let window = unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
        return window < UInt32(AbuseBudget.smallWindow) ? AbuseBudget.refusedStarvingStream : AbuseBudget.refusedStream
    }

    // MARK: Responses

    /// Sends a 1xx head.
    package func sendInformational(_ fields: borrowing FieldList, on stream: Stream) {
        guard stream.acceptsHead else { return }
        _ = unsafe fields.withVectors { vectors, count in
            unsafe nghttp2_submit_headers(session, Self.noFlags, stream.id, nil, vectors, count, nil)
        }
    }

    /// Sends the response's head; content follows unless `isEnd`.
    package func sendHead(_ fields: borrowing FieldList, on stream: Stream, isEnd: Bool) {
        guard stream.acceptsHead else { return }
        stream.outboundBegan(isEnd: isEnd)
        let result = unsafe fields.withVectors { vectors, count in
            guard !isEnd else { return unsafe nghttp2_submit_response(session, stream.id, vectors, count, nil) }
            var provider = unsafe Self.provider(for: stream)
            return unsafe nghttp2_submit_response(session, stream.id, vectors, count, &provider)
        }
        if result != 0 { reset(stream, .internalError) }
    }

    /// Stops a request whose response has been sent (RFC 9113 §8.1); true if that is done, or not needed.
    ///
    /// Should be delayed: a client that is still sending may see the reset before the response (curl 7).
    package func stopRequest(_ stream: Stream) -> Bool {
        if !stream.isOpen || stream.isInboundEnded { return true }
        guard stream.isOutboundSent else { return false }
        reset(stream, .noError)
        return true
    }

    // MARK: Graceful shutdown

    /// Announces the end of the connection and requests an acknowledgement: requests already on their way are still
    /// served (RFC 9113 §6.8).
    package func beginDrain() {
        guard termination == nil else { return }
        isDraining = true
        unsafe nghttp2_submit_shutdown_notice(session)
    }

    /// A GOAWAY without an error was sent. The answer to this PING proves that the peer has read the notice; if both
    /// were submitted together, the library would send the PING first.
    func noticeSent() {
        guard isDraining else { return }
        isDraining = false
        unsafe nghttp2_submit_ping(session, Self.noFlags, nil)
    }

    /// The client has sent GOAWAY.
    package var clientIsLeaving: Bool { frameGuard.peerIsLeaving }

    /// Announces which requests will be answered, and accepts no others.
    package func finishDrain() {
        guard termination == nil, !sentFinalGoAway else { return }
        sentFinalGoAway = true
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        unsafe nghttp2_submit_goaway(session, Self.noFlags, last, ErrorCode.noError.rawValue, nil, 0)
    }
}
