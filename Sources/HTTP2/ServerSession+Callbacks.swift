// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// What libnghttp2 calls back. Each thunk finds the session, turns pointers into values and calls one method.
extension ServerSession {
    static func setCallbacks(_ callbacks: OpaquePointer) {
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
            let goesOn = unsafe session.fieldReceived(name.span, value.span)
            return goesOn ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, owner in
            guard let frame = unsafe frame?.pointee, let session = unsafe ServerSession.of(owner) else { return 0 }
            unsafe session.frameReceived(
                frame.hd, padding: frame.hd.type == FrameKind.data.rawValue ? frame.data.padlen : 0)
            return session.fatal == nil ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, streamID, bytes, count, owner in
            guard let session = unsafe ServerSession.of(owner) else { return 0 }
            let bytes = unsafe UnsafeBufferPointer(start: bytes, count: count)
            unsafe session.contentReceived(bytes.span, streamID)
            return session.fatal == nil ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, streamID, code, owner in
            guard let session = unsafe ServerSession.of(owner), let stream = session.stream(streamID) else { return 0 }
            session.close(stream, code)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, owner in
            guard let frame = unsafe frame?.pointee, let session = unsafe ServerSession.of(owner) else { return 0 }
            switch UInt32(unsafe frame.hd.type) {
            case NGHTTP2_GOAWAY.rawValue: unsafe session.goAwaySent(frame.goaway.error_code)
            case NGHTTP2_RST_STREAM.rawValue:
                unsafe session.resetSent(frame.hd.stream_id, frame.rst_stream.error_code)
            default: unsafe session.frameSent(frame.hd)
            }
            return 0
        }
        unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, frame, header, count, source, owner in
            guard let session = unsafe ServerSession.of(owner), let header = unsafe header,
                let pointer = unsafe source?.pointee.ptr
            else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
            let stream = unsafe Unmanaged<ServerStream>.fromOpaque(pointer).takeUnretainedValue()
            unsafe session.output.append(
                contentsOf: UnsafeBufferPointer(start: header, count: FrameHeader.byteCount))
            session.sendContent(count, of: stream)
            return 0
        }
    }

    /// Where a response's content comes from.
    static func provider(for stream: ServerStream) -> nghttp2_data_provider {
        unsafe nghttp2_data_provider(
            source: nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque()),
            read_callback: { _, _, _, room, flags, source, owner in
                guard let session = unsafe ServerSession.of(owner), let flags = unsafe flags,
                    let pointer = unsafe source?.pointee.ptr
                else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
                let stream = unsafe Unmanaged<ServerStream>.fromOpaque(pointer).takeUnretainedValue()
                let offer = session.offer(stream, room: room)
                unsafe flags.pointee |= offer.flags
                return offer.count
            })
    }

    private static func of(_ owner: UnsafeMutableRawPointer?) -> ServerSession? {
        guard let owner = unsafe owner else { return nil }
        return unsafe Unmanaged<ServerSession>.fromOpaque(owner).takeUnretainedValue()
    }

    // MARK: Received

    private func sectionBegan(_ header: nghttp2_frame_hd, isRequest: Bool) {
        let endsStream = header.flags & 0x1 != 0
        guard isRequest else {
            // Trailers (RFC 9113 §8.1).
            guard let stream = stream(header.stream_id), !stream.isReset else { return builder.begin(.ignored) }
            builder.begin(.trailers)
            if !endsStream { refuse(stream, .trailersWithoutEnd) }
            return
        }
        let id = header.stream_id
        guard streams.count < configuration.maximumStreams else {
            // RFC 9113 §5.1.2. Who cannot know the limit yet is not to blame.
            builder.begin(.ignored)
            charge(guardian.awaitsAcknowledgement ? 1 : Allowance.refusedStream)
            guardian.closed.noteReset(id)
            submitReset(id, .refusedStream)
            return
        }
        let stream = open(id)
        openingStream = stream
        guard let (streamHandler, storage) = handler?.streamOpened(stream) else { return builder.begin(.ignored) }
        stream.handler = streamHandler
        builder.begin(.request, storage: storage)
    }

    private func fieldReceived(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        if builder.add(name, value, tunnelKey: { handler?.tunnelKey() ?? [] }) { return true }
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
            requestEnded(stream, trailers: [])
        case .ping:
            if header.flags & 0x1 != 0 { handler?.drainAcknowledged() }
        case .resetStream, .settings, .goAway, .windowUpdate, .priority, .continuation, .pushPromise, .none: break
        }
    }

    private func sectionEnded(_ header: nghttp2_frame_hd) {
        let endsStream = header.flags & 0x1 != 0
        let kind = builder.kind
        defer { openingStream = nil }
        guard kind != .ignored, kind != .none, let stream = stream(header.stream_id) else { return }
        weighHead()
        let outcome = builder.finish(endsStream: endsStream) { handler?.tunnelKey() ?? [] }
        guard !stream.isReset else { return }
        switch outcome {
        case .malformed(let fault):
            refuse(stream, fault)
        case .tooLarge where kind == .trailers:
            charge(Allowance.oversizedHead)
            reset(stream, .enhanceYourCalm)
        case .tooLarge:
            charge(Allowance.oversizedHead)
            stream.isRequestEnded = endsStream
            stream.handler?.headTooLarge(isEnd: endsStream)
        case .request(let line):
            stream.isRequestEnded = endsStream
            stream.declaredLength = line.contentLength
            stream.handler?.headReceived(&builder.text, isEnd: endsStream, isTunnel: line.isTunnel)
        // It reads no responses.
        case .response:
            break
        case .trailers:
            var lines: [UInt8] = []
            swap(&lines, &builder.text)
            requestEnded(stream, trailers: lines)
        }
        builder.text = []
    }

    /// A head that came compressed to next to nothing costs us as much as any other.
    private func weighHead() {
        let size = builder.size
        guard size > 2 * Allowance.amplifiedBytes, guardian.compressedSize < size / 10 else { return }
        charge(Allowance.amplifiedHead * (size / Allowance.amplifiedBytes - 1))
    }

    private func contentReceived(_ content: Span<UInt8>, _ streamID: Int32) {
        guard let stream = stream(streamID) else { return }
        received(content.count, on: stream)
        guard !stream.isReset else { return consume(content.count, on: stream) }
        stream.contentReceived += UInt64(content.count)
        // RFC 9113 §8.1.1. Before a byte too many has gone on: to the app it would be another request.
        if let length = stream.declaredLength, stream.contentReceived > length {
            return refuse(stream, .contentLengthDiffers)
        }
        stream.handler?.contentReceived(content)
    }

    private func requestEnded(_ stream: ServerStream, trailers: [UInt8]) {
        guard !stream.isReset, !stream.isRequestEnded else { return }
        stream.isRequestEnded = true
        if let length = stream.declaredLength, stream.contentReceived != length {
            return refuse(stream, .contentLengthDiffers)
        }
        stream.handler?.requestEnded(trailers: trailers)
    }

    private func refuse(_ stream: ServerStream, _ fault: MalformedHead) {
        guard !stream.isReset else { return }
        charge(Allowance.streamError)
        stream.handler?.requestMalformed(fault)
        reset(stream, .protocolError)
    }

    private func charge(_ cost: Int) {
        if !guardian.allowance.charge(cost) { fatal = .enhanceYourCalm }
    }

    // MARK: Sent

    private func goAwaySent(_ code: UInt32) {
        guard code != 0 else {
            if isDraining { noticeSent() }
            return
        }
        terminatedByLibrary(ErrorCode(rawValue: code) ?? .internalError)
    }

    private func resetSent(_ streamID: Int32, _ code: UInt32) {
        guardian.closed.noteReset(streamID)
        guard let stream = stream(streamID), !stream.isReset else { return }
        // The library found fault with the peer.
        charge(Allowance.streamError)
        // RFC 9113 §6.9.2: of the connection, when it was SETTINGS that took the window too far.
        if code == ErrorCode.flowControlError.rawValue, guardian.latestKind == .settings { fatal = .flowControlError }
    }

    private func frameSent(_ header: nghttp2_frame_hd) {
        switch FrameKind(rawValue: header.type) {
        case .headers, .data:
            guard header.flags & 0x1 != 0, let stream = stream(header.stream_id) else { return }
            stream.isResponseSent = true
        case .settings, .ping, .windowUpdate, .goAway, .resetStream, .priority, .continuation, .pushPromise, .none:
            break
        }
    }
}
