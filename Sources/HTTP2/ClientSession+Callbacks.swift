// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// What libnghttp2 calls back. Each thunk finds the session, turns pointers into values and calls one method.
extension ClientSession {
    static func setCallbacks(_ callbacks: OpaquePointer) {
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
            let goesOn = unsafe session.fieldReceived(name.span, value.span)
            return goesOn ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, owner in
            guard let frame = unsafe frame?.pointee, let session = unsafe ClientSession.of(owner) else { return 0 }
            if unsafe frame.hd.type == FrameKind.resetStream.rawValue {
                unsafe session.resetReceived(frame.hd.stream_id, frame.rst_stream.error_code)
                return 0
            }
            unsafe session.frameReceived(
                frame.hd, padding: frame.hd.type == FrameKind.data.rawValue ? frame.data.padlen : 0)
            return session.fatal == nil ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, streamID, bytes, count, owner in
            guard let session = unsafe ClientSession.of(owner) else { return 0 }
            let bytes = unsafe UnsafeBufferPointer(start: bytes, count: count)
            unsafe session.contentReceived(bytes.span, streamID)
            return session.fatal == nil ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, streamID, code, owner in
            guard let session = unsafe ClientSession.of(owner), let stream = session.stream(streamID) else { return 0 }
            session.close(stream, code)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, owner in
            guard let frame = unsafe frame?.pointee, let session = unsafe ClientSession.of(owner) else { return 0 }
            switch UInt32(unsafe frame.hd.type) {
            case NGHTTP2_GOAWAY.rawValue: unsafe session.goAwaySent(frame.goaway.error_code)
            case NGHTTP2_RST_STREAM.rawValue: unsafe session.resetSent(frame.hd.stream_id)
            default: break
            }
            return 0
        }
        unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, frame, header, count, source, owner in
            guard let session = unsafe ClientSession.of(owner), let header = unsafe header,
                let pointer = unsafe source?.pointee.ptr
            else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
            let stream = unsafe Unmanaged<ClientStream>.fromOpaque(pointer).takeUnretainedValue()
            unsafe session.output.append(
                contentsOf: UnsafeBufferPointer(start: header, count: FrameHeader.byteCount))
            session.sendContent(count, of: stream)
            return 0
        }
    }

    /// Where a request's content comes from.
    static func provider(for stream: ClientStream) -> nghttp2_data_provider {
        unsafe nghttp2_data_provider(
            source: nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque()),
            read_callback: { _, _, _, room, flags, source, owner in
                guard let session = unsafe ClientSession.of(owner), let flags = unsafe flags,
                    let pointer = unsafe source?.pointee.ptr
                else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
                let stream = unsafe Unmanaged<ClientStream>.fromOpaque(pointer).takeUnretainedValue()
                let offer = session.offer(stream, room: room)
                unsafe flags.pointee |= offer.flags
                return offer.count
            })
    }

    private static func of(_ owner: UnsafeMutableRawPointer?) -> ClientSession? {
        guard let owner = unsafe owner else { return nil }
        return unsafe Unmanaged<ClientSession>.fromOpaque(owner).takeUnretainedValue()
    }

    // MARK: Received

    private func sectionBegan(_ header: nghttp2_frame_hd) {
        guard let stream = stream(header.stream_id), !stream.isReset else { return builder.begin(.ignored) }
        guard stream.hasFinalHead else { return builder.begin(.response) }
        builder.begin(.trailers)
        // RFC 9113 §8.1.
        if header.flags & 0x1 == 0 { refuse(stream) }
    }

    private func fieldReceived(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        if builder.add(name, value, tunnelKey: { [] }) { return true }
        fatal = .enhanceYourCalm
        return false
    }

    private func frameReceived(_ header: nghttp2_frame_hd, padding: Int) {
        switch FrameKind(rawValue: header.type) {
        case .headers: sectionEnded(header)
        case .data:
            // All padding and no content; a frame without either was charged for before it was read.
            if padding > 0, padding == header.length { charge(Allowance.emptyFrame) }
            guard header.flags & 0x1 != 0, let stream = stream(header.stream_id) else { return }
            responseEnded(stream, trailers: [])
        case .settings:
            if header.flags & 0x1 == 0 { noteSettings() }
        case .goAway: noteGoAway()
        case .resetStream, .ping, .windowUpdate, .priority, .continuation, .pushPromise, .none: break
        }
    }

    /// The stream is closed next.
    private func resetReceived(_ streamID: Int32, _ code: UInt32) {
        // RFC 9113 §7: a code that is not known is as good as INTERNAL_ERROR.
        stream(streamID)?.resetCode = ErrorCode(rawValue: code) ?? .internalError
    }

    private func sectionEnded(_ header: nghttp2_frame_hd) {
        let isEnd = header.flags & 0x1 != 0
        let kind = builder.kind
        guard kind == .response || kind == .trailers, let stream = stream(header.stream_id) else { return }
        weighHead()
        let outcome = builder.finish(endsStream: isEnd) { [] }
        defer { builder.text = [] }
        guard !stream.isReset else { return }
        stream.hasHead = true
        switch outcome {
        case .malformed, .request: refuse(stream)
        case .tooLarge:
            charge(Allowance.oversizedHead)
            refuse(stream)
        case .response(let line) where line.status < 200:
            charge(Allowance.informational)
            // RFC 9113 §8.1.
            if isEnd { return refuse(stream) }
            stream.handler?.headReceived(&builder.text, isInformational: true, isEnd: false)
        case .response(let line):
            stream.hasFinalHead = true
            let hasContent = !stream.isHead && line.status != 204 && line.status != 304
            stream.declaredLength = hasContent ? line.contentLength : 0
            if isEnd, let length = stream.declaredLength, length > 0 { return refuse(stream) }
            stream.isResponseEnded = isEnd
            stream.handler?.headReceived(&builder.text, isInformational: false, isEnd: isEnd)
        case .trailers:
            var lines: [UInt8] = []
            swap(&lines, &builder.text)
            responseEnded(stream, trailers: lines)
        }
    }

    /// A head that came compressed to next to nothing costs us as much as any other.
    private func weighHead() {
        let size = builder.size
        guard size > 2 * Allowance.amplifiedBytes, guardian.compressedSize < size / 10 else { return }
        charge(Allowance.amplifiedHead * (size / Allowance.amplifiedBytes - 1))
    }

    private func contentReceived(_ content: Span<UInt8>, _ streamID: Int32) {
        let stream = stream(streamID)
        received(content.count, on: stream)
        guard let stream else { return }
        guard !stream.isReset else { return consume(content.count, on: stream) }
        stream.contentReceived += UInt64(content.count)
        // RFC 9113 §8.1.1.
        if let length = stream.declaredLength, stream.contentReceived > length { return refuse(stream) }
        stream.handler?.contentReceived(content)
    }

    private func responseEnded(_ stream: ClientStream, trailers: [UInt8]) {
        guard !stream.isReset, !stream.isResponseEnded else { return }
        guard stream.hasFinalHead else { return refuse(stream) }
        if let length = stream.declaredLength, stream.contentReceived != length { return refuse(stream) }
        stream.isResponseEnded = true
        stream.handler?.responseEnded(trailers: trailers)
    }

    /// RFC 9113 §8.1.1: a stream error.
    func refuse(_ stream: ClientStream) {
        guard !stream.isReset else { return }
        charge(Allowance.streamError)
        stream.handler?.responseMalformed()
        reset(stream, .protocolError)
    }

    private func charge(_ cost: Int) {
        if !guardian.allowance.charge(cost) { fatal = .enhanceYourCalm }
    }

    // MARK: Sent

    private func goAwaySent(_ code: UInt32) {
        guard code != 0 else { return }
        terminatedByLibrary(ErrorCode(rawValue: code) ?? .internalError)
    }

    private func resetSent(_ streamID: Int32) {
        guardian.closed.noteReset(streamID)
        guard let stream = stream(streamID), !stream.isReset else { return }
        // The library found fault with the app.
        charge(Allowance.streamError)
    }
}
