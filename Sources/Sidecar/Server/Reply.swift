// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Passes a value from a loop to a thread that waits for it.
final class Reply<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let reading: Int32
    private let writing: Int32

    init() {
        var pair: [Int32] = [-1, -1]
        precondition(unsafe pipe(&pair) == 0, "no pipe for a blocking wait")
        (reading, writing) = (pair[0], pair[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    /// Only the first value is kept.
    func give(_ value: Value) {
        let isFirst = self.value.withLock { own in
            if own == nil { own = value } else { return false }
            return true
        }
        guard isFirst else { return }
        var byte: UInt8 = 1
        _ = unsafe write(writing, &byte, 1)
    }

    func wait() -> Value {
        var byte: UInt8 = 0
        while unsafe read(reading, &byte, 1) < 0, errno == EINTR {}
        guard let value = value.withLock({ $0 }) else { preconditionFailure("woken without a value") }
        return value
    }

    /// Nil when the time is over before there is a value.
    func wait(milliseconds: Int32) -> Value? {
        var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&entry, 1, milliseconds)
        return value.withLock { $0 }
    }
}
