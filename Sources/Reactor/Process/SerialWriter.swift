// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization

/// Writes whole pieces to a descriptor in order, on a queue of its own, so that a slow reader of the output (a blocked
/// pipe) delays no loop. Waiting output is bounded; beyond that, pieces are dropped and counted.
package final class SerialWriter: Sendable {
    private let queue: DispatchQueue
    private let descriptor: Int32
    private let limit: Int
    private let waiting = Atomic<Int>(0)
    private let droppedBytes = Atomic<Int>(0)

    /// - Parameters:
    ///   - descriptor: stays open for the life of the process (standard output or error).
    ///   - limit: bytes that may wait.
    ///
    /// Disables SIGPIPE for the process: a reader that goes away must not terminate it.
    package init(_ descriptor: Int32, label: String, limit: Int = 8 << 20) {
        self.descriptor = descriptor
        self.limit = limit
        queue = DispatchQueue(label: label)
        signal(SIGPIPE, SIG_IGN)
    }

    /// The bytes of all pieces dropped so far.
    package var droppedByteCount: Int { droppedBytes.load(ordering: .relaxed) }

    package func write(_ bytes: [UInt8]) {
        let size = bytes.count
        guard size > 0 else { return }
        guard waiting.wrappingAdd(size, ordering: .relaxed).newValue <= limit else {
            waiting.wrappingSubtract(size, ordering: .relaxed)
            droppedBytes.wrappingAdd(size, ordering: .relaxed)
            return
        }
        queue.async { [self] in
            writeAll(bytes)
            waiting.wrappingSubtract(size, ordering: .relaxed)
        }
    }

    /// Waits until all output so far has been written, or cannot be.
    package func flush() {
        queue.sync {}
    }

    private func writeAll(_ bytes: [UInt8]) {
        let all = bytes.span
        var position = 0
        while position < all.count {
            let rest = all.extracting(position...)
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                position += count
            } else if count < 0, errno == EAGAIN {
                var waiter = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                unsafe _ = poll(&waiter, 1, 1000)
            } else if count == 0 || errno != EINTR {
                // The output has no reader any more.
                return
            }
        }
    }
}
