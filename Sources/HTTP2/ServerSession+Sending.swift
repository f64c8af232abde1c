// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// Responses, and the bytes that they become.
extension ServerSession {
    /// Sends a 1xx head.
    package func sendInformational(_ fields: borrowing FieldList, on stream: ServerStream) {
        guard !stream.isClosed, !stream.isReset, !stream.hasHead else { return }
        _ = unsafe fields.withVectors { vectors, count in
            unsafe nghttp2_submit_headers(session, Self.noFlags, stream.id, nil, vectors, count, nil)
        }
    }

    /// Sends the response's head; content follows unless `isEnd`.
    package func sendHead(_ fields: borrowing FieldList, on stream: ServerStream, isEnd: Bool) {
        guard !stream.isClosed, !stream.isReset, !stream.hasHead else { return }
        stream.hasHead = true
        stream.isResponseEnded = isEnd
        let result = unsafe fields.withVectors { vectors, count in
            guard !isEnd else { return unsafe nghttp2_submit_response(session, stream.id, vectors, count, nil) }
            var provider = unsafe Self.provider(for: stream)
            return unsafe nghttp2_submit_response(session, stream.id, vectors, count, &provider)
        }
        if result != 0 { reset(stream, .internalError) }
    }

    /// Sends content behind the head; it is copied.
    package func send(_ content: Span<UInt8>, on stream: ServerStream) {
        guard !stream.isClosed, !stream.isReset, stream.hasHead, !stream.isResponseEnded, !content.isEmpty else {
            return
        }
        stream.content.append(content)
        resume(stream)
    }

    /// Ends the response.
    package func end(_ stream: ServerStream, trailers: FieldList? = nil) {
        guard !stream.isClosed, !stream.isReset, stream.hasHead, !stream.isResponseEnded else { return }
        stream.isResponseEnded = true
        stream.trailers = trailers
        resume(stream)
    }

    /// Ends the stream in both directions, so that the peer sees it was not whole.
    package func reset(_ stream: ServerStream, _ code: ErrorCode) {
        guard !stream.isClosed, !stream.isReset else { return }
        stream.isReset = true
        stream.content.clear()
        guardian.closed.noteReset(stream.id)
        submitReset(stream.id, code)
    }

    /// Asks for no more of a request whose response has left (RFC 9113 §8.1); true when that is done, or not needed.
    ///
    /// Better not at once: who is still sending may see the reset before the response (curl 7).
    package func stopRequest(_ stream: ServerStream) -> Bool {
        if stream.isClosed || stream.isReset || stream.isRequestEnded { return true }
        guard stream.isResponseSent else { return false }
        reset(stream, .noError)
        return true
    }

    func submitReset(_ streamID: Int32, _ code: ErrorCode) {
        unsafe nghttp2_submit_rst_stream(session, Self.noFlags, streamID, code.rawValue)
    }

    private func resume(_ stream: ServerStream) {
        guard stream.isDeferred else { return }
        stream.isDeferred = false
        unsafe nghttp2_session_resume_data(session, stream.id)
    }

    // MARK: Ending well

    /// Says that the connection will end, and asks for an answer: requests that are on their way are still served
    /// (RFC 9113 §6.8).
    package func beginDrain() {
        guard termination == nil else { return }
        isDraining = true
        unsafe nghttp2_submit_shutdown_notice(session)
    }

    /// The notice is out. What answers this PING was sent by a peer that has read the notice; sent with it, the library
    /// would let the PING overtake it.
    func noticeSent() {
        isDraining = false
        unsafe nghttp2_submit_ping(session, Self.noFlags, nil)
    }

    /// Says which requests will be answered, and takes no others.
    package func finishDrain() {
        guard termination == nil, !sentFinalGoAway else { return }
        sentFinalGoAway = true
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        unsafe nghttp2_submit_goaway(session, Self.noFlags, last, ErrorCode.noError.rawValue, nil, 0)
    }

    // MARK: Output

    /// Something waits to be sent.
    package var wantsToSend: Bool {
        !output.isEmpty || (unsafe nghttp2_session_want_write(session)) != 0
    }

    /// Gathers what may be sent, up to a little more than `limit` bytes. True: there is more.
    package func produce(upTo limit: Int) -> Bool {
        takeMemory()
        while output.count < limit {
            guard takeFrame() else {
                settle()
                return false
            }
        }
        settle()
        return true
    }

    /// What is to be sent, once ``produce(upTo:)`` has gathered it; give its memory back.
    package func takeOutput() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &output)
        return taken
    }

    package func giveBack(_ memory: consuming [UInt8]) {
        var spare = memory
        self.memory.giveBack(&spare)
    }

    /// Takes what the library has to say but no content, which has its own pace.
    func sendControl() {
        guard unsafe nghttp2_session_get_outbound_queue_size(session) > 0 else { return }
        takeMemory()
        while unsafe nghttp2_session_get_outbound_queue_size(session) > 0 {
            guard takeFrame() else { return }
        }
    }

    private func takeMemory() {
        if output.capacity == 0 { output = memory.takeOutput() }
    }

    private func takeFrame() -> Bool {
        var bytes: UnsafePointer<UInt8>?
        let before = output.count
        let count = unsafe nghttp2_session_mem_send(session, &bytes)
        guard count > 0, let bytes = unsafe bytes else { return output.count > before }
        unsafe output.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        return true
    }

    /// How much of a stream's content goes into the next frame.
    func offer(_ stream: ServerStream, room: Int) -> (count: Int, flags: UInt32) {
        let pending = stream.pendingContent
        if pending == 0, !stream.isResponseEnded {
            stream.isDeferred = true
            return (Int(NGHTTP2_ERR_DEFERRED.rawValue), 0)
        }
        let count = min(pending, room)
        var flags = UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue)
        if count == pending, stream.isResponseEnded {
            flags |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
            if let trailers = stream.trailers, !trailers.isEmpty {
                let result = unsafe trailers.withVectors { vectors, count in
                    unsafe nghttp2_submit_trailer(session, stream.id, vectors, count)
                }
                if result == 0 { flags |= UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue) }
                stream.trailers = nil
            }
        }
        return (count, flags)
    }

    func sendContent(_ count: Int, of stream: ServerStream) {
        stream.contentSent += UInt64(stream.content.move(count, to: &output))
        guardian.allowance.earn(Allowance.sentData)
        if stream.awaitsRoom, stream.pendingContent <= Self.lowWater {
            stream.awaitsRoom = false
            drained.append(stream)
        }
    }

    /// Outside of the library's calls.
    private func settle() {
        guard !drained.isEmpty else { return }
        var told: [ServerStream] = []
        swap(&told, &drained)
        for stream in told { stream.handler?.contentLeft() }
    }

    private static let noFlags: UInt8 = 0
    private static let lowWater = 16_384
}
