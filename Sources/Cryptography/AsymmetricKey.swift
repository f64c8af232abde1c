// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// The one owner of an `EVP_PKEY`.
@safe
final class AsymmetricKey: @unchecked Sendable {
    // Sendable: never changed after it was made; libcrypto's uses of a key are safe side by side.
    let pointer: OpaquePointer

    /// Takes over `pointer`.
    init(adopting pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    deinit {
        // Zeroes private parts.
        unsafe EVP_PKEY_free(pointer)
    }

    /// What kind of key it is; throws for kinds and sizes that are not served.
    func kind() throws(CryptographyError) -> KeyKind {
        if isA("RSA") { return .rsa(bits: try rsaBits(), onlyPSS: false) }
        if isA("RSA-PSS") { return .rsa(bits: try rsaBits(), onlyPSS: true) }
        if isA("ED25519") { return .ed25519 }
        if isA("EC") { return .ellipticCurve(try curve()) }
        throw .unsupportedKey("not RSA, EC (P-256, P-384, P-521) or Ed25519")
    }

    private func isA(_ name: String) -> Bool {
        unsafe EVP_PKEY_is_a(pointer, name) == 1
    }

    private func rsaBits() throws(CryptographyError) -> Int {
        let bits = Int(unsafe EVP_PKEY_get_bits(pointer))
        guard bits >= RSAModulus.minimumBits else {
            throw .weakKey("an RSA key of \(bits) bits; at least \(RSAModulus.minimumBits) are needed")
        }
        guard bits <= RSAModulus.maximumBits else {
            throw .unsupportedKey("an RSA key of \(bits) bits; at most \(RSAModulus.maximumBits) are served")
        }
        guard let modulus = bigNumber("n"), let exponent = bigNumber("e") else {
            throw .failed("the RSA key has no modulus")
        }
        // e = 1 makes every message its own signature; an even e has no inverse.
        guard exponent.count > 1 || exponent.first ?? 0 >= 3, (exponent.last ?? 0) & 1 == 1 else {
            throw .weakKey("the RSA key's public exponent is not an odd number of 3 or more")
        }
        guard !RSAModulus.isROCA(modulus) else {
            throw .weakKey("the RSA key was made by a broken generator (ROCA, CVE-2017-15361) and can be factored")
        }
        return bits
    }

    private func curve() throws(CryptographyError) -> EllipticCurve {
        // Parameters spelled out may describe a curve on which the private key is known (CVE-2020-0601).
        var explicit: Int32 = 0
        if unsafe EVP_PKEY_get_int_param(pointer, "decoded-from-explicit", &explicit) == 1, explicit != 0 {
            throw .unsupportedKey("an EC key with explicit parameters; a named curve is needed")
        }
        var name = [CChar](repeating: 0, count: 64)
        var count = 0
        let done = unsafe name.withUnsafeMutableBufferPointer { name in
            unsafe EVP_PKEY_get_group_name(pointer, name.baseAddress, name.count, &count)
        }
        let group = String(decoding: name.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard done == 1, let curve = EllipticCurve.allCases.first(where: { $0.groupName == group }) else {
            throw .unsupportedKey("an EC key on a curve other than P-256, P-384 and P-521")
        }
        return curve
    }

    /// A big-endian, unsigned parameter of the key.
    func bigNumber(_ name: String) -> [UInt8]? {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(pointer, name, &number) == 1, let number = unsafe number else { return nil }
        defer { unsafe BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: (Int(unsafe BN_num_bits(number)) + 7) / 8)
        let count = unsafe bytes.withUnsafeMutableBufferPointer { unsafe BN_bn2bin(number, $0.baseAddress) }
        return Int(count) == bytes.count ? bytes : nil
    }

    /// Sets what a scheme needs on a fresh signing or verifying context.
    static func configure(_ context: OpaquePointer?, for scheme: SignatureScheme) -> Bool {
        switch scheme {
        case .rsaPKCS1:
            return unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
        case .rsaPSS(let hash):
            // RFC 7518 §3.5: the salt is as long as the hash; any other length is another algorithm.
            return unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1
                && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, Int32(hash.byteCount)) == 1
                && EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, hash.name, nil) == 1
        case .ecdsa, .ed25519:
            return true
        }
    }

    /// The name of the hash that a scheme runs over the message first; Ed25519 takes the message itself.
    static func digestName(_ scheme: SignatureScheme) -> String? {
        switch scheme {
        case .rsaPKCS1(let hash), .rsaPSS(let hash), .ecdsa(let hash): hash.name
        case .ed25519: nil
        }
    }
}
