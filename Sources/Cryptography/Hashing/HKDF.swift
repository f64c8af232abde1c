// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// HKDF with SHA-256 (RFC 5869), implemented by HMAC.
package enum HKDF {
    /// Key material of `length` bytes (at most 255 × 32); keys with different `info` are independent.
    package static func sha256(secret: [UInt8], salt: [UInt8], info: [UInt8], length: Int) -> [UInt8] {
        precondition(length > 0 && length <= 255 * 32, "RFC 5869 §2.3: at most 255 blocks")
        // §2.2: a missing salt is a salt of zeros, and HMAC pads a short key with zeros: the same code.
        let extracted = HMAC.authenticationCode(for: secret.span, key: salt.span, .sha256)
        let key = HMACKey(extracted.span, .sha256)
        var output: [UInt8] = []
        var block: [UInt8] = []
        var counter: UInt8 = 0
        while output.count < length {
            counter += 1  // at most 255 blocks, by the precondition
            block = key.authenticationCode(for: (block + info + [counter]).span)
            output += block.prefix(length - output.count)
        }
        return output
    }
}

/// A secret that is expanded several times (RFC 5869 §2.3), to at most the hash's length each time.
///
/// The secret is hashed once, and each expansion costs two copies of a digest: a third of the cost of libcrypto's HMAC,
/// which matters since each connection has its own secrets.
@safe
package final class HKDFSecret {
    private let hash: HashFunction
    private let inner: OpaquePointer?
    private let outer: OpaquePointer?
    private let working: OpaquePointer?

    /// `secret` is HKDF's pseudorandom key, at most as long as the hash's block. Nil if it is longer, or memory is
    /// exhausted.
    package init?(_ secret: Span<UInt8>, _ hash: HashFunction) {
        self.hash = hash
        unsafe inner = EVP_MD_CTX_new()
        unsafe outer = EVP_MD_CTX_new()
        unsafe working = EVP_MD_CTX_new()
        guard secret.count <= hash.blockByteCount, let digest = unsafe hash.algorithm.pointer,
            let inner = unsafe inner, let outer = unsafe outer, unsafe working != nil
        else { return nil }
        // RFC 2104 §2.
        var pad = [UInt8](repeating: 0x36, count: hash.blockByteCount)
        for index in secret.indices { pad[index] ^= secret[index] }
        let done = unsafe pad.withUnsafeMutableBufferPointer { pad in
            OpenSSL.call {
                guard unsafe EVP_DigestInit_ex2(inner, digest, nil) == 1,
                    unsafe EVP_DigestUpdate(inner, pad.baseAddress, pad.count) == 1
                else { return false }
                for index in pad.indices { unsafe pad[index] ^= 0x36 ^ 0x5c }
                defer { unsafe OPENSSL_cleanse(pad.baseAddress, pad.count) }
                return unsafe EVP_DigestInit_ex2(outer, digest, nil) == 1
                    && EVP_DigestUpdate(outer, pad.baseAddress, pad.count) == 1
            }
        }
        guard done else { return nil }
    }

    deinit {
        // Freeing zeroes what they hold.
        unsafe EVP_MD_CTX_free(inner)
        unsafe EVP_MD_CTX_free(outer)
        unsafe EVP_MD_CTX_free(working)
    }

    /// `count` bytes of key material, at most the hash's length; keys with different `info` are independent.
    package func expand(_ info: [UInt8], _ count: Int) -> SecretBytes? {
        precondition(0...hash.byteCount ~= count, "one block")
        guard let inner = unsafe inner, let outer = unsafe outer, let working = unsafe working else { return nil }
        let message = info + [1]  // the first block's number
        var code = [UInt8](repeating: 0, count: hash.byteCount)
        let done = unsafe code.withUnsafeMutableBufferPointer { code in
            OpenSSL.call {
                unsafe EVP_MD_CTX_copy_ex(working, inner) == 1
                    && EVP_DigestUpdate(working, message, message.count) == 1
                    && EVP_DigestFinal_ex(working, code.baseAddress, nil) == 1
                    && EVP_MD_CTX_copy_ex(working, outer) == 1
                    && EVP_DigestUpdate(working, code.baseAddress, code.count) == 1
                    && EVP_DigestFinal_ex(working, code.baseAddress, nil) == 1
            }
        }
        defer { unsafe code.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) } }
        return done ? SecretBytes(code.span.extracting(0..<count)) : nil
    }
}
