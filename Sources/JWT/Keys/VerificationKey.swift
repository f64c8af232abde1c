// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// A key for verifying tokens, and the algorithms it may be used with.
///
/// They are determined by the type of the key and its `alg`: a public key never serves as an HMAC secret
/// (CVE-2016-10555), since only the case `.secret` holds one.
package struct VerificationKey: Sendable {
    /// Least length of an HMAC key, in bytes: 128 bits.
    package static let minimumSecretByteCount = 16

    enum Material: Sendable {
        case secret(SharedSecret)
        case publicKey(PublicKey)
    }

    let material: Material
    /// `kid`: a token that names a key is verified with that key.
    package let keyID: String?
    /// The one algorithm declared by the key (RFC 7517 §4.4); nil: any that its type supports.
    package let algorithm: Algorithm?
    /// A secret of less than 128 bits, permitted by `allowWeak`: causes a warning.
    package let isWeak: Bool

    /// A shared secret for HMAC.
    package init(
        secret: [UInt8], encoding: SecretEncoding = .utf8, keyID: String? = nil, allowWeak: Bool = false
    ) throws(KeyError) {
        guard !Self.isPublicKey(secret) else { throw .publicKeyAsSecret }
        let key = try encoding.decode(secret)
        try self.init(
            key: key, keyID: keyID, algorithm: nil, minimum: Self.minimumSecretByteCount, allowWeak: allowWeak)
    }

    /// A public key or a certificate in PEM.
    package init(pem: [UInt8], keyID: String? = nil) throws(KeyError) {
        do {
            self.init(try PEM.publicKey(pem), keyID: keyID, algorithm: nil)
        } catch {
            throw KeyError(error)
        }
    }

    package init(_ key: PublicKey, keyID: String? = nil, algorithm: Algorithm? = nil) {
        material = .publicKey(key)
        self.keyID = keyID
        self.algorithm = algorithm
        isWeak = false
    }

    /// `key`: the decoded bytes; `minimum`: their required number.
    init(key: [UInt8], keyID: String?, algorithm: Algorithm?, minimum: Int, allowWeak: Bool) throws(KeyError) {
        guard !key.isEmpty else { throw .empty }
        guard !Self.isPublicKey(key) else { throw .publicKeyAsSecret }
        guard key.count >= minimum || allowWeak else {
            throw .weak(
                "the secret has \(key.count * 8) bits; at least \(minimum * 8) are needed (sidegate secret makes one)")
        }
        material = .secret(SharedSecret(key))
        self.keyID = keyID
        self.algorithm = algorithm
        isWeak = key.count < minimum
    }

    /// Whether this key may verify tokens with that algorithm.
    package func serves(_ wanted: Algorithm) -> Bool {
        if let algorithm, algorithm != wanted { return false }
        switch material {
        case .secret: return wanted.isSymmetric
        case .publicKey(let key): return wanted.isServed(by: key.kind)
        }
    }

    /// The same secret, or the same public key, whatever it is called.
    package func isSameKey(as other: VerificationKey) -> Bool {
        switch (material, other.material) {
        case (.secret(let mine), .secret(let theirs)): mine.isSame(as: theirs)
        case (.publicKey(let mine), .publicKey(let theirs)): mine.isSame(as: theirs)
        case (.secret, .publicKey), (.publicKey, .secret): false
        }
    }

    /// One shared secret for signing and verifying.
    package var isSymmetric: Bool {
        if case .secret = material { true } else { false }
    }

    /// The type, for humans: "RSA, 2048 bits".
    package var summary: String {
        switch material {
        case .secret(let secret): return "secret, \(secret.byteCount * 8) bits"
        case .publicKey(let key):
            switch key.kind {
            case .rsa(let bits, let onlyPSS): return "RSA\(onlyPSS ? "-PSS" : ""), \(bits) bits"
            case .ellipticCurve(let curve): return "EC, \(curve.rawValue)"
            case .ed25519: return "Ed25519"
            }
        }
    }

    /// Whether `signature` is valid for `message`; false if the key does not support the algorithm.
    func isValid(_ signature: Span<UInt8>, for message: Span<UInt8>, _ wanted: Algorithm) -> Bool {
        guard serves(wanted) else { return false }
        switch (material, wanted.method) {
        case (.secret(let secret), .hmac(let hash)):
            return secret.key(hash).isValid(signature, for: message)
        case (.publicKey(let key), .signature(let scheme, _)):
            return key.isValid(signature, for: message, scheme)
        case (.secret, .signature), (.publicKey, .hmac):
            return false
        }
    }

    /// The code of `message`, if this is a secret that supports the algorithm.
    func authenticationCode(for message: Span<UInt8>, _ wanted: Algorithm) -> [UInt8]? {
        guard serves(wanted), case .secret(let secret) = material, case .hmac(let hash) = wanted.method else {
            return nil
        }
        return secret.key(hash).authenticationCode(for: message)
    }

    /// Whether these are the text or bytes of a public key, a certificate or a JWK in any common form.
    private static func isPublicKey(_ bytes: [UInt8]) -> Bool {
        if PEM.isPresent(in: bytes.span) || PublicKey.isKeyMaterial(bytes.span) { return true }
        if String(decoding: bytes.prefix(12), as: UTF8.self).hasPrefix("ssh-") { return true }
        // The body of a PEM without its first and last line, or a whole PEM encoded in base64 again.
        let joined = bytes.filter { $0 > 0x20 }
        if let decoded = Base64.decode(joined.span) {
            if PublicKey.isKeyMaterial(decoded.span) || PEM.isPresent(in: decoded.span) { return true }
        }
        // A symmetric JWK is no text of a secret either, though not public: its `k` is meant.
        if let value = try? JSONParser.parse(bytes.span), value["kty"] != nil || value["keys"] != nil { return true }
        return false
    }
}

/// A shared secret, prepared for each hash. The key's bytes are stored only in libcrypto's contexts, which zero them.
final class SharedSecret: Sendable {
    let byteCount: Int
    private let sha256: HMACKey
    private let sha384: HMACKey
    private let sha512: HMACKey

    init(_ key: [UInt8]) {
        byteCount = key.count
        sha256 = HMACKey(key.span, .sha256)
        sha384 = HMACKey(key.span, .sha384)
        sha512 = HMACKey(key.span, .sha512)
    }

    func isSame(as other: SharedSecret) -> Bool {
        let message = Array("the same key".utf8)
        return byteCount == other.byteCount
            && other.sha256.isValid(sha256.authenticationCode(for: message.span).span, for: message.span)
    }

    func key(_ hash: HashFunction) -> HMACKey {
        switch hash {
        case .sha256: sha256
        case .sha384: sha384
        case .sha512: sha512
        }
    }
}
