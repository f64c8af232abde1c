// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// libnghttp2's callbacks for requests.
extension ServerSession {
    static func setCallbacks(_ callbacks: OpaquePointer) {
        unsafe setCommonCallbacks(callbacks)
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, owner in
            guard let frame = unsafe frame?.pointee, let session = unsafe ServerSession.of(owner) else { return 0 }
            unsafe session.sectionBegan(frame.hd, isRequest: frame.headers.cat == NGHTTP2_HCAT_REQUEST)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, _, name, nameCount, value, valueCount, _, owner in
            guard let session = unsafe ServerSession.of(owner) else { return 0 }
            let name = unsafe UnsafeBufferPointer(start: name, count: nameCount)
            let value = unsafe UnsafeBufferPointer(start: value, count: valueCount)
            unsafe session.fieldReceived(name.span, value.span)
            return session.verdict
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, owner in
            guard let frame = unsafe frame?.pointee, let session = unsafe ServerSession.of(owner) else { return 0 }
            unsafe session.frameReceived(frame)
            return session.verdict
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, owner in
            guard let frame = unsafe frame?.pointee, let session = unsafe ServerSession.of(owner) else { return 0 }
            unsafe session.frameSent(frame)
            return 0
        }
    }

    // MARK: Received

    private func sectionBegan(_ header: nghttp2_frame_hd, isRequest: Bool) {
        guard isRequest else {
            // Trailers (RFC 9113 §8.1).
            guard let stream = stream(header.stream_id), !stream.isReset else { return builder.begin(.ignored) }
            builder.begin(.trailers)
            if header.flags & 0x1 == 0 { refuse(stream, .trailersWithoutEnd) }
            return
        }
        let id = header.stream_id
        guard streams.count < maximumStreams else {
            // RFC 9113 §5.1.2.
            builder.begin(.ignored)
            charge(costOfRefusal())
            frameGuard.closed.noteReset(id)
            submitReset(id, .refusedStream)
            return
        }
        let stream = open(id)
        guard let (streamHandler, storage) = handler?.streamOpened(stream) else { return builder.begin(.ignored) }
        stream.handler = streamHandler
        builder.begin(.request, storage: storage)
    }

    private func fieldReceived(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        if !builder.add(name, value, tunnelKey: { handler?.tunnelKey() ?? [] }) { fatal = .enhanceYourCalm }
    }

    private func frameReceived(_ frame: nghttp2_frame) {
        let header = unsafe frame.hd
        switch FrameKind(rawValue: header.type) {
        case .headers: sectionEnded(header)
        case .ping:
            if header.flags & 0x1 != 0 { handler?.drainAcknowledged() }
        case .data, .resetStream, .settings, .goAway, .windowUpdate, .priority, .continuation, .pushPromise, .none:
            unsafe received(frame)
        }
    }

    private func sectionEnded(_ header: nghttp2_frame_hd) {
        let endsStream = header.flags & 0x1 != 0
        let kind = builder.kind
        guard kind != .ignored, kind != .none, let stream = stream(header.stream_id) else { return }
        chargeForCompression()
        let outcome = builder.finish(endsStream: endsStream) { handler?.tunnelKey() ?? [] }
        guard !stream.isReset else { return }
        switch outcome {
        case .malformed(let fault):
            refuse(stream, fault)
        case .tooLarge where kind == .trailers:
            charge(AbuseBudget.oversizedHead)
            reset(stream, .enhanceYourCalm)
        case .tooLarge:
            charge(AbuseBudget.oversizedHead)
            stream.headReceived(isEnd: endsStream)
            builder.text = []
            stream.handler?.headReceived(&builder.text, .oversizedRequest, isEnd: endsStream)
        case .request(let line):
            stream.headReceived(isEnd: endsStream)
            stream.declaredLength = line.contentLength
            stream.handler?.headReceived(&builder.text, line.isTunnel ? .tunnel : .request, isEnd: endsStream)
        // It reads no responses.
        case .response:
            break
        case .trailers:
            trailersEnded(stream)
        }
        builder.text = []
    }

    // MARK: Sent

    private func frameSent(_ frame: nghttp2_frame) {
        let header = unsafe frame.hd
        switch FrameKind(rawValue: header.type) {
        case .headers, .data:
            guard header.flags & 0x1 != 0, let stream = stream(header.stream_id) else { return }
            stream.endSent()
        case .goAway:
            let code = unsafe frame.goaway.error_code
            if code == 0 { noticeSent() } else { terminatedByLibrary(code) }
        case .resetStream:
            // RFC 9113 §6.9.2: an error of the connection if SETTINGS caused the window to overflow.
            let code = unsafe frame.rst_stream.error_code
            if resetSent(header.stream_id), code == ErrorCode.flowControlError.rawValue,
                frameGuard.latestKind == .settings
            {
                fatal = .flowControlError
            }
        case .settings, .ping, .windowUpdate, .priority, .continuation, .pushPromise, .none: break
        }
    }
}
