// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// A signing key.
package struct PrivateKey: Sendable {
    package let kind: KeyKind
    let key: AsymmetricKey

    /// The private key in a PEM text, unencrypted.
    package init(pem: [UInt8]) throws(CryptographyError) {
        try self.init(checking: PEM.privateKey(pem))
    }

    /// A new key on this curve.
    package static func generate(_ curve: EllipticCurve) throws(CryptographyError) -> PrivateKey {
        unsafe try generate { unsafe sidegate_generate_ec(curve.groupName) }
    }

    /// A new RSA key. Takes a tenth of a second or more.
    package static func generateRSA(bits: Int = 2048) throws(CryptographyError) -> PrivateKey {
        unsafe try generate { unsafe sidegate_generate_rsa(max(0, bits)) }
    }

    /// A new Ed25519 key.
    package static func generateEd25519() throws(CryptographyError) -> PrivateKey {
        unsafe try generate { unsafe sidegate_generate_ed25519() }
    }

    /// The public half.
    package func publicKey() throws(CryptographyError) -> PublicKey {
        try PublicKey(der: publicKeyDER())
    }

    /// The public half as a SubjectPublicKeyInfo in DER.
    package func publicKeyDER() throws(CryptographyError) -> [UInt8] {
        let der = OpenSSL.call { () -> [UInt8]? in
            let count = unsafe i2d_PUBKEY(key.pointer, nil)
            guard count > 0 else { return nil }
            var bytes = [UInt8](repeating: 0, count: Int(count))
            let written = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
                var cursor = buffer.baseAddress
                return unsafe i2d_PUBKEY(key.pointer, &cursor)
            }
            return written == count ? bytes : nil
        }
        guard let der else { throw .failed("the public half cannot be written") }
        return der
    }

    /// The public half in PEM.
    package func publicKeyPEM() throws(CryptographyError) -> String {
        PEM.text(try publicKeyDER(), label: "PUBLIC KEY")
    }

    /// The key's signature of `message`; for ECDSA, r and s concatenated.
    package func sign(_ message: Span<UInt8>, _ scheme: SignatureScheme) throws(CryptographyError) -> [UInt8] {
        guard kind.serves(scheme) else { throw .unsupportedKey("the key is not of the algorithm's kind") }
        let signature = try OpenSSL.call { () throws(CryptographyError) in
            guard let context = unsafe EVP_MD_CTX_new() else { throw .failed(OpenSSL.failure) }
            defer { unsafe EVP_MD_CTX_free(context) }
            var parameters: OpaquePointer?
            let digest = AsymmetricKey.digestName(scheme)
            guard unsafe EVP_DigestSignInit_ex(context, &parameters, digest, nil, nil, key.pointer, nil) == 1,
                unsafe AsymmetricKey.configure(parameters, for: scheme)
            else { throw .failed(OpenSSL.failure) }
            // Room for the largest supported one: RSA's is as long as the modulus, the others are shorter.
            var signature = [UInt8](repeating: 0, count: RSAModulus.maximumBits / 8)
            var count = signature.count
            let done = unsafe message.withUnsafeBufferPointer { message in
                unsafe signature.withUnsafeMutableBufferPointer { signature in
                    unsafe EVP_DigestSign(context, signature.baseAddress, &count, message.baseAddress, message.count)
                }
            }
            guard done == 1, count <= signature.count else { throw .failed(OpenSSL.failure) }
            signature.removeLast(signature.count - count)
            return signature
        }
        guard case .ellipticCurve(let curve) = kind else { return signature }
        guard let raw = RawECDSASignature.raw(signature, curve: curve) else {
            throw .failed("not a signature on \(curve.rawValue)")
        }
        return raw
    }

    /// Provides the key to libssl.
    package func withPointer<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        unsafe body(key.pointer)
    }

    private init(checking key: AsymmetricKey) throws(CryptographyError) {
        kind = try OpenSSL.call { () throws(CryptographyError) in try key.kind() }
        self.key = key
    }

    private static func generate(_ make: () -> OpaquePointer?) throws(CryptographyError) -> PrivateKey {
        let key = try OpenSSL.call { () throws(CryptographyError) in
            guard let pointer = unsafe make() else { throw .failed(OpenSSL.failure) }
            return unsafe AsymmetricKey(adopting: pointer)
        }
        return try PrivateKey(checking: key)
    }
}
