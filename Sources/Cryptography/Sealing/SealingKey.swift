// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// A key for AES-256-GCM (NIST SP 800-38D) with a 12-byte nonce and a 16-byte tag.
///
/// The key schedule is computed once for each direction; each use only sets the nonce. It modifies the contexts, so a
/// key is confined to one event loop: one for each, not one for all.
@safe
package final class SealingKey {
    package static let keyByteCount = 32
    package static let nonceByteCount = 12
    package static let tagByteCount = 16
    /// How much longer the sealed form is than the plain text.
    package static let overhead = nonceByteCount + tagByteCount

    private let sealing: OpaquePointer
    private let opening: OpaquePointer

    /// `key` must be 32 bytes: the caller derives it and chooses the length.
    package init(key: [UInt8]) {
        precondition(key.count == Self.keyByteCount, "AES-256 takes 32 bytes")
        guard let cipher = unsafe CipherAlgorithm.aes256GCM.pointer,
            let sealing = unsafe EVP_CIPHER_CTX_new(), let opening = unsafe EVP_CIPHER_CTX_new()
        else { preconditionFailure("libcrypto has no AES-256-GCM") }
        let done = unsafe key.withUnsafeBufferPointer { key in
            OpenSSL.call {
                unsafe EVP_EncryptInit_ex2(sealing, cipher, key.baseAddress, nil, nil) == 1
                    && EVP_DecryptInit_ex2(opening, cipher, key.baseAddress, nil, nil) == 1
            }
        }
        guard done else { preconditionFailure("AES-256-GCM could not be keyed") }
        unsafe self.sealing = sealing
        unsafe self.opening = opening
    }

    deinit {
        // Freeing zeroes the key schedule.
        unsafe EVP_CIPHER_CTX_free(sealing)
        unsafe EVP_CIPHER_CTX_free(opening)
    }

    /// Appends nonce, cipher text and tag to `output`.
    ///
    /// `nonce` must be 12 random bytes, never used before with this key. `data` is authenticated but not included.
    package func seal(
        _ plaintext: Span<UInt8>, nonce: Span<UInt8>, authenticating data: Span<UInt8>, into output: inout [UInt8]
    ) {
        precondition(nonce.count == Self.nonceByteCount, "the nonce is 12 bytes")
        let start = output.count
        output.reserveCapacity(start + plaintext.count + Self.overhead)
        unsafe nonce.withUnsafeBufferPointer { unsafe output.append(contentsOf: $0) }
        unsafe plaintext.withUnsafeBufferPointer { unsafe output.append(contentsOf: $0) }
        seal(from: start, in: &output, authenticating: data)
    }

    /// Seals the content of `buffer` from `start` on, in place: a nonce, as above, followed by the plain text. The tag
    /// is appended.
    package func seal(from start: Int, in buffer: inout [UInt8], authenticating data: Span<UInt8>) {
        let count = buffer.count - start - Self.nonceByteCount
        precondition(start >= 0 && count >= 0, "the nonce is 12 bytes")
        Self.appendRoomForTag(to: &buffer)
        let done = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return false }
            let nonce = unsafe base + start
            let body = unsafe nonce + Self.nonceByteCount
            let tag = unsafe body + count
            let text = unsafe UnsafeBufferPointer(start: body, count: count)
            // Success leaves nothing in the library's error queue, and failure ends the process: no need to check the
            // queue.
            return unsafe data.withUnsafeBufferPointer { data in
                unsafe run(sealing, nonce, data, text, body) && finishSealing(tag)
            }
        }
        guard done else { preconditionFailure("AES-256-GCM failed to seal") }
    }

    /// Appends the plain text to `output` if `sealed` was made with this key and the same `data`.
    ///
    /// False for every failure alike, with `output` unchanged: unauthenticated text is never returned.
    package func open(
        _ sealed: Span<UInt8>, authenticating data: Span<UInt8>, into output: inout [UInt8]
    ) -> Bool {
        guard sealed.count >= Self.overhead else { return false }
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: sealed.count - Self.overhead))
        let done = unsafe output.withUnsafeMutableBufferPointer { output in
            unsafe sealed.withUnsafeBufferPointer { sealed in
                unsafe data.withUnsafeBufferPointer { data in
                    guard let nonce = sealed.baseAddress else { return false }
                    let end = sealed.count - Self.tagByteCount
                    let ciphertext = unsafe UnsafeBufferPointer(rebasing: sealed[Self.nonceByteCount..<end])
                    var tag = InlineArray<16, UInt8>(repeating: 0)
                    for index in 0..<Self.tagByteCount { tag[index] = unsafe sealed[end + index] }
                    // An empty buffer has no address; then nothing is written to this one.
                    let body = unsafe output.baseAddress.map { unsafe $0 + start }
                    return OpenSSL.call {
                        unsafe run(opening, nonce, data, ciphertext, body) && finishOpening(&tag)
                    }
                }
            }
        }
        guard done else {
            // Decrypted but not authentic: erase it before it can be read.
            for index in start..<output.count { output[index] = 0 }
            output.removeLast(output.count - start)
            return false
        }
        return true
    }

    private static func appendRoomForTag(to output: inout [UInt8]) {
        let room = InlineArray<16, UInt8>(repeating: 0)
        unsafe withUnsafeBytes(of: room) { unsafe output.append(contentsOf: $0) }
    }

    /// Sets the nonce, processes the authenticated data and then the text. The context has a fixed direction.
    private func run(
        _ context: OpaquePointer, _ nonce: UnsafePointer<UInt8>, _ data: UnsafeBufferPointer<UInt8>,
        _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutablePointer<UInt8>?
    ) -> Bool {
        guard data.count <= Int(Int32.max), input.count <= Int(Int32.max) else { return false }
        var written: Int32 = 0
        // Without cipher and key both stay unchanged; only the nonce is set.
        guard unsafe EVP_CipherInit_ex2(context, nil, nil, nonce, -1, nil) == 1 else { return false }
        if !data.isEmpty {
            guard unsafe EVP_CipherUpdate(context, nil, &written, data.baseAddress, Int32(data.count)) == 1
            else { return false }
        }
        guard !input.isEmpty else { return true }
        return unsafe EVP_CipherUpdate(context, output, &written, input.baseAddress, Int32(input.count)) == 1
            && Int(written) == input.count
    }

    private func finishSealing(_ tag: UnsafeMutablePointer<UInt8>) -> Bool {
        var written: Int32 = 0
        // GCM writes nothing at the end, but the call requires a buffer.
        return unsafe EVP_EncryptFinal_ex(sealing, tag, &written) == 1 && written == 0
            && EVP_CIPHER_CTX_ctrl(sealing, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagByteCount), tag) == 1
    }

    private func finishOpening(_ tag: inout InlineArray<16, UInt8>) -> Bool {
        var written: Int32 = 0
        var rest = InlineArray<16, UInt8>(repeating: 0)
        return unsafe withUnsafeMutablePointer(to: &tag) { tag in
            unsafe withUnsafeMutableBytes(of: &rest) { rest in
                unsafe EVP_CIPHER_CTX_ctrl(opening, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagByteCount), tag) == 1
                    && EVP_DecryptFinal_ex(
                        opening, rest.baseAddress?.assumingMemoryBound(to: UInt8.self), &written) == 1
            }
        }
    }
}

/// The cipher, fetched once for the process.
@safe
private final class CipherAlgorithm: @unchecked Sendable {
    let pointer: OpaquePointer?

    static let aes256GCM = CipherAlgorithm()

    private init() {
        unsafe pointer = OpenSSL.call { unsafe EVP_CIPHER_fetch(nil, "AES-256-GCM", nil) }
    }

    deinit {
        unsafe EVP_CIPHER_free(pointer)
    }
}
