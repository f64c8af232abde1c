// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Whether both contain the same bytes, in a time that depends only on their lengths.
package func constantTimeEquals(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
    guard a.count == b.count else { return false }
    return unsafe a.withUnsafeBufferPointer { a in
        unsafe b.withUnsafeBufferPointer { b in
            guard let left = a.baseAddress, let right = b.baseAddress else { return true }
            return unsafe CRYPTO_memcmp(left, right, a.count) == 0
        }
    }
}
