// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Signs tokens: for development, the demo's identity provider and logout tokens.
package struct TokenMinter: Sendable {
    private enum Signer: Sendable {
        case secret(VerificationKey)
        case privateKey(PrivateKey, SignatureScheme)
    }

    package let algorithm: Algorithm
    package let keyID: String?
    private let signer: Signer

    /// Signs with a shared secret; the algorithm must be an HMAC.
    package init(secret key: VerificationKey, algorithm: Algorithm = .hs256) throws(KeyError) {
        guard key.isSymmetric, key.serves(algorithm) else {
            throw .unsupported("\(algorithm.rawValue) cannot be signed with this key (\(key.summary))")
        }
        signer = .secret(key)
        self.algorithm = algorithm
        keyID = key.keyID
    }

    /// Signs with a private key. Without an algorithm, the default for the key: RS256, ES256 to ES512, EdDSA.
    package init(privateKey: PrivateKey, algorithm: Algorithm? = nil, keyID: String? = nil) throws(KeyError) {
        let algorithm = algorithm ?? Self.usualAlgorithm(for: privateKey.kind)
        guard case .signature(let scheme, _) = algorithm.method, algorithm.isServed(by: privateKey.kind) else {
            throw .unsupported("\(algorithm.rawValue) cannot be signed with this kind of key")
        }
        signer = .privateKey(privateKey, scheme)
        self.algorithm = algorithm
        self.keyID = keyID
    }

    /// Signs with a private key in PEM.
    package init(privateKeyPEM pem: [UInt8], algorithm: Algorithm? = nil, keyID: String? = nil) throws(KeyError) {
        let key: PrivateKey
        do {
            key = try PrivateKey(pem: pem)
        } catch {
            throw KeyError(error)
        }
        try self.init(privateKey: key, algorithm: algorithm, keyID: keyID)
    }

    /// The compact token of these claims, in this order.
    package func mint(claims: [(String, JSONValue)]) -> String {
        mint(claims: JSONObject(claims))
    }

    package func mint(claims: JSONObject) -> String {
        var header: [(String, JSONValue)] = [("alg", .string(algorithm.rawValue)), ("typ", "JWT")]
        if let keyID { header.append(("kid", .string(keyID))) }
        return mint(header: JSONObject(header), payload: JSONValue.object(claims).serialized())
    }

    /// Signs any header and any payload, valid or not, for tests and tools.
    package func mint(header: JSONObject, payload: [UInt8]) -> String {
        var token = Base64URL.encode(JSONValue.object(header).serialized())
        token.append(0x2E)
        Base64URL.encode(payload.span, into: &token)
        let signature = sign(token.span)
        token.append(0x2E)
        Base64URL.encode(signature.span, into: &token)
        return String(decoding: token, as: UTF8.self)
    }

    private func sign(_ message: Span<UInt8>) -> [UInt8] {
        switch signer {
        case .secret(let key):
            // The key supports the algorithm: checked by init.
            guard let code = key.authenticationCode(for: message, algorithm) else { preconditionFailure("no secret") }
            return code
        case .privateKey(let key, let scheme):
            do {
                return try key.sign(message, scheme)
            } catch {
                // The key was loaded and checked: this fails only if memory is exhausted.
                preconditionFailure("signing failed: \(error)")
            }
        }
    }

    private static func usualAlgorithm(for kind: KeyKind) -> Algorithm {
        switch kind {
        case .rsa(_, onlyPSS: false): .rs256
        case .rsa(_, onlyPSS: true): .ps256
        case .ellipticCurve(.p256): .es256
        case .ellipticCurve(.p384): .es384
        case .ellipticCurve(.p521): .es512
        case .ed25519: .edDSA
        }
    }
}
