// SPDX-License-Identifier: Apache-2.0

/// Memory that a socket is read into. A loop has one, lent for the length of one read, so that an idle connection
/// holds none: what a reader cannot use at once it copies.
@safe
package final class ReceiveBuffer {
    private let memory: UnsafeMutableRawBufferPointer

    package init(capacity: Int) {
        unsafe memory = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit {
        unsafe memory.deallocate()
    }

    package var capacity: Int { unsafe memory.count }

    /// Lets `fill` write into the memory (it gets its start and size, and returns how much it wrote).
    @inline(__always)
    package func fill(_ fill: (UnsafeMutableRawPointer, Int) -> Int) -> Int {
        guard let start = unsafe memory.baseAddress else { return 0 }
        return unsafe fill(start, memory.count)
    }

    /// Reads the first `count` bytes.
    @inline(__always)
    package func read<Result>(_ count: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        precondition(count >= 0 && count <= capacity)
        return body(unsafe Span(_unsafeBytes: UnsafeRawBufferPointer(rebasing: memory[..<count])))
    }
}
