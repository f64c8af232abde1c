// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2
import Glibc

/// What the sessions of one loop share: the library's settings, and memory that each needs only while it is active. An
/// idle session holds none of it.
///
/// Must not be used from two threads at once.
@safe
package final class SessionMemory {
    let serverCallbacks: OpaquePointer?
    let clientCallbacks: OpaquePointer?
    let options: OpaquePointer?
    /// The library allocates a frame of the largest size for each session, whose content matters only until the next
    /// call. All sessions get the same one.
    private let frameBuffer: UnsafeMutableRawPointer
    /// While a session is created: the first large allocation is its frame buffer.
    private var expectsFrameBuffer = false
    /// While a session is created: its table of streams gets a page of its own.
    private var expectsTable = false
    private var table: UnsafeMutableRawPointer?
    private let pages = PagePool()
    private var spareOutputs: [[UInt8]] = []
    /// For sections to be sent.
    package var fields = FieldList()
    package var trailers = FieldList()

    package init() {
        unsafe frameBuffer = .allocate(byteCount: Self.frameBufferSize, alignment: 16)
        var serverCallbacks: OpaquePointer?
        unsafe nghttp2_session_callbacks_new(&serverCallbacks)
        unsafe self.serverCallbacks = serverCallbacks
        var clientCallbacks: OpaquePointer?
        unsafe nghttp2_session_callbacks_new(&clientCallbacks)
        unsafe self.clientCallbacks = clientCallbacks
        var options: OpaquePointer?
        unsafe nghttp2_option_new(&options)
        unsafe self.options = options
        if let callbacks = unsafe serverCallbacks { unsafe ServerSession.setCallbacks(callbacks) }
        if let callbacks = unsafe clientCallbacks { unsafe ClientSession.setCallbacks(callbacks) }
        if let options = unsafe options {
            unsafe nghttp2_option_set_no_auto_window_update(options, 1)
            // The rules of RFC 9113 §8 are ours: see HeadBuilder.
            unsafe nghttp2_option_set_no_http_messaging(options, 1)
            // FrameGuard checks the preface, so that an invalid one gets an answer.
            unsafe nghttp2_option_set_no_recv_client_magic(options, 1)
            // ClosedStreams keeps the record of closed streams.
            unsafe nghttp2_option_set_no_closed_streams(options, 1)
        }
    }

    deinit {
        unsafe nghttp2_session_callbacks_del(serverCallbacks)
        unsafe nghttp2_session_callbacks_del(clientCallbacks)
        unsafe nghttp2_option_del(options)
        unsafe frameBuffer.deallocate()
    }

    // MARK: Output

    /// Memory for output.
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

    /// Lets `make` create a session whose memory is allocated here.
    ///
    /// - Returns: the library's result, and the page with the session's table of streams, if there is one.
    func makeSession(
        _ make: (UnsafeMutablePointer<nghttp2_mem>) -> Int32
    ) -> (result: Int32, table: UnsafeMutableRawPointer?) {
        expectsFrameBuffer = true
        expectsTable = true
        unsafe table = nil
        defer {
            expectsFrameBuffer = false
            expectsTable = false
        }
        var memory = unsafe nghttp2_mem(
            mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
            malloc: { size, owner in unsafe SessionMemory.of(owner)?.allocate(size) },
            free: { pointer, owner in unsafe SessionMemory.of(owner)?.release(pointer) },
            calloc: { count, size, owner in unsafe SessionMemory.of(owner)?.allocateZeros(count, size) },
            realloc: { pointer, size, owner in unsafe SessionMemory.of(owner)?.reallocate(pointer, size) })
        let result = unsafe make(&memory)
        return unsafe (result, table)
    }

    /// A session has no streams: its table is empty, and its page need not be kept.
    func discardEmpty(_ table: UnsafeMutableRawPointer) {
        unsafe pages.discardIfZero(table)
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

    /// The library's table of streams has 4 KiB (in some versions), most of an idle session's memory.
    private func allocateZeros(_ count: Int, _ size: Int) -> UnsafeMutableRawPointer? {
        let (total, overflow) = count.multipliedReportingOverflow(by: size)
        if expectsTable, !overflow, total == PagePool.pageSize, let page = unsafe pages.take() {
            expectsTable = false
            unsafe table = page
            return unsafe page
        }
        return unsafe Glibc.calloc(count, size)
    }

    private func release(_ pointer: UnsafeMutableRawPointer?) {
        guard let pointer = unsafe pointer, unsafe pointer != frameBuffer else { return }
        if unsafe !pages.giveBack(pointer) { unsafe Glibc.free(pointer) }
    }

    private func reallocate(_ pointer: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
        guard let pointer = unsafe pointer else { return unsafe allocate(size) }
        if unsafe pages.owns(pointer) {
            guard let larger = unsafe Glibc.malloc(max(size, PagePool.pageSize)) else { return nil }
            unsafe larger.copyMemory(from: pointer, byteCount: PagePool.pageSize)
            _ = unsafe pages.giveBack(pointer)
            return unsafe larger
        }
        guard unsafe pointer == frameBuffer else { return unsafe Glibc.realloc(pointer, size) }
        if size <= Self.frameBufferSize { return unsafe pointer }
        guard let larger = unsafe Glibc.malloc(size) else { return nil }
        unsafe larger.copyMemory(from: pointer, byteCount: Self.frameBufferSize)
        return unsafe larger
    }

    /// A frame of 16,384 bytes, its header, and a byte of padding length; rounded up.
    private static let frameBufferSize = 16_640
}
