// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// A public key for others to fetch: a JSON Web Key (RFC 7517), identified by its thumbprint (RFC 7638).
///
/// An ID derived from the key needs no coordination: replicas with the same key use the same ID, and no two keys share
/// one.
package struct PublishedKey: Sendable {
    package let keyID: String
    package let algorithm: Algorithm
    private let members: [(name: String, value: String)]

    /// - Parameter algorithm: the signature algorithm, which the key must support.
    package init(_ key: PublicKey, algorithm: Algorithm) throws(KeyError) {
        guard algorithm.isServed(by: key.kind) else {
            throw .unsupported("\(algorithm.rawValue) is not supported by this type of key")
        }
        // RFC 7638 §3.2: only the required members, in the order of their names.
        let members: [(name: String, value: String)]
        do throws(CryptographyError) {
            switch try key.parameters() {
            case .rsa(let modulus, let exponent):
                members = [("e", Self.text(exponent)), ("kty", "RSA"), ("n", Self.text(modulus))]
            case .ellipticCurve(let curve, let x, let y):
                members = [
                    ("crv", curve.rawValue), ("kty", "EC"), ("x", Self.text(x)), ("y", Self.text(y)),
                ]
            }
        } catch {
            throw KeyError(error)
        }
        self.members = members
        self.algorithm = algorithm
        let text = JSONValue.object(JSONObject(members.map { ($0.name, .string($0.value)) })).serialized()
        keyID = Self.text(SHA256.hash(text.span))
    }

    /// The public half of a private key in PEM.
    package init(privateKeyPEM pem: [UInt8], algorithm: Algorithm) throws(KeyError) {
        let key: PublicKey
        do throws(CryptographyError) {
            key = try PrivateKey(pem: pem).publicKey()
        } catch {
            throw KeyError(error)
        }
        try self.init(key, algorithm: algorithm)
    }

    /// A key in PEM, public or private: ES256 for P-256, RS256 for RSA.
    package init(pem: [UInt8]) throws(KeyError) {
        let key: PublicKey
        do throws(CryptographyError) {
            if let isPublic = try? PEM.publicKey(pem) {
                key = isPublic
            } else {
                key = try PrivateKey(pem: pem).publicKey()
            }
        } catch {
            throw KeyError(error)
        }
        let isRSA = if case .rsa = key.kind { true } else { false }
        try self.init(key, algorithm: isRSA ? .rs256 : .es256)
    }

    /// As an object of a JWK Set.
    package var document: JSONValue {
        .object(
            JSONObject(
                members.map { ($0.name, JSONValue.string($0.value)) } + [
                    ("kid", .string(keyID)), ("use", "sig"), ("alg", .string(algorithm.rawValue)),
                ]))
    }

    /// The JWK Set of these keys (RFC 7517 §5), without duplicates.
    package static func set(_ keys: [PublishedKey]) -> [UInt8] {
        var seen: Set<String> = []
        let documents = keys.filter { seen.insert($0.keyID).inserted }.map(\.document)
        return JSONValue.object(JSONObject([("keys", .array(documents))])).serialized()
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: Base64URL.encode(bytes), as: UTF8.self)
    }
}
