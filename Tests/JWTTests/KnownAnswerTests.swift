// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT
import Testing

/// Tokens that product manuals print or describe, verbatim.
@Suite struct KnownAnswerTests {
    private func verifier(
        _ secret: String, _ encoding: SecretEncoding, _ policy: TokenPolicy = TokenPolicy()
    ) throws -> TokenVerifier {
        let key = try VerificationKey(secret: bytes(secret), encoding: encoding, allowWeak: true)
        return TokenVerifier(policy: policy, keys: KeySet(keys: [key]))
    }

    // MARK: ProProfs

    static let proprofsInput =
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImp0aSI6IjJhMTU5ZTgyNGYwZDJkNDRkZDFjNzEzZTI2MTBh"
        + "ODM0IiwidXNlcl9lbWFpbCI6ImFAZXhhbXBsZS5jb20iLCJzaXRlX2FjY2VzcyI6IjQ0NTY3LDc3ODk4IiwiZ3Vlc3QiOmZhbHNlfQ."
    static let proprofsPolicy = TokenPolicy(maxAge: 180, minimumIDLength: 32)

    @Test("ProProfs: the key is the MD5 of the API key as 32 lower-case hexadecimal characters")
    func proprofsKey() throws {
        let token = Self.proprofsInput + "aaCUetXQUYu7XJju7O_nMvHdpHZoySwvRYUdaJXKEE0"
        let verified = try verifier("key goes here", .md5hex, Self.proprofsPolicy).accepted(token)
        #expect(verified.claims["user_email"] == "a@example.com")
        #expect(verified.claims["site_access"] == "44567,77898")
        #expect(verified.claims["guest"] == false)
        #expect(verified.id?.utf8.count == 32)
        #expect(try verifier("key goes here", .utf8, Self.proprofsPolicy).reason(token) == .signatureInvalid)
    }

    @Test("ProProfs: the raw bytes of the MD5 are a different key, and refused")
    func proprofsRawKey() throws {
        let token = Self.proprofsInput + "pXuJl0piQXkxL3sSr3V26BIvJXvDQMCocPBWredykuI"
        #expect(try verifier("key goes here", .md5hex, Self.proprofsPolicy).reason(token) == .signatureInvalid)
        // The signature is genuine: with those 16 bytes as the key it is valid.
        #expect(try verifier("69f1e23de2fdc68e3ce1d9ac47c9d937", .hex, Self.proprofsPolicy).reason(token) == nil)
    }

    @Test(
        "ProProfs: without exp the token is valid for three minutes, plus the clock skew",
        arguments: [
            (1_700_000_000.0, nil), (1_700_000_240, nil), (1_700_000_240.5, .tooOld), (1_699_999_940, nil),
            (1_699_999_939, .issuedInFuture),
        ] as [(Double, Reason?)])
    func proprofsAge(_ moment: Double, _ reason: Reason?) throws {
        let token = Self.proprofsInput + "aaCUetXQUYu7XJju7O_nMvHdpHZoySwvRYUdaJXKEE0"
        let verifier = try verifier("key goes here", .md5hex, Self.proprofsPolicy)
        #expect(verifier.reason(token, now: moment) == reason)
    }

    // MARK: iSpring

    static let ispringToken =
        "eyJUeXBlIjoiSldUIiwiQUxHIjoiSFMyNTYifQ.eyJJQVQiOjEyMzQ1Njc4OSwiSlRJIjoiZjRhczZkNWY0YXM2ZDU0ZmFzZDZkZjQiLCLQtd"
        + "GF0YAiOjEyMzQ1Njg0OSwiZW1haWwiOiJ1c2VybmFtZUB5b3VyY29tcGFueS5jb20ifQ.AICcvKF9ejcNl6tK4Os8EfzFt_6Qusr_X-SDA-"
        + "J-gb4"
    static let ispringPolicy = TokenPolicy(
        headerAliases: ["alg": ["ALG"], "typ": ["Type"]],
        claimAliases: ["iat": ["IAT"], "jti": ["JTI"], "exp": ["\u{435}\u{445}\u{440}"]])

    @Test("iSpring: the token as printed, with Type, ALG, IAT, JTI and a Cyrillic exp, is accepted by its aliases")
    func ispring() throws {
        let verified = try verifier("secret", .utf8, Self.ispringPolicy).accepted(Self.ispringToken, now: 123_456_800)
        #expect(verified.claims["email"] == "username@yourcompany.com")
        #expect(verified.id == "f4as6d5f4as6d54fasd6df4")
        #expect(verified.issuedAt == 123_456_789)
        #expect(verified.expiresAt == 123_456_909)
    }

    @Test("iSpring: the Cyrillic exp limits the token like any other")
    func ispringExpiry() throws {
        let verifier = try verifier("secret", .utf8, Self.ispringPolicy)
        #expect(verifier.reason(Self.ispringToken, now: 123_456_908) == nil)
        #expect(verifier.reason(Self.ispringToken, now: 123_456_909) == .expired)
    }

    @Test("iSpring: aliases apply only if configured, and there are none by default")
    func aliasesAreOff() throws {
        #expect(TokenPolicy().headerAliases.isEmpty)
        #expect(TokenPolicy().claimAliases.isEmpty)
        let plain = try verifier("secret", .utf8)
        #expect(plain.reason(Self.ispringToken, now: 123_456_800) == .algorithmMissing)
        let headerOnly = try verifier(
            "secret", .utf8, TokenPolicy(headerAliases: Self.ispringPolicy.headerAliases))
        #expect(headerOnly.reason(Self.ispringToken, now: 123_456_800) == .issuedAtMissing)
        let noExpiry = try verifier(
            "secret", .utf8,
            TokenPolicy(headerAliases: Self.ispringPolicy.headerAliases, claimAliases: ["iat": ["IAT"]]))
        #expect(noExpiry.reason(Self.ispringToken, now: 123_456_920) == nil, "ехр is nothing to it")
    }
}
