// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import JWT
import Testing

@Suite struct TokenClaimTests {
    @Test("A verified token has its claims unchanged, in order, with its digest, ID and issuer")
    func handedOn() throws {
        let claims = #"{"z":12345678901234567890,"iss":"idp","jti":"abc","iat":1700000000,"a":["x",{"y":null}]}"#
        let text = signed(claims)
        let token = try TokenVerifier.symmetric().accepted(text)
        #expect(token.claims.serialized() == bytes(claims))
        #expect(token.id == "abc")
        #expect(token.issuer == "idp")
        #expect(token.issuedAt == 1_700_000_000)
        #expect(token.algorithm == .hs256)
        let input = bytes(text.split(separator: ".").dropLast().joined(separator: "."))
        let digest = SHA256.hash(input.span)
        #expect(token.signingInputDigest == digest)
    }

    @Test("Tokens with different claims have different digests; the signature is not included")
    func digests() throws {
        let verifier = try TokenVerifier.symmetric()
        let first = try verifier.accepted(signed(#"{"iat":1700000000,"n":1}"#))
        let second = try verifier.accepted(signed(#"{"iat":1700000000,"n":2}"#))
        #expect(first.signingInputDigest != second.signingInputDigest)
        #expect(first.signingInputDigest.count == 32)
    }

    static let manual = TokenPolicy(
        headerAliases: ["alg": ["ALG"], "typ": ["Type"]],
        claimAliases: ["exp": ["ехр"], "iat": ["IAT"], "jti": ["JTI"]])

    @Test("Aliases are replaced by names: the token of a manual that writes ALG, Type, IAT, JTI and a Cyrillic ехр")
    func aliases() throws {
        let token = signed(
            #"{"IAT":1700000000,"JTI":"f4as6d5f4as6d54fasd6df4","ехр":1700000060,"email":"ada@example.com"}"#,
            header: #"{"Type":"JWT","ALG":"HS256"}"#)
        let verifier = try TokenVerifier.symmetric(Self.manual)
        let verified = try verifier.accepted(token)
        #expect(verified.id == "f4as6d5f4as6d54fasd6df4")
        #expect(verified.issuedAt == 1_700_000_000)
        #expect(verified.expiresAt == 1_700_000_120)
        #expect(verified.claims["exp"] == 1_700_000_060)
        #expect(verified.claims["ехр"] == nil)
        #expect(verifier.reason(token, now: 1_700_000_130) == .expired)
        #expect(try TokenVerifier.symmetric().reason(token) == .algorithmMissing, "only what is configured is an alias")
    }

    @Test("An alias that is not configured is a claim like any other, and limits nothing")
    func unconfigured() throws {
        let verifier = try TokenVerifier.symmetric()
        #expect(verifier.reason(signed(#"{"IAT":1700000000}"#)) == .issuedAtMissing)
        #expect(verifier.reason(signed(#"{"iat":1700000000,"ехр":1}"#)) == nil)
    }

    @Test(
        "A name and its alias with different values are refused, with the same value accepted",
        arguments: [
            (#"{"alg":"HS256"}"#, #"{"iat":1700000000,"IAT":1700000000}"#, nil),
            (#"{"alg":"HS256"}"#, #"{"iat":1700000000,"IAT":1700000001}"#, .claimsMalformed),
            (#"{"alg":"HS256"}"#, #"{"iat":1700000000,"exp":1700000100,"ехр":1}"#, .claimsMalformed),
            (#"{"alg":"HS256"}"#, #"{"IAT":1700000000,"iat":"1700000000"}"#, .claimsMalformed),
            (#"{"alg":"HS256"}"#, #"{"IAT":"1700000000"}"#, .claimsMalformed),
            (#"{"alg":"HS256"}"#, #"{"iat":1700000000,"jti":"a","JTI":"b"}"#, .claimsMalformed),
            (#"{"alg":"HS256","ALG":"HS256"}"#, goodClaims, nil),
            (#"{"alg":"HS256","ALG":"none"}"#, goodClaims, .headerMalformed),
            (#"{"alg":"none","ALG":"HS256"}"#, goodClaims, .headerMalformed),
            (#"{"ALG":"none"}"#, goodClaims, .algorithmNotAllowed), (#"{"ALG":7}"#, goodClaims, .headerMalformed),
        ] as [(String, String, Reason?)])
    func conflicts(header: String, claims: String, reason: Reason?) throws {
        let verifier = try TokenVerifier.symmetric(Self.manual)
        #expect(verifier.reason(signed(claims, header: header)) == reason)
    }

    @Test("The contents of a token can be displayed without verifying it")
    func showing() throws {
        let shown = try #require(contents(signed(goodClaims, header: "[", secret: "wrong")))
        #expect(shown.header == nil)
        #expect(shown.claims?["sub"] == "ada")
        if contents("nothing") != nil { Issue.record("contents without a token") }
    }
}
