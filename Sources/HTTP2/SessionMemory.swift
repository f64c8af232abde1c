// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2
import Glibc

/// What the sessions of one loop share: the library's settings, and memory that each needs only while it is worked
/// with. An idle session holds none of it.
///
/// Must not be used from two threads at once.
@safe
package final class SessionMemory {
    let callbacks: OpaquePointer?
    let options: OpaquePointer?
    /// The library keeps a frame of the largest size for each session to write into, and what stands in it counts only
    /// until the next call. All sessions get the same one.
    private let frameBuffer: UnsafeMutableRawPointer
    /// A session is being made: the first large piece of memory it asks for is its frame buffer.
    private var expectsFrameBuffer = false
    private var spareOutputs: [[UInt8]] = []
    /// For sections on their way out.
    package var fields = FieldList()
    package var trailers = FieldList()

    package init() {
        unsafe frameBuffer = .allocate(byteCount: Self.frameBufferSize, alignment: 16)
        var callbacks: OpaquePointer?
        unsafe nghttp2_session_callbacks_new(&callbacks)
        unsafe self.callbacks = callbacks
        var options: OpaquePointer?
        unsafe nghttp2_option_new(&options)
        unsafe self.options = options
        if let callbacks = unsafe callbacks { unsafe ServerSession.setCallbacks(callbacks) }
        if let options = unsafe options {
            unsafe nghttp2_option_set_no_auto_window_update(options, 1)
            // The rules of RFC 9113 §8 are ours: see HeadBuilder.
            unsafe nghttp2_option_set_no_http_messaging(options, 1)
            // FrameGuard looks at the preface, so that a wrong one is answered.
            unsafe nghttp2_option_set_no_recv_client_magic(options, 1)
            // A response has a handful of fields that come again; more would be memory of each idle connection.
            unsafe nghttp2_option_set_max_deflate_dynamic_table_size(options, 1024)
            // ClosedStreams remembers what is to be remembered of them.
            unsafe nghttp2_option_set_no_closed_streams(options, 1)
        }
    }

    deinit {
        unsafe nghttp2_session_callbacks_del(callbacks)
        unsafe nghttp2_option_del(options)
        unsafe frameBuffer.deallocate()
    }

    // MARK: Output

    /// Memory to gather output in.
    func takeOutput() -> [UInt8] {
        if let spare = spareOutputs.popLast() { return spare }
        var output: [UInt8] = []
        output.reserveCapacity(4096)
        return output
    }

    func giveBack(_ output: inout [UInt8]) {
        var spare: [UInt8] = []
        swap(&spare, &output)
        guard spareOutputs.count < 16, 1...131_072 ~= spare.capacity else { return }
        spare.removeAll(keepingCapacity: true)
        spareOutputs.append(spare)
    }

    // MARK: The library's memory

    /// Lets `make` create a session whose memory comes from here.
    func makeSession(_ make: (UnsafeMutablePointer<nghttp2_mem>) -> Int32) -> Int32 {
        expectsFrameBuffer = true
        defer { expectsFrameBuffer = false }
        var memory = unsafe nghttp2_mem(
            mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
            malloc: { size, owner in unsafe SessionMemory.of(owner)?.allocate(size) },
            free: { pointer, owner in unsafe SessionMemory.of(owner)?.release(pointer) },
            calloc: { count, size, _ in unsafe Glibc.calloc(count, size) },
            realloc: { pointer, size, owner in unsafe SessionMemory.of(owner)?.reallocate(pointer, size) })
        return unsafe make(&memory)
    }

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> SessionMemory? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe Unmanaged<SessionMemory>.fromOpaque(pointer).takeUnretainedValue()
    }

    private func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        if expectsFrameBuffer, size > 16_384, size <= Self.frameBufferSize {
            expectsFrameBuffer = false
            return unsafe frameBuffer
        }
        return unsafe Glibc.malloc(size)
    }

    private func release(_ pointer: UnsafeMutableRawPointer?) {
        if unsafe pointer != frameBuffer { unsafe Glibc.free(pointer) }
    }

    private func reallocate(_ pointer: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
        guard let pointer = unsafe pointer else { return unsafe allocate(size) }
        guard unsafe pointer == frameBuffer else { return unsafe Glibc.realloc(pointer, size) }
        if size <= Self.frameBufferSize { return unsafe pointer }
        guard let larger = unsafe Glibc.malloc(size) else { return nil }
        unsafe larger.copyMemory(from: pointer, byteCount: Self.frameBufferSize)
        return unsafe larger
    }

    /// A frame of 16,384 bytes, its header, and a byte of padding length; rounded up.
    private static let frameBufferSize = 16_640
}
