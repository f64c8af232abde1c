// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// Content, and the bytes that everything becomes.
extension Session {
    /// Sends content behind the head; it is copied.
    package func send(_ content: Span<UInt8>, on stream: Stream) {
        guard !stream.isClosed, !stream.isReset, stream.hasOutboundHead, !stream.isOutboundEnded, !content.isEmpty
        else { return }
        stream.content.append(content)
        resume(stream)
    }

    /// Says that this was all.
    package func end(_ stream: Stream, trailers: FieldList? = nil) {
        guard !stream.isClosed, !stream.isReset, stream.hasOutboundHead, !stream.isOutboundEnded else { return }
        stream.isOutboundEnded = true
        stream.trailers = trailers
        resume(stream)
    }

    /// Ends the stream in both directions, so that the peer sees it was not whole.
    package func reset(_ stream: Stream, _ code: ErrorCode) {
        guard !stream.isClosed, !stream.isReset else { return }
        stream.isReset = true
        stream.content.clear()
        guardian.closed.noteReset(stream.id)
        submitReset(stream.id, code)
    }

    func submitReset(_ streamID: Int32, _ code: ErrorCode) {
        unsafe nghttp2_submit_rst_stream(session, Self.noFlags, streamID, code.rawValue)
    }

    /// A reset has left. True: it is the library's, which found fault with the peer.
    func resetSent(_ streamID: Int32) -> Bool {
        guardian.closed.noteReset(streamID)
        guard let stream = stream(streamID), !stream.isReset else { return false }
        charge(Allowance.streamError)
        return true
    }

    private func resume(_ stream: Stream) {
        guard stream.isDeferred else { return }
        stream.isDeferred = false
        unsafe nghttp2_session_resume_data(session, stream.id)
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

    func takeMemory() {
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

    // MARK: Asked by the library

    /// How much of a stream's content goes into the next frame.
    func offer(_ stream: Stream, room: Int) -> (count: Int, flags: UInt32) {
        let pending = stream.pendingContent
        if pending == 0, !stream.isOutboundEnded {
            stream.isDeferred = true
            return (Int(NGHTTP2_ERR_DEFERRED.rawValue), 0)
        }
        let count = min(pending, room)
        var flags = UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue)
        if count == pending, stream.isOutboundEnded {
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

    func sendContent(_ count: Int, of stream: Stream) {
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
        var told: [Stream] = []
        swap(&told, &drained)
        for stream in told { stream.handler?.contentLeft() }
    }

    private static var lowWater: Int { 16_384 }
}
