// SPDX-License-Identifier: Apache-2.0

/// HKDF with SHA-256 (RFC 5869), which is two uses of HMAC and nothing else.
package enum HKDF {
    /// Key material of `length` bytes (at most 255 × 32), separated by `info`: a different `info`, an independent key.
    package static func sha256(secret: [UInt8], salt: [UInt8], info: [UInt8], length: Int) -> [UInt8] {
        precondition(length > 0 && length <= 255 * 32, "RFC 5869 §2.3: at most 255 blocks")
        // §2.2: no salt is a salt of zeros, and HMAC pads a short key with zeros: the same code.
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
