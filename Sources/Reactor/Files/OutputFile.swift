// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file that grows at its end. Its calls block.
package final class OutputFile {
    private let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Appends all of `bytes`; after an error some of them may have been written.
    package func write(_ bytes: [UInt8]) throws(SystemError) {
        let all = bytes.span
        var position = 0
        while position < all.count {
            let rest = all.extracting(position...)
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor.raw, $0.baseAddress, $0.count) }
            if count > 0 {
                position += count
            } else if count == 0 {
                throw SystemError("write", ENOSPC)
            } else if errno != EINTR {
                throw SystemError("write")
            }
        }
    }

    /// Returns when all that was written is on the disk, with the file's length.
    ///
    /// After an error the kernel may regard it as written although it is not: only a new file is certain then.
    package func sync() throws(SystemError) {
        while fdatasync(descriptor.raw) != 0 {
            if errno != EINTR { throw SystemError("fdatasync") }
        }
    }

    /// Cuts the file off after `length` bytes.
    package func truncate(to length: Int) throws(SystemError) {
        while ftruncate(descriptor.raw, length) != 0 {
            if errno != EINTR { throw SystemError("ftruncate") }
        }
    }
}
