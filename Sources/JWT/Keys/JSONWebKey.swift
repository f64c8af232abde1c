// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Reads a JSON Web Key (RFC 7517, RFC 7518 §6, RFC 8037 §2).
enum JSONWebKey {
    enum Outcome {
        case key(VerificationKey)
        /// A valid key that cannot verify supported tokens; says why.
        case ignored(String)
    }

    /// A key set may contain keys for other uses, which are ignored (RFC 7517 §5); a broken or weak key for this use is
    /// an error, since the operator must know.
    static func read(_ value: JSONValue, allowWeak: Bool) throws(KeyError) -> Outcome {
        guard let key = value.object else { throw .malformed("a key in the set is \(value.kindName), not an object") }
        guard let type = try text("kty", key) else { throw .malformed("a JWK without kty") }
        let keyID = try text("kid", key)
        let name = keyID.map { "the JWK \(quoted($0))" } ?? "a JWK"
        if let use = try text("use", key), !use.isExactly("sig") { return .ignored("\(name) is not for signatures") }
        if let operations = key["key_ops"] {
            guard let operations = operations.array else { throw .malformed("\(name): key_ops is not an array") }
            guard operations.contains("verify") else { return .ignored("\(name) is not for verifying") }
        }
        var algorithm: Algorithm?
        if let wanted = try text("alg", key) {
            algorithm = Algorithm(name: wanted)
            guard algorithm != nil else { return .ignored("\(name) is for the algorithm \(quoted(wanted))") }
        }
        switch type {
        case "oct":
            guard algorithm?.isSymmetric ?? true else { return .ignored("\(name): alg does not fit its kty") }
            return .key(try secret(key, keyID: keyID, algorithm: algorithm, allowWeak: allowWeak))
        case "RSA", "EC", "OKP":
            guard let publicKey = try publicKey(type, key) else { return .ignored("\(name) uses an unsupported curve") }
            guard algorithm?.isServed(by: publicKey.kind) ?? true else {
                return .ignored("\(name): alg does not fit its kty and crv")
            }
            return .key(VerificationKey(publicKey, keyID: keyID, algorithm: algorithm))
        default:
            return .ignored("\(name) is of the kind \(quoted(type))")
        }
    }

    private static func secret(
        _ key: JSONObject, keyID: String?, algorithm: Algorithm?, allowWeak: Bool
    ) throws(KeyError) -> VerificationKey {
        let bytes = try bytes("k", key)
        // RFC 7518 §3.2: at least as long as the hash, which is known if the key names its algorithm.
        var minimum = VerificationKey.minimumSecretByteCount
        if case .hmac(let hash) = algorithm?.method { minimum = hash.byteCount }
        return try VerificationKey(
            key: bytes, keyID: keyID, algorithm: algorithm, minimum: minimum, allowWeak: allowWeak)
    }

    /// Nil for an unsupported curve.
    private static func publicKey(_ type: String, _ key: JSONObject) throws(KeyError) -> PublicKey? {
        do {
            if type == "RSA" {
                return try PublicKey(rsaModulus: try bytes("n", key), exponent: try bytes("e", key))
            }
            guard let name = try text("crv", key) else { throw KeyError.malformed("a JWK of kty \(type) without crv") }
            if type == "OKP" {
                return name.isExactly("Ed25519") ? try PublicKey(ed25519: try bytes("x", key)) : nil
            }
            guard let curve = EllipticCurve(rawValue: name) else { return nil }
            return try PublicKey(curve: curve, x: try bytes("x", key), y: try bytes("y", key))
        } catch let error as CryptographyError {
            throw KeyError(error)
        } catch let error as KeyError {
            throw error
        } catch {
            throw .malformed("a JWK that cannot be read")
        }
    }

    private static func text(_ name: String, _ key: JSONObject) throws(KeyError) -> String? {
        guard let value = key[name] else { return nil }
        guard let text = value.string else { throw .malformed("a JWK's \(name) is \(value.kindName), not a string") }
        return text
    }

    private static func bytes(_ name: String, _ key: JSONObject) throws(KeyError) -> [UInt8] {
        guard let text = try text(name, key) else { throw .malformed("a JWK without \(name)") }
        let encoded = Array(text.utf8)
        guard let bytes = Base64URL.decode(encoded.span) else {
            throw .malformed("a JWK's \(name) is not base64url without padding")
        }
        return bytes
    }
}
