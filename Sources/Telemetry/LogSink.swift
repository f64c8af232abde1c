// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Where lines go. Each call holds whole lines; calls come from any thread.
package protocol LogSink: Sendable {
    func write(_ bytes: [UInt8])
}

/// Lines into an open descriptor, such as standard output, which it does not close. Calls wait for each other, so that
/// lines never mix.
package final class DescriptorSink: LogSink {
    private let descriptor: Mutex<Int32>

    package init(_ descriptor: Int32) {
        self.descriptor = Mutex(descriptor)
    }

    /// Writes all; what cannot be written (the reader is gone, the disk is full) is dropped, since a log must not stop
    /// the service.
    package func write(_ bytes: [UInt8]) {
        descriptor.withLock { descriptor in
            unsafe bytes.withUnsafeBytes { buffer in
                var rest = unsafe buffer[...]
                while unsafe !rest.isEmpty {
                    let written = unsafe Glibc.write(
                        descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                    if written > 0 {
                        unsafe rest = rest.dropFirst(written)
                    } else if written < 0, errno == EAGAIN {
                        // A pipe that someone made non-blocking: wait until it takes more, a second at most.
                        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                        if unsafe poll(&wait, 1, 1000) == 0 { return }
                    } else if written < 0, errno == EINTR {
                        continue
                    } else {
                        return
                    }
                }
            }
        }
    }
}
