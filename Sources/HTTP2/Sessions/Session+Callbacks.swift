// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// libnghttp2's callbacks common to both sides. Each thunk finds the session, turns pointers into values and calls one
/// method.
extension Session {
    static func setCommonCallbacks(_ callbacks: OpaquePointer) {
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, streamID, bytes, count, owner in
            guard let session = unsafe Session.of(owner) else { return 0 }
            let bytes = unsafe UnsafeBufferPointer(start: bytes, count: count)
            unsafe session.contentReceived(bytes.span, streamID)
            return session.verdict
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, streamID, code, owner in
            guard let session = unsafe Session.of(owner), let stream = session.stream(streamID) else { return 0 }
            session.close(stream, code)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, frame, header, count, source, owner in
            guard let session = unsafe Session.of(owner), let header = unsafe header,
                let pointer = unsafe source?.pointee.ptr
            else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
            let stream = unsafe Unmanaged<Stream>.fromOpaque(pointer).takeUnretainedValue()
            unsafe session.output.append(
                contentsOf: UnsafeBufferPointer(start: header, count: FrameHeader.byteCount))
            session.sendContent(count, of: stream)
            return 0
        }
    }

    /// The source of the content sent on `stream`.
    static func provider(for stream: Stream) -> nghttp2_data_provider {
        unsafe nghttp2_data_provider(
            source: nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque()),
            read_callback: { _, _, _, room, flags, source, owner in
                guard let session = unsafe Session.of(owner), let flags = unsafe flags,
                    let pointer = unsafe source?.pointee.ptr
                else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
                let stream = unsafe Unmanaged<Stream>.fromOpaque(pointer).takeUnretainedValue()
                let offer = session.offer(stream, room: room)
                unsafe flags.pointee |= offer.flags
                return offer.count
            })
    }

    /// The session that a callback is for: its owner always has the type whose callbacks these are.
    @inline(__always)
    static func of(_ owner: UnsafeMutableRawPointer?) -> Self? {
        guard let owner = unsafe owner else { return nil }
        return unsafe Unmanaged<Self>.fromOpaque(owner).takeUnretainedValue()
    }

    /// A callback's result, which tells the library whether to continue.
    var verdict: Int32 { fatal == nil ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
}
