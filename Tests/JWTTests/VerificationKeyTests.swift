// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import JWT
import Testing

@Suite struct VerificationKeyTests {
    @Test(
        "A secret works in each encoding",
        arguments: [
            (SecretEncoding.utf8, "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
            (.base64, "MDEyMzQ1Njc4OWFiY2RlZj8/Pz8=", "0123456789abcdef????"),
            (.base64, "MDEyMzQ1Njc4OWFiY2RlZj8/Pz8", "0123456789abcdef????"),
            (.base64url, "MDEyMzQ1Njc4OWFiY2RlZj8_Pz8=", "0123456789abcdef????"),
            (.base64url, "MDEyMzQ1Njc4OWFiY2RlZj8_Pz8", "0123456789abcdef????"),
            (.hex, "30313233343536373839616263646566", "0123456789abcdef"),
            (.hex, "30313233343536373839616263646566".uppercased(), "0123456789abcdef"),
            // ProProfs: $key = md5("key goes here"), and the digits themselves are the key.
            (.md5hex, "key goes here", ""),
        ])
    func encodings(encoding: SecretEncoding, text: String, key: String) throws {
        let expected = encoding == .md5hex ? try #require(MD5.hexDigest(text)) : key
        let verifier = TokenVerifier(
            policy: TokenPolicy(), keys: KeySet(keys: [try VerificationKey(secret: bytes(text), encoding: encoding)]))
        #expect(verifier.reason(signed(goodClaims, secret: expected)) == nil)
        #expect(verifier.reason(signed(goodClaims, secret: expected + "x")) == .signatureInvalid)
    }

    @Test("The md5hex key is 32 lower-case digits, as the manual's PHP makes it")
    func md5hex() throws {
        let verifier = TokenVerifier(
            policy: TokenPolicy(), keys: KeySet(keys: [try VerificationKey(secret: bytes("abc"), encoding: .md5hex)]))
        #expect(verifier.reason(signed(goodClaims, secret: "900150983cd24fb0d6963f7d28e17f72")) == nil)
        #expect(verifier.reason(signed(goodClaims, secret: "900150983CD24FB0D6963F7D28E17F72")) == .signatureInvalid)
        #expect(verifier.reason(signed(goodClaims, secret: "abc")) == .signatureInvalid)
    }

    @Test(
        "A secret that is not in its encoding is rejected",
        arguments: [
            (SecretEncoding.base64, "0123456789abcdef_-"), (.base64, "0123456789abcdef===="),
            (.base64, "0123456789 abcdef"),
            (.base64url, "0123456789abcdef+/"), (.base64url, "0123456789abcdef\n"), (.hex, "0123456789abcdef0"),
            (.hex, "0x0123456789abcdef0123456789abcdef"), (.hex, "0123456789abcdefg0123456789abcde"),
        ])
    func badEncodings(encoding: SecretEncoding, text: String) {
        let error = #expect(throws: KeyError.self) { try VerificationKey(secret: bytes(text), encoding: encoding) }
        guard case .malformed(let message) = error else {
            Issue.record("refused for another reason: \(String(describing: error))")
            return
        }
        #expect(!message.contains(text), "no part of a secret is shown")
    }

    @Test("Each key supports the algorithms of its type and no others")
    func algorithms() throws {
        let keys: [(VerificationKey, Set<Algorithm>)] = [
            (try VerificationKey(secret: bytes(secret)), [.hs256, .hs384, .hs512]),
            (
                try VerificationKey(pem: key("rsa-2048.certificate.pem")),
                [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]
            ),
            (try VerificationKey(pem: key("rsa-pss.public.pem")), [.ps256, .ps384, .ps512]),
            (try VerificationKey(pem: key("ec-p256.public.pem")), [.es256]),
            (VerificationKey(try PrivateKey.generate(.p384).publicKey()), [.es384]),
            (VerificationKey(try PrivateKey.generate(.p521).publicKey()), [.es512]),
            (try VerificationKey(pem: key("ed25519.public.pem")), [.edDSA]),
            (VerificationKey(try PrivateKey.generateRSA().publicKey(), algorithm: .ps384), [.ps384]),
        ]
        for (key, algorithms) in keys {
            #expect(Set(Algorithm.allCases.filter { key.serves($0) }) == algorithms, "\(key.summary)")
        }
    }

    @Test("A kid selects its key; without one all that fit are tried; keys without ID match any kid")
    func choosing() throws {
        let first = try VerificationKey(secret: bytes("the first secret of 128 bits"), keyID: "first")
        let second = try VerificationKey(secret: bytes("the second secret of 128 bits"), keyID: "second")
        let nameless = try VerificationKey(secret: bytes(secret))
        let reason = { (keys: [VerificationKey], header: String, secret: String) in
            TokenVerifier(policy: TokenPolicy(), keys: KeySet(keys: keys))
                .reason(signed(goodClaims, header: header, secret: secret))
        }
        let named = #"{"alg":"HS256","kid":"second"}"#
        let unnamed = #"{"alg":"HS256"}"#
        let other = #"{"alg":"HS256","kid":"third"}"#
        #expect(reason([first, second], named, "the second secret of 128 bits") == nil)
        #expect(reason([first, second], named, "the first secret of 128 bits") == .signatureInvalid)
        #expect(reason([first, second], unnamed, "the first secret of 128 bits") == nil)
        #expect(reason([first, second], unnamed, "the second secret of 128 bits") == nil)
        #expect(reason([first, second], unnamed, secret) == .signatureInvalid)
        #expect(reason([first, second], other, "the first secret of 128 bits") == .keyNotFound)
        #expect(reason([first, second, nameless], other, secret) == nil)
        #expect(reason([first, second, nameless], other, "the first secret of 128 bits") == .signatureInvalid)
        #expect(reason([first, second, nameless], named, secret) == .signatureInvalid)
        #expect(reason([], unnamed, secret) == .keyNotFound)
        #expect(reason([first], #"{"alg":"HS256","kid":""}"#, "the first secret of 128 bits") == .keyNotFound)
        #expect(reason([first], #"{"alg":"HS256","kid":"../../dev/null"}"#, "") == .keyNotFound)
    }

    @Test("Keys of several types can be combined; each algorithm finds its own")
    func mixed() throws {
        let minters = try [
            TokenMinter(secret: VerificationKey(secret: bytes(secret)), algorithm: .hs512),
            TokenMinter(privateKeyPEM: key("rsa-2048.pem"), algorithm: .ps256),
            TokenMinter(privateKeyPEM: key("ec-p256.sec1.pem")), TokenMinter(privateKeyPEM: key("ed25519.pem")),
        ]
        let sec1 = try PrivateKey(pem: key("ec-p256.sec1.pem")).publicKey()
        let keys = try KeySet(
            keys: [
                VerificationKey(secret: bytes(secret)), VerificationKey(pem: key("rsa-2048.public.pem")),
                VerificationKey(sec1), VerificationKey(pem: key("ed25519.public.pem")),
            ])
        let verifier = TokenVerifier(policy: TokenPolicy(algorithms: Set(Algorithm.allCases)), keys: keys)
        for minter in minters {
            #expect(verifier.reason(minter.mint(claims: [("iat", 1_700_000_000)])) == nil)
        }
    }
}

@Suite struct KeySetTests {
    static let point = """
        "kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",\
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
        """
    static let ed25519 = #""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#

    @Test("Keys for other uses are left out, and reported")
    func ignoring() throws {
        let set = try KeySet(
            jwks: bytes(
                """
                {"keys":[{\(Self.point),"kid":"a","use":"sig","alg":"ES256"},{\(Self.point),"kid":"b","use":"enc"},
                {\(Self.point),"kid":"c","key_ops":["encrypt"]},{\(Self.point),"kid":"d","alg":"ECDH-ES"},
                {\(Self.point),"kid":"e","alg":"ES384"},{"kty":"AKP","kid":"f"},
                {"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"},{"kty":"OKP","crv":"X25519","x":"AA"},
                {\(Self.ed25519),"kid":"g","key_ops":["verify"],"x5c":["?"],"d":"ignored"}],"more":1}
                """))
        #expect(set.keys.map(\.keyID) == ["a", "g"])
        #expect(set.keys.map(\.algorithm) == [.es256, nil])
        #expect(set.ignored.count == 7)
    }

    @Test(
        "A broken, ambiguous or weak set is rejected as a whole",
        arguments: [
            "", "null", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[1]}"#, #"{"keys":[{}]}"#,
            #"{"keys":[{"kty":1}]}"#, #"{"keys":[],"keys":[]}"#, #"{"keys":[{"kty":"AKP"}]}"#,
            "{\"keys\":[{\(point),\"kid\":\"a\"},{\(ed25519),\"kid\":\"a\"}]}", "{\"keys\":[{\(point),\"kid\":1}]}",
            "{\"keys\":[{\(point),\"use\":1}]}", "{\"keys\":[{\(point),\"key_ops\":\"verify\"}]}",
            "{\"keys\":[{\(point)},{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZg\"}]}",
            #"{"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2Rl"}]}"#, #"{"keys":[{"kty":"oct","k":""}]}"#,
            #"{"keys":[{"kty":"oct"}]}"#, #"{"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZg=="}]}"#,
            #"{"keys":[{"kty":"oct","alg":"HS256","k":"MDEyMzQ1Njc4OWFiY2RlZg"}]}"#,
            #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}"#,
            #"{"kty":"EC","x":"AA","y":"AA"}"#, #"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#,
            #"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, #"{"kty":"RSA","e":"AQAB"}"#,
            #"{"kty":"RSA","n":"AQAB+","e":"AQAB"}"#,
        ])
    func refused(text: String) {
        #expect(throws: KeyError.self) { try KeySet(jwks: bytes(text)) }
    }

    @Test("A symmetric JWK of 128 bits is accepted unless its alg requires more")
    func symmetric() throws {
        let set = try KeySet(jwks: bytes(#"{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZg"}"#))
        let verifier = TokenVerifier(policy: TokenPolicy(), keys: set)
        #expect(verifier.reason(signed(goodClaims, secret: "0123456789abcdef")) == nil)
        let weak = bytes(#"{"kty":"oct","alg":"HS256","k":"MDEyMzQ1Njc4OWFiY2RlZg"}"#)
        #expect(try KeySet(jwks: weak, allowWeak: true).keys.map(\.isWeak) == [true])
    }

    @Test("A set of more than 100 keys is rejected")
    func bound() {
        let keys = (0...100).map { "{\(Self.ed25519),\"kid\":\"\($0)\"}" }.joined(separator: ",")
        #expect(throws: KeyError.self) { try KeySet(jwks: bytes("{\"keys\":[\(keys)]}")) }
    }

    @Test(
        "Read leniently, a published set loses its bad keys, but not its good ones",
        arguments: [
            // keys → names of those that are kept, the number of those reported
            ("{POINT,\"kid\":\"a\"},{OKP,\"kid\":\"b\"}", ["a", "b"], 0),
            ("{POINT,\"kid\":\"a\"},1,null,{},{\"kty\":1},{OKP,\"kid\":\"b\"}", ["a", "b"], 4),
            ("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"kid\":\"weak\"},{OKP,\"kid\":\"b\"}", ["b"], 1),
            ("{POINT,\"kid\":\"a\"},{POINT,\"kid\":\"a\"},{OKP,\"kid\":\"a\"}", ["a", "a"], 1),
            ("{POINT,\"kid\":\"a\"},{POINT},{POINT}", ["a", "-", "-"], 0),
            ("{POINT,\"kid\":\"a\"},{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZg\",\"kid\":\"s\"}", ["a"], 1),
            (
                "{\"kty\":\"oct\",\"k\":\"MDEy\",\"kid\":\"w\"},{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZg\"}",
                ["-"], 1
            ),
            (
                "{POINT,\"kid\":1},{POINT,\"use\":[]},{POINT,\"kid\":\"c\",\"use\":\"enc\"},{OKP,\"kid\":\"b\"}", ["b"],
                3
            ),
        ] as [(String, [String], Int)])
    func lenient(keys: String, kept: [String], told: Int) throws {
        let keys = keys.replacing("POINT", with: Self.point).replacing("OKP", with: Self.ed25519)
        let text = bytes("{\"keys\":[\(keys)]}")
        let set = try KeySet(jwks: text, isLenient: true)
        #expect(set.keys.map { $0.keyID ?? "-" } == kept)
        #expect(set.ignored.count == told)
        #expect(set.ignored.allSatisfy { !$0.contains("MDEy") })
    }

    @Test(
        "Read leniently, anything but a set with a usable key is still rejected, so the last good one is kept",
        arguments: [
            "", "null", "<html>", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[1]}"#,
            #"{"keys":[],"keys":[]}"#,
            #"{"keys":[{"kty":"oct","k":"MDEy"}]}"#, #"{"error":"unavailable"}"#,
        ])
    func lenientRefusal(text: String) {
        #expect(throws: KeyError.self) { try KeySet(jwks: bytes(text), isLenient: true) }
    }

    @Test("With several sources, the named key is tried, also if two sources have that name; else those that fit")
    func severalSources() throws {
        func set(_ secret: String, _ name: String?) throws -> KeySet {
            KeySet(keys: [try VerificationKey(secret: bytes(secret), keyID: name)])
        }
        let first = "the first source's secret", second = "the second source's secret",
            third = "a file's secret, unnamed"
        let merged = try set(first, "a").merged(with: set(second, "a")).merged(with: set(third, nil))
        let verifier = TokenVerifier(policy: TokenPolicy(), keys: merged)
        let named = #"{"alg":"HS256","kid":"a"}"#, unknown = #"{"alg":"HS256","kid":"new"}"#, none = #"{"alg":"HS256"}"#
        for (header, secret, reason) in [
            (named, first, nil), (named, second, nil), (named, third, .signatureInvalid),
            (unknown, third, nil), (unknown, first, .signatureInvalid),
            (none, first, nil), (none, second, nil), (none, third, nil),
            (none, "another secret of length", .signatureInvalid),
        ] as [(String, String, Reason?)] {
            #expect(
                verifier.reason(signed(goodClaims, header: header, secret: secret)) == reason, "\(header) \(secret)")
        }
        let namedOnly = try TokenVerifier(policy: TokenPolicy(), keys: set(first, "a").merged(with: set(second, "b")))
        #expect(namedOnly.reason(signed(goodClaims, header: unknown, secret: first)) == .keyNotFound)
    }
}
