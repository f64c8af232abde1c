// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// Receives the events of a connection to the app. Like ``StreamHandler``, called from within the session's calls.
package protocol ClientSessionHandler: AnyObject {
    /// The app's settings have arrived: requests may be sent.
    func settingsReceived()
    /// The app accepts no new requests on this connection (RFC 9113 §6.8).
    func goAwayReceived()
}

/// The client side of a connection: requests out, responses in. The app is trusted no more than a browser.
package final class ClientSession: Session {
    /// It calls ``detachHandler()`` in its deinitializer. (A weak reference would make each retain of it slower.)
    package private(set) unowned var handler: (any ClientSessionHandler)?
    private var hasSettings = false
    private var isGoingAway = false

    /// - Parameters:
    ///   - maximumStreams: concurrent requests, even if the app would accept more.
    ///   - isTolerant: see ``HeadBuilder/isTolerant``.
    ///   - now: monotonic nanoseconds.
    package init(
        maximumStreams: Int, head: HeadLimits, isTolerant: Bool = false, memory: SessionMemory,
        handler: any ClientSessionHandler, now: UInt64
    ) {
        self.handler = handler
        // The content of each stream is limited by its own window, and the number of streams is limited.
        super.init(
            .client, maximumStreams: maximumStreams, maximumHeld: .max, head: head, window: 4 << 20, memory: memory,
            now: now)
        builder.isTolerant = isTolerant
        guard termination == nil else { return }
        submitSettings(headBytes: head.bytes)
        // The memory for frames is shared, so the preface must not remain in it.
        sendControl()
    }

    /// The handler is about to be destroyed.
    package func detachHandler() {
        handler = nil
    }

    private func submitSettings(headBytes: Int) {
        var settings = [
            // SETTINGS_ENABLE_PUSH: pushed responses have no use here.
            nghttp2_settings_entry(settings_id: 0x2, value: 0),
            // SETTINGS_MAX_HEADER_LIST_SIZE
            nghttp2_settings_entry(settings_id: 0x6, value: UInt32(clamping: headBytes)),
        ]
        _ = unsafe nghttp2_submit_settings(session, Self.noFlags, &settings, settings.count)
    }

    /// The number of further requests that may be sent now.
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
    /// - Returns: nil if the connection cannot carry another request.
    package func request(
        _ fields: borrowing FieldList, isHead: Bool, isEnd: Bool, handler: any StreamHandler
    ) -> Stream? {
        guard room > 0 else { return nil }
        let nextID = unsafe nghttp2_session_get_next_stream_id(session)
        guard nextID <= UInt32(Int32.max) else { return nil }
        let stream = Stream(sending: Int32(truncatingIfNeeded: nextID), isHead: isHead, isEnd: isEnd)
        let pointer = unsafe Unmanaged.passUnretained(stream).toOpaque()
        let result = unsafe fields.withVectors { vectors, count in
            guard !isEnd else { return unsafe nghttp2_submit_request(session, nil, vectors, count, nil, pointer) }
            var provider = unsafe Self.provider(for: stream)
            return unsafe nghttp2_submit_request(session, nil, vectors, count, &provider, pointer)
        }
        guard result == stream.id else { return nil }
        stream.handler = handler
        keep(stream)
        frameGuard.opened(stream.id)
        frameGuard.budget.earn(AbuseBudget.asked)
        // The library knows the stream only after its head was sent.
        sendControl()
        return stream
    }
}
