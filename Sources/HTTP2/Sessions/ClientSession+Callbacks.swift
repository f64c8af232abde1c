// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// libnghttp2's callbacks for responses.
extension ClientSession {
    static func setCallbacks(_ callbacks: OpaquePointer) {
        unsafe setCommonCallbacks(callbacks)
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, owner in
            guard let frame = unsafe frame?.pointee, let session = unsafe ClientSession.of(owner) else { return 0 }
            unsafe session.sectionBegan(frame.hd)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, _, name, nameCount, value, valueCount, _, owner in
            guard let session = unsafe ClientSession.of(owner) else { return 0 }
            let name = unsafe UnsafeBufferPointer(start: name, count: nameCount)
            let value = unsafe UnsafeBufferPointer(start: value, count: valueCount)
            unsafe session.fieldReceived(name.span, value.span)
            return session.verdict
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, owner in
            guard let frame = unsafe frame?.pointee, let session = unsafe ClientSession.of(owner) else { return 0 }
            unsafe session.frameReceived(frame)
            return session.verdict
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, owner in
            guard let frame = unsafe frame?.pointee, let session = unsafe ClientSession.of(owner) else { return 0 }
            switch FrameKind(rawValue: unsafe frame.hd.type) {
            case .goAway: unsafe session.terminatedByLibrary(frame.goaway.error_code)
            case .resetStream: _ = unsafe session.resetSent(frame.hd.stream_id)
            case .headers, .data, .settings, .ping, .windowUpdate, .priority, .continuation, .pushPromise, .none: break
            }
            return 0
        }
    }

    private func sectionBegan(_ header: nghttp2_frame_hd) {
        guard let stream = stream(header.stream_id), !stream.isReset else { return builder.begin(.ignored) }
        guard stream.hasInboundHead else { return builder.begin(.response) }
        builder.begin(.trailers)
        // RFC 9113 §8.1.
        if header.flags & 0x1 == 0 { refuse(stream, .trailersWithoutEnd) }
    }

    private func fieldReceived(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        if !builder.add(name, value, tunnelKey: { [] }) { fatal = .enhanceYourCalm }
    }

    private func frameReceived(_ frame: nghttp2_frame) {
        let header = unsafe frame.hd
        switch FrameKind(rawValue: header.type) {
        case .headers: sectionEnded(header)
        case .settings:
            if header.flags & 0x1 == 0 { noteSettings() }
        case .goAway: noteGoAway()
        case .data, .resetStream, .ping, .windowUpdate, .priority, .continuation, .pushPromise, .none:
            unsafe received(frame)
        }
    }

    private func sectionEnded(_ header: nghttp2_frame_hd) {
        let isEnd = header.flags & 0x1 != 0
        let kind = builder.kind
        guard kind == .response || kind == .trailers, let stream = stream(header.stream_id) else { return }
        chargeForCompression()
        let outcome = builder.finish(endsStream: isEnd) { [] }
        defer { builder.text = [] }
        guard !stream.isReset else { return }
        stream.inboundBegan()
        switch outcome {
        case .malformed(let fault): refuse(stream, fault)
        // It reads no requests.
        case .request: refuse(stream, .missingPseudoField)
        case .tooLarge:
            charge(AbuseBudget.oversizedHead)
            refuse(stream, .oversized)
        case .response(let line) where line.status < 200:
            charge(AbuseBudget.informational)
            // RFC 9113 §8.1.
            if isEnd { return refuse(stream, .endedInformational) }
            stream.handler?.headReceived(&builder.text, .informational, isEnd: false)
        case .response(let line):
            stream.headReceived(isEnd: false)
            let hasContent = !stream.isHead && line.status != 204 && line.status != 304
            stream.declaredLength = hasContent ? line.contentLength : 0
            if isEnd, let length = stream.declaredLength, length > 0 { return refuse(stream, .contentLengthDiffers) }
            stream.headReceived(isEnd: isEnd)
            stream.handler?.headReceived(&builder.text, .response, isEnd: isEnd)
        case .trailers:
            trailersEnded(stream)
        }
    }
}
