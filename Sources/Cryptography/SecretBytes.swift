// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Bytes that must not outlive their use: they sit in one place, and are overwritten when the last owner is gone.
@safe
package final class SecretBytes: @unchecked Sendable {
    // Sendable: never written between init and deinit.
    private let storage: UnsafeMutableBufferPointer<UInt8>

    package init(_ bytes: Span<UInt8>) {
        unsafe storage = .allocate(capacity: bytes.count)
        for index in bytes.indices {
            unsafe storage.initializeElement(at: index, to: bytes[index])
        }
    }

    package convenience init(_ bytes: [UInt8]) {
        self.init(bytes.span)
    }

    deinit {
        // A plain overwrite of memory about to be freed is one the compiler may leave out; this one it may not.
        unsafe OPENSSL_cleanse(storage.baseAddress, storage.count)
        unsafe storage.deallocate()
    }

    package var count: Int { unsafe storage.count }

    /// Lends the bytes to `body`, which must not copy them further than it has to.
    package func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        unsafe body(Span(_unsafeElements: UnsafeBufferPointer(storage)))
    }
}
