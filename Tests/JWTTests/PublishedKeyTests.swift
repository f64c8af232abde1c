// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT
import Testing

@Suite("Published keys")
struct PublishedKeyTests {
    @Test("the key of RFC 7638 §3.1 has the thumbprint printed there")
    func thumbprint() throws {
        let modulus = """
            0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
            tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91\
            CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw
            """
        let decoded = Base64URL.decode(Array(modulus.utf8).span)
        let bytes = try #require(decoded)
        let key = try PublishedKey(PublicKey(rsaModulus: bytes, exponent: [1, 0, 1]), algorithm: .rs256)
        #expect(key.keyID == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
    }

    @Test("a key set is read back as the same keys, without duplicates", arguments: EllipticCurve.allCases)
    func roundTrip(curve: EllipticCurve) throws {
        let algorithm: Algorithm = curve == .p256 ? .es256 : curve == .p384 ? .es384 : .es512
        let privateKey = try PrivateKey.generate(curve)
        let published = try PublishedKey(privateKey.publicKey(), algorithm: algorithm)
        let set = try KeySet(jwks: PublishedKey.set([published, published]))
        #expect(set.keys.map(\.keyID) == [published.keyID])
        let minter = try TokenMinter(privateKey: privateKey, algorithm: algorithm, keyID: published.keyID)
        let token = Array(minter.mint(claims: [("sub", "ada"), ("exp", 2_000_000_000)]).utf8)
        let verifier = TokenVerifier(policy: TokenPolicy(algorithms: [algorithm]), keys: set)
        #expect(throws: Never.self) { try verifier.verify(token.span, now: 1_900_000_000) }
    }

    @Test("a key does not sign with another type's algorithm")
    func kinds() throws {
        let key = try PrivateKey.generate(.p384).publicKey()
        #expect(throws: KeyError.self) { try PublishedKey(key, algorithm: .es256) }
        let edwards = try PrivateKey.generateEd25519().publicKey()
        #expect(throws: KeyError.self) { try PublishedKey(edwards, algorithm: .edDSA) }
    }
}
