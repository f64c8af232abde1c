// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Bytes that must not outlive their use: they have one location, and are overwritten when the last owner is released.
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
        // The compiler may omit a plain overwrite of memory that is about to be freed, but not this one.
        unsafe OPENSSL_cleanse(storage.baseAddress, storage.count)
        unsafe storage.deallocate()
    }

    package var count: Int { unsafe storage.count }

    /// Provides the bytes to `body`, which must not copy them unnecessarily.
    package func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        unsafe body(Span(_unsafeElements: UnsafeBufferPointer(storage)))
    }
}
