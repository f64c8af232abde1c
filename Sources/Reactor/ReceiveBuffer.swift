// SPDX-License-Identifier: Apache-2.0

/// Memory that a socket is read into. A loop has one, lent for the length of one read, so that an idle connection
/// holds none: what a reader cannot use at once it copies.
@safe
public final class ReceiveBuffer {
    private let memory: UnsafeMutableRawBufferPointer

    /// One read of this size empties what a socket usually holds, and a stalled peer costs at most this much memory.
    package static let usualRead = 32768
    /// The most that is read at once, for what passes straight on: fewer, larger writes wake the receiver less often.
    package static let largeRead = 524_288

    package init(capacity: Int = ReceiveBuffer.largeRead) {
        unsafe memory = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit {
        unsafe memory.deallocate()
    }

    package var capacity: Int { unsafe memory.count }

    /// Lets `fill` write into the memory from `offset` to `end` (it gets the place and the size, and returns how much it
    /// wrote).
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
