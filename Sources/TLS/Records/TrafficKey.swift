// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Cryptography

/// The cipher suites of TLS 1.3 (RFC 8446 §B.4) whose records can be sealed without libssl.
package enum RecordSuite: UInt32, CaseIterable, Sendable {
    case aes128GCM = 0x0300_1301
    case aes256GCM = 0x0300_1302
    case chacha20Poly1305 = 0x0300_1303

    package var hash: HashFunction { self == .aes256GCM ? .sha384 : .sha256 }

    fileprivate var keyByteCount: Int { self == .aes128GCM ? 16 : 32 }

    fileprivate var cipher: FetchedCipher {
        switch self {
        case .aes128GCM: .aes128GCM
        case .aes256GCM: .aes256GCM
        case .chacha20Poly1305: .chacha20Poly1305
        }
    }
}

/// The key that protects the records of one direction (RFC 8446 §5.2), derived from its traffic secret.
///
/// Each record has a sequence number, counted from 0, from which its nonce is formed. No number may be used twice with
/// a key: to continue after libssl's records, their number must be known, which is proved by opening them.
@safe
package final class TrafficKey {
    private let suite: RecordSuite
    private let secret: SecretBytes
    private let context: OpaquePointer
    private let iv: InlineArray<12, UInt8>
    /// The next record's sequence number.
    package private(set) var sequence: UInt64 = 0

    /// Nil if `secret` is not valid for this suite, or memory is exhausted.
    package init?(_ suite: RecordSuite, _ secret: SecretBytes) {
        guard secret.count == suite.hash.byteCount, let cipher = unsafe suite.cipher.pointer,
            let expander = secret.withBytes({ HKDFSecret($0, suite.hash) }),
            let key = Self.expand(expander, Self.keyLabel, suite.keyByteCount),
            let iv = Self.expand(expander, Self.ivLabel, Self.ivByteCount),
            let context = unsafe EVP_CIPHER_CTX_new()
        else { return nil }
        self.iv = iv.withBytes { iv in InlineArray { iv[$0] } }
        self.suite = suite
        self.secret = secret
        unsafe self.context = context
        let done = key.withBytes { key in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe EVP_CipherInit_ex2(context, cipher, key.baseAddress, nil, 1, nil) == 1
            }
        }
        guard done else { return nil }
    }

    deinit {
        // Freeing zeroes the key schedule.
        unsafe EVP_CIPHER_CTX_free(context)
    }

    /// The next generation of the key (RFC 8446 §7.2).
    package func next() -> TrafficKey? {
        guard let expander = secret.withBytes({ HKDFSecret($0, suite.hash) }),
            let next = Self.expand(expander, Self.updateLabel, suite.hash.byteCount)
        else { return nil }
        return TrafficKey(suite, next)
    }

    /// HKDF-Expand-Label (RFC 8446 §7.1) without a context, for outputs not longer than the hash.
    private static func expand(_ secret: HKDFSecret, _ label: [UInt8], _ count: Int) -> SecretBytes? {
        var info: [UInt8] = []
        info.reserveCapacity(4 + label.count)
        info.append(UInt8(truncatingIfNeeded: count >> 8))
        info.append(UInt8(truncatingIfNeeded: count))
        info.append(UInt8(truncatingIfNeeded: label.count))
        info += label
        info.append(0)
        return secret.expand(info, count)
    }

    private static let keyLabel = Array("tls13 key".utf8)
    private static let ivLabel = Array("tls13 iv".utf8)
    private static let updateLabel = Array("tls13 traffic upd".utf8)

    // MARK: Records

    /// Writes a record with the pieces as content to `target`, which must have room for ``overhead`` bytes more.
    ///
    /// - Returns: the record's length; nil if it could not be sealed and the connection must end.
    package func seal(
        _ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>, type: RecordType,
        to target: UnsafeMutableRawPointer
    ) -> Int? {
        let count = first.count + second.count + third.count
        guard count <= Self.maximumContent else { return nil }
        let length = count + 1 + Self.tagByteCount
        let target = unsafe target.assumingMemoryBound(to: UInt8.self)
        unsafe target[0] = RecordType.data.rawValue
        unsafe (target[1], target[2]) = (3, 3)
        unsafe (target[3], target[4]) = (UInt8(length >> 8), UInt8(truncatingIfNeeded: length))
        var place = unsafe target + Self.headerByteCount
        var (type, written) = (type.rawValue, Int32(0))
        let done =
            unsafe begin(sealing: true, header: target) && update(first, &place) && update(second, &place)
            && update(third, &place)
            && EVP_CipherUpdate(context, place, &written, &type, 1) == 1
            && EVP_CipherFinal_ex(context, place + 1, &written) == 1
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagByteCount), place + 1) == 1
        return done ? Self.headerByteCount + length : nil
    }

    /// Opens the record of `count` bytes, header included, at `record`. The content is written to `target`, which must
    /// have room for `count` bytes and must not be read if the result is nil.
    package func open(
        _ record: UnsafePointer<UInt8>, _ count: Int, to target: UnsafeMutableRawPointer
    ) -> (type: UInt8, count: Int)? {
        let size = count - Self.headerByteCount - Self.tagByteCount
        guard size > 0 else { return nil }
        let body = unsafe record + Self.headerByteCount
        let target = unsafe target.assumingMemoryBound(to: UInt8.self)
        var (written, rest) = (Int32(0), InlineArray<16, UInt8>(repeating: 0))
        let done = unsafe withUnsafeMutableBytes(of: &rest) { rest in
            unsafe begin(sealing: false, header: record)
                && EVP_CipherUpdate(context, target, &written, body, Int32(size)) == 1
                && EVP_CIPHER_CTX_ctrl(
                    context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagByteCount),
                    UnsafeMutablePointer(mutating: body + size)) == 1
                && EVP_CipherFinal_ex(context, rest.baseAddress?.assumingMemoryBound(to: UInt8.self), &written) == 1
        }
        guard done else { return nil }
        // The content type comes last, before zero padding.
        var end = size - 1
        while end > 0, unsafe target[end] == 0 { end -= 1 }
        return unsafe (target[end], end)
    }

    /// Sets the next record's nonce and the additional data. Both directions use the same key schedule.
    private func begin(sealing: Bool, header: UnsafePointer<UInt8>) -> Bool {
        guard sequence < .max else { return false }
        var nonce = iv
        for index in 0..<8 { nonce[4 + index] ^= UInt8(truncatingIfNeeded: sequence >> (56 - 8 * UInt64(index))) }
        sequence += 1
        var written: Int32 = 0
        return unsafe withUnsafeBytes(of: &nonce) { nonce in
            unsafe EVP_CipherInit_ex2(
                context, nil, nil, nonce.baseAddress?.assumingMemoryBound(to: UInt8.self), sealing ? 1 : 0, nil) == 1
                && EVP_CipherUpdate(context, nil, &written, header, Int32(Self.headerByteCount)) == 1
        }
    }

    private func update(_ piece: Span<UInt8>, _ place: inout UnsafeMutablePointer<UInt8>) -> Bool {
        guard !piece.isEmpty else { return true }
        var written: Int32 = 0
        let done = unsafe piece.withUnsafeBufferPointer {
            unsafe EVP_CipherUpdate(context, place, &written, $0.baseAddress, Int32($0.count)) == 1
        }
        unsafe place += piece.count
        return done && Int(written) == piece.count
    }

    static let headerByteCount = 5
    private static let tagByteCount = 16
    private static let ivByteCount = 12
    /// The bytes that a record adds to its content: header, content type and tag.
    package static let overhead = headerByteCount + 1 + tagByteCount
    /// The maximum content of a record (RFC 8446 §5.1), and the maximum length after its header (§5.2).
    static let maximumContent = 16384
    static let maximumLength = 16384 + 256
}

/// A record's content type (RFC 8446 §5.1).
package enum RecordType: UInt8, Sendable {
    case alert = 21
    case handshake = 22
    case data = 23
}

/// A cipher fetched once for the process; otherwise libcrypto searches for it on each use.
@safe
final class FetchedCipher: @unchecked Sendable {
    // Sendable: libcrypto's method objects are immutable once fetched, and atomically reference-counted.
    let pointer: OpaquePointer?

    /// For session tickets.
    static let aes256CBC = FetchedCipher("AES-256-CBC")
    static let aes128GCM = FetchedCipher("AES-128-GCM")
    static let aes256GCM = FetchedCipher("AES-256-GCM")
    static let chacha20Poly1305 = FetchedCipher("ChaCha20-Poly1305")

    private init(_ name: String) {
        unsafe pointer = EVP_CIPHER_fetch(nil, name, nil)
        ErrorQueue.empty()
    }

    deinit {
        unsafe EVP_CIPHER_free(pointer)
    }
}
