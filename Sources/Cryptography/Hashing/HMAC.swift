// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// A key for HMAC (RFC 2104), prepared once: each code copies the prepared context instead of hashing the key again.
@safe
package final class HMACKey: @unchecked Sendable {
    // Sendable: the context is only copied after init, which only reads it.
    private let prepared: OpaquePointer
    package let hashFunction: HashFunction

    /// libcrypto zeroes its copy of the key when the context is freed.
    package init(_ key: Span<UInt8>, _ hashFunction: HashFunction) {
        self.hashFunction = hashFunction
        guard let algorithm = unsafe MACAlgorithm.hmac.pointer, let context = unsafe EVP_MAC_CTX_new(algorithm) else {
            preconditionFailure("libcrypto has no HMAC")
        }
        let done = unsafe key.withUnsafeBufferPointer { key in
            OpenSSL.call {
                unsafe sidegate_hmac_init(context, key.baseAddress, key.count, hashFunction.name)
            }
        }
        guard done == 1 else { preconditionFailure("HMAC could not be keyed") }
        unsafe prepared = context
    }

    deinit {
        unsafe EVP_MAC_CTX_free(prepared)
    }

    /// The full authentication code of `message`, as long as the hash.
    package func authenticationCode(for message: Span<UInt8>) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: hashFunction.byteCount)
        var count = 0
        let done = OpenSSL.call { () -> Bool in
            guard let context = unsafe EVP_MAC_CTX_dup(prepared) else { return false }
            defer { unsafe EVP_MAC_CTX_free(context) }
            let updated = unsafe message.withUnsafeBufferPointer { message in
                unsafe EVP_MAC_update(context, message.baseAddress, message.count)
            }
            guard updated == 1 else { return false }
            return unsafe code.withUnsafeMutableBufferPointer { code in
                unsafe EVP_MAC_final(context, code.baseAddress, &count, code.count) == 1
            }
        }
        guard done, count == code.count else { preconditionFailure("HMAC failed") }
        return code
    }

    /// Whether `code` is the full code of `message`, in a time that does not depend on how much of it is correct.
    package func isValid(_ code: Span<UInt8>, for message: Span<UInt8>) -> Bool {
        constantTimeEquals(authenticationCode(for: message).span, code)
    }
}

/// HMAC (RFC 2104) with a single-use key.
package enum HMAC {
    package static func authenticationCode(
        for message: Span<UInt8>, key: Span<UInt8>, _ hashFunction: HashFunction
    ) -> [UInt8] {
        HMACKey(key, hashFunction).authenticationCode(for: message)
    }
}

/// The HMAC implementation, fetched once for the process.
@safe
private final class MACAlgorithm: @unchecked Sendable {
    let pointer: OpaquePointer?

    static let hmac = MACAlgorithm()

    private init() {
        unsafe pointer = OpenSSL.call { unsafe EVP_MAC_fetch(nil, "HMAC", nil) }
    }

    deinit {
        unsafe EVP_MAC_free(pointer)
    }
}
