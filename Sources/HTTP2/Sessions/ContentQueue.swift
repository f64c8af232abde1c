// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Content waiting for the peer's flow control window.
struct ContentQueue {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }

    mutating func append(_ content: Span<UInt8>) {
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            start = 0
        }
        bytes.append(copying: content)
    }

    /// Moves `count` bytes, or as many as there are, to `output`; returns how many.
    mutating func move(_ count: Int, to output: inout [UInt8]) -> Int {
        let end = min(start + count, bytes.count)
        let moved = end - start
        unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<end]))
        }
        start = end
        if start == bytes.count {
            // A buffer larger than a piece is not worth keeping.
            bytes.removeAll(keepingCapacity: bytes.capacity <= 16_384)
            start = 0
        }
        return moved
    }

    mutating func clear() {
        bytes = []
        start = 0
    }
}
