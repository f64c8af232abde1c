// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// Hears of a connection to the app. As ``StreamHandler``, called from within the session's calls.
package protocol ClientSessionHandler: AnyObject {
    /// The app has said how it wants to be spoken to: requests may go.
    func settingsReceived()
    /// The app takes no new requests on this connection (RFC 9113 §6.8).
    func goAwayReceived()
}

/// The client's side of a connection: requests out, responses in. The app is believed no more than a browser is.
package final class ClientSession: Session {
    package private(set) weak var handler: (any ClientSessionHandler)?
    private var hasSettings = false
    private var isGoingAway = false

    /// - Parameters:
    ///   - maximumStreams: requests at a time, however many the app would take.
    ///   - now: monotonic nanoseconds.
    package init(
        maximumStreams: Int, head: HeadLimits, memory: SessionMemory, handler: any ClientSessionHandler, now: UInt64
    ) {
        self.handler = handler
        // What each stream may hold is bounded by its own window, and there are so many of them only.
        super.init(
            .client, maximumStreams: maximumStreams, maximumHeld: .max, head: head, window: 4 << 20, memory: memory,
            now: now)
        guard termination == nil else { return }
        submitSettings(headBytes: head.bytes)
        // The memory to write frames into is shared, so the preface must not wait in it.
        sendControl()
    }

    private func submitSettings(headBytes: Int) {
        var settings = [
            // SETTINGS_ENABLE_PUSH: nobody waits for what was not asked for.
            nghttp2_settings_entry(settings_id: 0x2, value: 0),
            // SETTINGS_MAX_HEADER_LIST_SIZE
            nghttp2_settings_entry(settings_id: 0x6, value: UInt32(clamping: headBytes)),
        ]
        _ = unsafe nghttp2_submit_settings(session, Self.noFlags, &settings, settings.count)
    }

    /// How many more requests may go now.
    package var room: Int {
        guard hasSettings, !isGoingAway, termination == nil else { return 0 }
        let allowed = unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        return max(0, min(Int(allowed), maximumStreams) - streams.count)
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

    /// Sends a request's head; content follows unless `isEnd`.
    ///
    /// - Parameter isHead: the response has no content (HEAD).
    /// - Returns: nil when the connection can carry no more.
    package func request(
        _ fields: borrowing FieldList, isHead: Bool, isEnd: Bool, handler: any StreamHandler
    ) -> Stream? {
        guard room > 0 else { return nil }
        let nextID = unsafe nghttp2_session_get_next_stream_id(session)
        guard nextID <= UInt32(Int32.max) else { return nil }
        let stream = Stream(id: Int32(truncatingIfNeeded: nextID))
        stream.isHead = isHead
        stream.hasOutboundHead = true
        stream.isOutboundEnded = isEnd
        let pointer = unsafe Unmanaged.passUnretained(stream).toOpaque()
        let result = unsafe fields.withVectors { vectors, count in
            guard !isEnd else { return unsafe nghttp2_submit_request(session, nil, vectors, count, nil, pointer) }
            var provider = unsafe Self.provider(for: stream)
            return unsafe nghttp2_submit_request(session, nil, vectors, count, &provider, pointer)
        }
        guard result == stream.id else { return nil }
        stream.handler = handler
        keep(stream)
        guardian.opened(stream.id)
        guardian.allowance.earn(Allowance.asked)
        // The library knows the stream once its head has left.
        sendControl()
        return stream
    }
}
