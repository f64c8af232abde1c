// SPDX-License-Identifier: Apache-2.0

/// Memory for reading a socket. A loop has one, used for the duration of one read, so that an idle connection needs
/// none: a reader copies what it cannot use at once.
@safe
public final class ReceiveBuffer {
    private let memory: UnsafeMutableRawBufferPointer

    /// One read of this size usually empties a socket, and a stalled peer uses at most this much memory.
    package static let usualRead = 32768
    /// The first read of a connection that often brings much: a message of 64 KiB in one piece with what frames it, or a
    /// response of 100 KiB in two pieces, which cost less than one since the bytes stay in the processor's cache.
    package static let bulkRead = 73_728
    /// The most that is read at once, for forwarded bytes: fewer, larger writes wake the receiver less often.
    package static let largeRead = 524_288

    package init(capacity: Int = ReceiveBuffer.largeRead) {
        unsafe memory = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit {
        unsafe memory.deallocate()
    }

    package var capacity: Int { unsafe memory.count }

    /// Lets `fill` write into the memory from `offset` to `end` (it gets the address and the size, and returns how much
    /// it wrote).
    @inline(__always)
    package func fill(from offset: Int, to end: Int, _ fill: (UnsafeMutableRawPointer, Int) -> Int) -> Int {
        precondition(offset >= 0 && offset <= end && end <= capacity)
        guard let start = unsafe memory.baseAddress else { return 0 }
        return unsafe fill(start + offset, end - offset)
    }

    /// Reads the first `count` bytes.
    @inline(__always)
    package func read<Result>(_ count: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        precondition(count >= 0 && count <= capacity)
        return body(unsafe Span(_unsafeBytes: UnsafeRawBufferPointer(rebasing: memory[..<count])))
    }
}
