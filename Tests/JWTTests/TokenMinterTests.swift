// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT
import Testing

@Suite struct TokenMinterTests {
    @Test("A minted token is accepted, with every algorithm", arguments: Algorithm.allCases)
    func roundTrip(algorithm: Algorithm) throws {
        let minter: TokenMinter
        let verifying: VerificationKey
        if algorithm.isSymmetric {
            verifying = try VerificationKey(secret: bytes(secret), keyID: "k")
            minter = try TokenMinter(secret: verifying, algorithm: algorithm)
        } else {
            let key: PrivateKey =
                switch algorithm {
                case .es256: try .generate(.p256)
                case .es384: try .generate(.p384)
                case .es512: try .generate(.p521)
                case .edDSA: try .generateEd25519()
                default: try .generateRSA()
                }
            minter = try TokenMinter(privateKey: key, algorithm: algorithm, keyID: "k")
            verifying = try VerificationKey(pem: bytes(key.publicKeyPEM()), keyID: "k")
        }
        let verifier = TokenVerifier(policy: TokenPolicy(algorithms: [algorithm]), keys: KeySet(keys: [verifying]))
        let text = minter.mint(claims: [("sub", "ada"), ("iat", 1_700_000_000), ("groups", ["a", "b"])])
        let token = try verifier.accepted(text)
        #expect(token.algorithm == algorithm)
        #expect(token.claims == ["sub": "ada", "iat": 1_700_000_000, "groups": ["a", "b"]])
        #expect(contents(text)?.header?["kid"] == "k")
        // The same bytes under every other algorithm name are refused.
        for other in Algorithm.allCases where other != algorithm {
            let header = encoded(#"{"alg":"\#(other.rawValue)","kid":"k"}"#)
            let parts = text.split(separator: ".")
            let lying = TokenVerifier(
                policy: TokenPolicy(algorithms: Set(Algorithm.allCases)), keys: KeySet(keys: [verifying]))
            #expect(lying.reason("\(header).\(parts[1]).\(parts[2])") != nil)
        }
    }

    @Test("A key of another type does not sign")
    func mismatches() throws {
        let rsa = try key("rsa-2048.pem")
        let ec = try key("ec-p256.pem")
        #expect(throws: KeyError.self) { try TokenMinter(privateKeyPEM: rsa, algorithm: .es256) }
        #expect(throws: KeyError.self) { try TokenMinter(privateKeyPEM: rsa, algorithm: .hs256) }
        #expect(throws: KeyError.self) { try TokenMinter(privateKeyPEM: ec, algorithm: .es384) }
        #expect(throws: KeyError.self) { try TokenMinter(privateKeyPEM: bytes("secret")) }
        #expect(throws: KeyError.self) {
            try TokenMinter(secret: VerificationKey(secret: bytes(secret)), algorithm: .rs256)
        }
        #expect(throws: KeyError.self) { try TokenMinter(secret: VerificationKey(pem: key("ec-p256.public.pem"))) }
    }
}
