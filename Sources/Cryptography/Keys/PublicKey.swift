// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// A key that verifies signatures. Its type, size and form have been checked.
package struct PublicKey: Sendable {
    package let kind: KeyKind
    let key: AsymmetricKey

    /// Takes ownership of `key`, and checks it.
    init(checking key: AsymmetricKey) throws(CryptographyError) {
        let kind = try OpenSSL.call { () throws(CryptographyError) in
            let kind = try key.kind()
            guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key.pointer, nil) else {
                throw .failed(OpenSSL.failure)
            }
            defer { unsafe EVP_PKEY_CTX_free(context) }
            // A point off its curve, a prime modulus: with such keys, signatures can be forged.
            guard unsafe EVP_PKEY_public_check(context) == 1 else {
                throw .weakKey("the key's parameters are invalid (\(OpenSSL.failure))")
            }
            return kind
        }
        self.kind = kind
        self.key = key
    }

    /// A key from a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in DER, with nothing after it.
    package init(der: [UInt8]) throws(CryptographyError) {
        let key = try OpenSSL.call { () throws(CryptographyError) in
            guard let key = Self.decode(der.span) else { throw .malformedKey("not a public key in DER") }
            return key
        }
        try self.init(checking: key)
    }

    /// RSA from its modulus and exponent, big-endian (RFC 7518 §6.3.1).
    package init(rsaModulus modulus: [UInt8], exponent: [UInt8]) throws(CryptographyError) {
        guard modulus.count <= RSAModulus.maximumBits / 8 + 1, exponent.count <= 8 else {
            throw .unsupportedKey("an RSA key whose modulus or exponent is too long")
        }
        let numbers = DER.sequence(DER.integer(modulus[...]), DER.integer(exponent[...]))
        try self.init(der: DER.sequence(DER.sequence(Self.rsaIdentifier, [0x05, 0x00]), DER.bitString(numbers)))
    }

    /// A point on a curve (RFC 7518 §6.2.1); both coordinates have the curve's full length.
    package init(curve: EllipticCurve, x: [UInt8], y: [UInt8]) throws(CryptographyError) {
        guard x.count == curve.byteCount, y.count == curve.byteCount else {
            throw .malformedKey("a coordinate on \(curve.rawValue) has \(curve.byteCount) bytes")
        }
        let algorithm = DER.sequence(Self.ecIdentifier, curve.objectIdentifier)
        try self.init(der: DER.sequence(algorithm, DER.bitString([0x04] + x + y)))
    }

    /// Ed25519 (RFC 8037 §2).
    package init(ed25519 bytes: [UInt8]) throws(CryptographyError) {
        guard bytes.count == 32 else { throw .malformedKey("an Ed25519 key has 32 bytes") }
        try self.init(der: DER.sequence(DER.sequence(Self.ed25519Identifier), DER.bitString(bytes)))
    }

    /// Whether `signature` is the key's for `message`; false for every failure, and for a scheme that does not fit the
    /// key.
    package func isValid(_ signature: Span<UInt8>, for message: Span<UInt8>, _ scheme: SignatureScheme) -> Bool {
        guard kind.serves(scheme) else { return false }
        if case .ellipticCurve(let curve) = kind {
            guard let der = RawECDSASignature.der(signature, curve: curve) else { return false }
            return verify(der.span, message, scheme)
        }
        return verify(signature, message, scheme)
    }

    /// The same key, however it was written.
    package func isSame(as other: PublicKey) -> Bool {
        OpenSSL.call { unsafe EVP_PKEY_eq(key.pointer, other.key.pointer) == 1 }
    }

    /// Whether the bytes are a public key or a certificate in DER, which a secret must never be.
    package static func isKeyMaterial(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count > 32, bytes[0] == 0x30 else { return false }
        return OpenSSL.call {
            if decode(bytes) != nil { return true }
            return unsafe bytes.withUnsafeBufferPointer { buffer in
                var cursor = buffer.baseAddress
                guard let certificate = unsafe d2i_X509(nil, &cursor, buffer.count) else { return false }
                unsafe X509_free(certificate)
                return true
            }
        }
    }

    private static func decode(_ der: Span<UInt8>) -> AsymmetricKey? {
        unsafe der.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            guard let end = unsafe buffer.baseAddress.map({ unsafe $0 + buffer.count }),
                let pointer = unsafe d2i_PUBKEY(nil, &cursor, buffer.count)
            else { return nil }
            let key = unsafe AsymmetricKey(adopting: pointer)
            return unsafe cursor == end ? key : nil
        }
    }

    private func verify(_ signature: Span<UInt8>, _ message: Span<UInt8>, _ scheme: SignatureScheme) -> Bool {
        OpenSSL.call {
            guard let context = unsafe EVP_MD_CTX_new() else { return false }
            defer { unsafe EVP_MD_CTX_free(context) }
            var parameters: OpaquePointer?
            let digest = AsymmetricKey.digestName(scheme)
            guard unsafe EVP_DigestVerifyInit_ex(context, &parameters, digest, nil, nil, key.pointer, nil) == 1,
                unsafe AsymmetricKey.configure(parameters, for: scheme)
            else { return false }
            return unsafe signature.withUnsafeBufferPointer { signature in
                unsafe message.withUnsafeBufferPointer { message in
                    // One means valid; zero and negative results mean invalid or failed.
                    unsafe EVP_DigestVerify(
                        context, signature.baseAddress, signature.count, message.baseAddress, message.count) == 1
                }
            }
        }
    }

    // Object identifiers in DER: RFC 3279 §2.3.1, RFC 5480 §2.1.1, RFC 8410 §3.
    private static let rsaIdentifier: [UInt8] = [
        0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01,
    ]
    private static let ecIdentifier: [UInt8] = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
    private static let ed25519Identifier: [UInt8] = [0x06, 0x03, 0x2B, 0x65, 0x70]
}
