// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import JWT
import Testing

/// OpenID Connect Core §2, §3.1.3.7 and §3.1.3.8.
@Suite("ID tokens")
struct IDTokenTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let reason: Reason?
        let claims: String
        var nonce = "n-0S6_WzA2Mj"
        var accessToken: String? = "dNZX1hEZ9wBCzNL40Upu646bdzQA"
        var testDescription: String { "\(reason?.rawValue ?? "accepted"): \(claims)" }
    }

    static let policy = TokenPolicy(
        issuer: "https://idp.example", audience: ["app"], requireExpiry: true, client: "app")

    /// An ID token's claims, with changes: a name and its text as JSON, or nothing.
    static func claims(_ changes: (String, String?)...) -> String {
        var members = [
            ("iss", "\"https://idp.example\""), ("sub", "\"ada\""), ("aud", "\"app\""), ("iat", "1700000000"),
            ("exp", "1700000300"), ("nonce", "\"n-0S6_WzA2Mj\""),
        ]
        for (name, value) in changes {
            members.removeAll { $0.0 == name }
            if let value { members.append((name, value)) }
        }
        return "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    /// `at_hash` by a hash function.
    static func digest(_ token: String, _ hash: HashFunction) -> String {
        let text = bytes(token)
        let digest = hash.hash(text.span)
        return "\"\(Base64URL.encodeToString(Array(digest.prefix(digest.count / 2))))\""
    }

    static let cases: [Case] = [
        Case(reason: nil, claims: claims()),
        Case(reason: nil, claims: claims(), accessToken: nil),
        // What every ID token has.
        Case(reason: .claimsMalformed, claims: claims(("sub", nil))),
        Case(reason: .claimsMalformed, claims: claims(("sub", "\"\""))),
        Case(reason: .claimsMalformed, claims: claims(("sub", "7"))),
        Case(reason: .issuedAtMissing, claims: claims(("iat", nil))),
        Case(reason: .expiryMissing, claims: claims(("exp", nil))),
        Case(reason: .issuerMismatch, claims: claims(("iss", "\"https://idp.example/\""))),
        Case(reason: .issuerMismatch, claims: claims(("iss", nil))),
        Case(reason: .audienceMismatch, claims: claims(("aud", nil))),
        Case(reason: .audienceMismatch, claims: claims(("aud", "\"other\""))),
        Case(reason: .audienceMismatch, claims: claims(("aud", "[\"other\"]"), ("azp", "\"app\""))),
        // azp
        Case(reason: nil, claims: claims(("aud", "[\"app\"]"))),
        Case(reason: nil, claims: claims(("azp", "\"app\""))),
        Case(reason: nil, claims: claims(("aud", "[\"app\",\"other\"]"), ("azp", "\"app\""))),
        Case(reason: .audienceMismatch, claims: claims(("aud", "[\"app\",\"other\"]"))),
        Case(reason: .audienceMismatch, claims: claims(("aud", "[\"app\",\"other\"]"), ("azp", "\"other\""))),
        Case(reason: .audienceMismatch, claims: claims(("azp", "\"other\""))),
        Case(reason: .audienceMismatch, claims: claims(("azp", "\"APP\""))),
        Case(reason: .audienceMismatch, claims: claims(("azp", "[\"app\"]"))),
        Case(reason: .audienceMismatch, claims: claims(("azp", "null"))),
        // nonce
        Case(reason: .nonceMismatch, claims: claims(("nonce", nil))),
        Case(reason: .nonceMismatch, claims: claims(("nonce", "\"\""))),
        Case(reason: .nonceMismatch, claims: claims(("nonce", "\"n-0S6_WzA2M\""))),
        Case(reason: .nonceMismatch, claims: claims(("nonce", "\"N-0S6_WzA2Mj\""))),
        Case(reason: .nonceMismatch, claims: claims(("nonce", "[\"n-0S6_WzA2Mj\"]"))),
        Case(reason: .nonceMismatch, claims: claims(("nonce", "\"\"")), nonce: ""),
        Case(reason: .nonceMismatch, claims: claims(("nonce", nil)), nonce: ""),
        // at_hash
        Case(reason: nil, claims: claims(("at_hash", digest("dNZX1hEZ9wBCzNL40Upu646bdzQA", .sha256)))),
        Case(
            reason: .codeExchangeFailed,
            claims: claims(("at_hash", digest("dNZX1hEZ9wBCzNL40Upu646bdzQA", .sha512)))),
        Case(reason: .codeExchangeFailed, claims: claims(("at_hash", digest("another", .sha256)))),
        Case(reason: .codeExchangeFailed, claims: claims(("at_hash", "\"\""))),
        Case(reason: .codeExchangeFailed, claims: claims(("at_hash", "null"))),
        Case(
            reason: .codeExchangeFailed, claims: claims(("at_hash", digest("", .sha256))), accessToken: nil),
    ]

    @Test("Each ID token gets its verdict, and its reason", arguments: cases)
    func reasons(test: Case) throws {
        let verifier = try TokenVerifier.symmetric(Self.policy)
        let token = bytes(signed(test.claims))
        let binding = IDTokenBinding(nonce: bytes(test.nonce), accessToken: test.accessToken.map(bytes))
        var reason: Reason?
        do throws(TokenRefusal) {
            _ = try verifier.verify(token.span, now: now, binding: binding)
        } catch {
            reason = error.reason
            #expect(!error.expected.isEmpty && !error.actual.isEmpty && !error.fix.isEmpty)
            #expect(!(error.expected + error.actual).contains("n-0S6_WzA2Mj"))
        }
        #expect(reason == test.reason)
    }

    @Test("at_hash is made by the hash function of the token's algorithm", arguments: [HashFunction.sha384, .sha512])
    func hashes(hash: HashFunction) throws {
        let (name, algorithm): (String, Algorithm) = hash == .sha384 ? ("HS384", .hs384) : ("HS512", .hs512)
        var policy = Self.policy
        policy.algorithms = [algorithm]
        let verifier = try TokenVerifier.symmetric(policy)
        let binding = IDTokenBinding(nonce: bytes("n-0S6_WzA2Mj"), accessToken: bytes("access"))
        for digestHash in HashFunction.allCases {
            let claims = Self.claims(("at_hash", Self.digest("access", digestHash)))
            let token = bytes(signed(claims, header: "{\"alg\":\"\(name)\"}", hash: hash))
            let verified = try? verifier.verify(token.span, now: now, binding: binding)
            #expect((verified != nil) == (digestHash == hash))
        }
    }

    @Test("Without an attempt, as for explain and bearer tokens, nonce and at_hash are left open")
    func unbound() throws {
        let verifier = try TokenVerifier.symmetric(Self.policy)
        #expect(verifier.reason(signed(Self.claims(("nonce", nil)))) == nil)
        #expect(verifier.reason(signed(Self.claims(("azp", "\"other\"")))) == .audienceMismatch)
        let names = verifier.examine(signed(Self.claims())).map(\.name)
        #expect(names.suffix(5) == ["subject", "issue", "authorized party", "nonce", "access token"])
    }
}
