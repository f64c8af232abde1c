// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT
import TestSupport

/// Keys as operators and providers write them.
enum KeyTargets {
    /// PEM. A public key that is accepted is the same key after it was published as a JWK and read again, and no secret.
    static let pem = FuzzTarget(
        "keys-pem", maximumLength: 4096,
        dictionary: [
            "-----BEGIN ", "-----END ", "PUBLIC KEY-----\n", "CERTIFICATE-----\n", "Proc-Type: 4,ENCRYPTED\n",
        ],
        seedFolders: ["Tests/CryptographyTests/Keys"]
    ) { input throws(BrokenProperty) in
        _ = try? PrivateKey(pem: input)
        _ = try? CertificateChain(pem: input)
        guard let key = try? PEM.publicKey(input) else { return }
        try require(PEM.isPresent(in: input.span), "a key without a block")
        try require((try? VerificationKey(secret: input)) == nil, "a public key is a secret as well (CVE-2016-10555)")
        try republish(key)
    }

    /// DER, as SubjectPublicKeyInfo.
    static let der = FuzzTarget(
        "keys-der", maximumLength: 600,
        seeds: {
            let keys = [
                try? PrivateKey.generate(.p256), try? PrivateKey.generate(.p384), try? PrivateKey.generateEd25519(),
            ]
            return keys.compactMap { try? $0?.publicKeyDER() }
        }
    ) { input throws(BrokenProperty) in
        guard let key = try? PublicKey(der: input) else { return }
        try require(PublicKey.isKeyMaterial(input.span), "a key that may serve as a secret")
        try require(key.isSame(as: key), "a key that differs from itself")
        try republish(key)
    }

    /// JWK and JWK Sets. The strict reading accepts no more than the lenient one, and bounds hold.
    static let jwks = FuzzTarget(
        "keys-jwks", maximumLength: 2048,
        dictionary: [
            "\"kty\":\"RSA\"", "\"kty\":\"EC\"", "\"kty\":\"OKP\"", "\"kty\":\"oct\"", "\"crv\":\"P-256\"",
            "\"crv\":\"Ed25519\"",
            "\"use\":\"sig\"", "\"key_ops\":[\"verify\"]", "\"alg\":\"ES256\"", "\"kid\":\"a\"", "\"x5c\":[]", "\"n\":",
            "\"e\":\"AQAB\"",
            "\"k\":", "\"d\":", "{\"keys\":[", "]}",
        ],
        seeds: { published + secrets }
    ) { input throws(BrokenProperty) in
        let strict = try? KeySet(jwks: input)
        let lenient = try? KeySet(jwks: input, isLenient: true)
        if let strict {
            try require(lenient?.keys.count == strict.keys.count, "the lenient reading has other keys")
            try require(
                Set(strict.keys.compactMap(\.keyID)).count == strict.keys.compactMap(\.keyID).count, "two of a name")
        }
        guard let lenient else { return }
        try require(1...KeySet.maximumKeyCount ~= lenient.keys.count, "\(lenient.keys.count) keys")
        let isSymmetric = lenient.keys[0].isSymmetric
        for key in lenient.keys {
            try require(key.isSymmetric == isSymmetric, "secrets beside public keys")
            try require(key.algorithm.map(key.serves) ?? true, "a key that does not serve its own algorithm")
            for algorithm in Algorithm.allCases where key.serves(algorithm) {
                try require(algorithm.isSymmetric == isSymmetric, "\(algorithm) with \(key.summary)")
            }
        }
    }

    private static func republish(_ key: PublicKey) throws(BrokenProperty) {
        // A JWK cannot say that a key is for PSS alone, so it is another kind of key.
        if case .rsa(_, onlyPSS: true) = key.kind { return }
        for algorithm in Algorithm.allCases where !algorithm.isSymmetric {
            guard VerificationKey(key).serves(algorithm), let published = try? PublishedKey(key, algorithm: algorithm)
            else { continue }
            let text = PublishedKey.set([published])
            guard let set = try? KeySet(jwks: text), let read = set.keys.first else {
                throw BrokenProperty("what was published cannot be read: \(text.quoted)")
            }
            try require(read.isSameKey(as: VerificationKey(key)), "another key is published: \(text.quoted)")
            return
        }
    }

    private static var published: [[UInt8]] {
        let curves: [(EllipticCurve, Algorithm)] = [(.p256, .es256), (.p384, .es384), (.p521, .es512)]
        var keys = curves.compactMap { curve, algorithm in
            (try? PrivateKey.generate(curve).publicKey()).flatMap { try? PublishedKey($0, algorithm: algorithm) }
        }
        if let key = try? PrivateKey.generateRSA().publicKey(), let rsa = try? PublishedKey(key, algorithm: .rs256) {
            keys.append(rsa)
        }
        if let key = try? PrivateKey.generateEd25519().publicKey(),
            let eddsa = try? PublishedKey(key, algorithm: .edDSA)
        {
            keys.append(eddsa)
        }
        return keys.map { PublishedKey.set([$0]) } + [PublishedKey.set(keys)]
    }

    private static let secrets: [[UInt8]] = [
        "{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\",\"kid\":\"a\",\"alg\":\"HS256\"}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"},{\"kty\":\"EC\"}]}",
    ].map { [UInt8]($0) }
}
