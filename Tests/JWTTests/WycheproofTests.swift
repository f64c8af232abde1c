// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import JWT
import Testing

/// Wycheproof's JSON Web Signature and Key vectors: hostile tokens that broke other libraries.
///
/// Their payloads are texts, not claims. So a token with a valid signature is refused at the claims, which are checked
/// after it, and any other refusal is due to the signature.
@Suite struct WycheproofTests {
    /// Marked valid, refused here on purpose; with the reason.
    static let stricter: [Int: String] = [
        346: "the key says alg PS256, the token PS384: a key is used for its own algorithm only",
        347: "the key says alg ES521, which no RFC registers, so it is for nothing that is served",
        350: "the key says alg PS256, the token PS384",
        351: "the key says alg ES521",
        372: "an illegal ? in the header part: marked wrongly",
        373: "an illegal ? in the claims part: marked wrongly",
    ]
    /// Marked invalid, accepted: identical to the token of the valid case 357, without the padding that it describes.
    static let markedWrongly: Set = [367, 370]

    @Test("All 401 signature vectors have the stated result")
    func signatures() throws {
        let vectors = try JSONParser.parse(file("Vectors/wycheproof/json_web_signature_test.json"))
        var counts = (all: 0, good: 0)
        for group in try #require(vectors["testGroups"]?.array) {
            let key = try #require(group["public"] ?? group["private"])
            for test in try #require(group["tests"]?.array) {
                let number = try #require(test["tcId"]?.number?.integer)
                let name = "\(number) \(test["comment"]?.string ?? "")"
                // One case is a JWS in JSON form, not a string.
                let jws = try #require(test["jws"])
                let token = jws.string ?? String(decoding: jws.serialized(), as: UTF8.self)
                let isGood = Self.isGood(token, key)
                let stated = test["result"]?.string == "valid"
                let expected = stated ? Self.stricter[number] == nil : Self.markedWrongly.contains(number)
                #expect(isGood == expected, "\(name)")
                counts.all += 1
                counts.good += isGood ? 1 : 0
            }
        }
        #expect(counts.all == 401)
        #expect(counts.good == 42)
    }

    @Test("Cases 367 and 370 are the token of case 357, byte for byte")
    func markedWrongly() throws {
        let vectors = try JSONParser.parse(file("Vectors/wycheproof/json_web_signature_test.json"))
        let tests = try #require(vectors["testGroups"]?.array).flatMap { $0["tests"]?.array ?? [] }
        let token = { (number: Int) in tests.first { $0["tcId"]?.number?.integer == number }?["jws"]?.string }
        #expect(token(357) != nil)
        #expect(token(367) == token(357))
        #expect(token(370) == token(357))
        #expect(token(372)?.contains("?") == true)
        #expect(token(373)?.contains("?") == true)
    }

    @Test("The four RFC 7520 cases with a contradicting alg are valid without the key's alg")
    func contradictingKeys() throws {
        let vectors = try JSONParser.parse(file("Vectors/wycheproof/json_web_signature_test.json"))
        var count = 0
        for group in try #require(vectors["testGroups"]?.array) {
            for test in try #require(group["tests"]?.array) {
                guard [346, 347, 350, 351].contains(test["tcId"]?.number?.integer) else { continue }
                var key = try #require(group["public"]?.object)
                key["alg"] = nil
                #expect(Self.isGood(try #require(test["jws"]?.string), .object(key)))
                count += 1
            }
        }
        #expect(count == 4)
    }

    @Test("All 26 key vectors have the stated result")
    func keys() throws {
        let vectors = try JSONParser.parse(file("Vectors/wycheproof/json_web_key_test.json"))
        var count = 0
        for group in try #require(vectors["testGroups"]?.array) {
            let keys = try #require(group["public"] ?? group["private"])
            for test in try #require(group["tests"]?.array) {
                let name = "\(test["tcId"]?.number?.text ?? "") \(test["comment"]?.string ?? "")"
                let isGood = Self.isGood(try #require(test["jws"]?.string), keys)
                #expect(isGood == (test["result"]?.string == "valid"), "\(name)")
                count += 1
            }
        }
        #expect(count == 26)
    }

    /// With every algorithm allowed, so that only the key matters.
    static func isGood(_ token: String, _ keys: JSONValue) -> Bool {
        guard let keys = try? KeySet(jwks: keys.serialized()) else { return false }
        let verifier = TokenVerifier(policy: TokenPolicy(algorithms: Set(Algorithm.allCases)), keys: keys)
        return verifier.reason(token) == .claimsMalformed
    }
}

/// The examples of the RFCs themselves.
@Suite struct RFCVectorTests {
    @Test(
        "RFC 7520 §4.1 to §4.4: the compact forms are valid, and no symbol of them can be changed",
        arguments: [
            "4_1.rsa_v15_signature", "4_2.rsa-pss_signature", "4_3.ecdsa_signature",
            "4_4.hmac-sha2_integrity_protection",
        ])
    func rfc7520(name: String) throws {
        let vector = try JSONParser.parse(file("Vectors/rfc7520/\(name).json"))
        let key = try #require(vector["input"]?["key"])
        let token = try #require(vector["output"]?["compact"]?.string)
        #expect(WycheproofTests.isGood(token, key))
        for index in token.indices where token[index] != "." {
            var changed = token
            changed.replaceSubrange(index...index, with: token[index] == "A" ? "B" : "A")
            #expect(!WycheproofTests.isGood(changed, key))
        }
    }

    @Test("RFC 7520 §4.5 to §4.8 have no compact form with content: detached or in JSON, refused on purpose")
    func otherForms() throws {
        let detached = try JSONParser.parse(file("Vectors/rfc7520/4_5.signature_with_detached_content.json"))
        let compact = try #require(detached["output"]?["compact"]?.string)
        #expect(!WycheproofTests.isGood(compact, try #require(detached["input"]?["key"])))
        for name in [
            "4_5.signature_with_detached_content", "4_6.protecting_specific_header_fields",
            "4_7.protecting_content_only", "4_8.multiple_signatures",
        ] {
            let vector = try JSONParser.parse(file("Vectors/rfc7520/\(name).json"))
            let output = try #require(vector["output"]?["json"] ?? vector["output"]?["json_flat"])
            let verifier = try TokenVerifier.symmetric()
            #expect(verifier.reason(String(decoding: output.serialized(), as: UTF8.self)) == .tokenMalformed)
        }
    }

    @Test("RFC 7515 §A.1 and §A.3, RFC 8037 §A.4: the examples of HS256, ES256 and EdDSA")
    func examples() throws {
        let hs256 = """
            eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
            cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
            """
        let octets = """
            {"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}
            """
        let verifier = TokenVerifier(policy: TokenPolicy(maxAge: nil), keys: try KeySet(jwks: bytes(octets)))
        let token = try verifier.accepted(hs256, now: 1_300_819_379)
        #expect(token.issuer == "joe")
        #expect(token.expiresAt == 1_300_819_440)
        #expect(token.claims["http://example.com/is_root"] == true)
        #expect(verifier.reason(hs256) == .expired)

        let es256 = """
            eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
            Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q
            """
        let point = """
            {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
             "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
            """
        let ecdsa = TokenVerifier(policy: TokenPolicy(algorithms: [.es256]), keys: try KeySet(jwks: bytes(point)))
        #expect(try ecdsa.accepted(es256, now: 1_300_819_379).algorithm == .es256)

        let edDSA = """
            eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhi\
            jcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg
            """
        let ed25519 = #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
        #expect(WycheproofTests.isGood(edDSA, try json(ed25519)))
    }
}
