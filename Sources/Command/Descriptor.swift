// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Writes to open files.
enum Descriptor {
    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Bool { write(Array(text.utf8), to: descriptor) }

    /// Writes all of `bytes`; false when the system refuses some of them, with the reason in `errno`.
    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var start = 0
        while start < bytes.count {
            let rest = bytes[start...]
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                start += count
            } else if count == 0 || errno != EINTR {
                return false
            }
        }
        return true
    }
}
