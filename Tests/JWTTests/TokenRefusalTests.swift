// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import JWT
import Testing

/// One token for each reason code, and its variants.
@Suite struct TokenRefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let reason: Reason?
        let token: String
        var policy = TokenPolicy()
        var testDescription: String { "\(reason?.rawValue ?? "accepted"): \(token.prefix(60))" }
    }

    static let cases: [Case] = [
        Case(reason: nil, token: signed(goodClaims)),
        Case(reason: .tokenMissing, token: ""),
        Case(reason: .tokenTooLarge, token: String(repeating: "a", count: 16385)),
        Case(reason: .tokenTooLarge, token: signed(goodClaims) + String(repeating: "A", count: 16384)),
        // The form.
        Case(reason: .tokenMalformed, token: "token"),
        Case(reason: .tokenMalformed, token: "."),
        Case(reason: .tokenMalformed, token: ".."),
        Case(reason: .tokenMalformed, token: "..."),
        Case(reason: .tokenMalformed, token: "a.b.c"),
        Case(reason: .tokenMalformed, token: "." + encoded(goodClaims) + ".AAAA"),
        Case(reason: .tokenMalformed, token: encoded(#"{"alg":"HS256"}"#) + "." + encoded(goodClaims)),
        Case(reason: .tokenMalformed, token: signed(goodClaims) + "."),
        Case(reason: .tokenMalformed, token: signed(goodClaims) + ".AAAA"),
        Case(reason: .tokenMalformed, token: "." + signed(goodClaims)),
        Case(reason: .tokenMalformed, token: "AAAA.AAAA.AAAA.AAAA.AAAA"),
        Case(reason: .tokenMalformed, token: signed(goodClaims) + "="),
        Case(reason: .tokenMalformed, token: signed(goodClaims) + " "),
        Case(reason: .tokenMalformed, token: " " + signed(goodClaims)),
        Case(reason: .tokenMalformed, token: signed(goodClaims) + "\n"),
        Case(reason: .tokenMalformed, token: signed(goodClaims) + "\0"),
        Case(reason: .tokenMalformed, token: "Bearer " + signed(goodClaims)),
        Case(reason: .tokenMalformed, token: "\"" + signed(goodClaims) + "\""),
        Case(reason: .tokenMalformed, token: signed(goodClaims) + "%3D"),
        Case(reason: .tokenMalformed, token: signed(goodClaims) + "é"),
        // The header.
        Case(reason: .tokenMalformed, token: signed(goodClaims, header: "")),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: "null")),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"["HS256"]"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #""HS256""#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":"HS256""#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":"HS256"} x"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":"HS256","alg":"HS256"}"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":"none","alg":"HS256"}"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":"HS256","\u0061lg":"none"}"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: "\u{FEFF}" + #"{"alg":"HS256"}"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":["HS256"]}"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":null}"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":0}"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":"HS256","kid":1}"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":"HS256","kid":["a"]}"#)),
        Case(reason: .headerMalformed, token: signed(goodClaims, header: #"{"alg":"HS256","typ":5}"#)),
        Case(reason: nil, token: signed(goodClaims, header: #"{"alg":"HS256"}"#)),
        Case(reason: nil, token: signed(goodClaims, header: #"{"alg":"HS256","typ":"at+jwt"}"#)),
        Case(reason: nil, token: signed(goodClaims, header: #"{"alg":"HS256","typ":"jwt","cty":"x","x":{"y":[]}}"#)),
        // crit
        Case(reason: .criticalHeaderUnsupported, token: signed(goodClaims, header: #"{"alg":"HS256","crit":["exp"]}"#)),
        Case(reason: .criticalHeaderUnsupported, token: signed(goodClaims, header: #"{"alg":"HS256","crit":[]}"#)),
        Case(reason: .criticalHeaderUnsupported, token: signed(goodClaims, header: #"{"alg":"HS256","crit":null}"#)),
        Case(
            reason: .criticalHeaderUnsupported,
            token: signed(goodClaims, header: #"{"alg":"HS256","crit":["b64"],"b64":false}"#)),
        // The algorithm.
        Case(reason: .algorithmMissing, token: signed(goodClaims, header: "{}")),
        Case(reason: .algorithmMissing, token: signed(goodClaims, header: #"{"ALG":"HS256","Alg":"HS256"}"#)),
        Case(reason: .algorithmNotAllowed, token: signed(goodClaims, header: #"{"alg":"HS384"}"#, hash: .sha384)),
        Case(reason: .algorithmNotAllowed, token: signed(goodClaims, header: #"{"alg":"RS256"}"#)),
        Case(reason: .algorithmNotAllowed, token: signed(goodClaims, header: #"{"alg":"hs256"}"#)),
        Case(reason: .algorithmNotAllowed, token: signed(goodClaims, header: #"{"alg":"HS256 "}"#)),
        Case(reason: .algorithmNotAllowed, token: signed(goodClaims, header: #"{"alg":"HS256\u0000"}"#)),
        Case(reason: .algorithmNotAllowed, token: signed(goodClaims, header: #"{"alg":""}"#)),
        Case(reason: .algorithmNotAllowed, token: signed(goodClaims, header: #"{"alg":"HS1"}"#)),
        Case(reason: .algorithmNotAllowed, token: signed(goodClaims, header: #"{"alg":"A128KW"}"#)),
        // The key: the algorithm is allowed, but no key has its type.
        Case(
            reason: .keyNotFound, token: signed(goodClaims, header: #"{"alg":"RS256"}"#),
            policy: TokenPolicy(algorithms: [.hs256, .rs256])),
        // The signature.
        Case(reason: .signatureInvalid, token: signed(goodClaims, secret: "another secret of 128 bits")),
        Case(reason: .signatureInvalid, token: signed(goodClaims, hash: .sha512)),
        Case(reason: .signatureInvalid, token: encoded(#"{"alg":"HS256"}"#) + "." + encoded(goodClaims) + "."),
        Case(reason: .signatureInvalid, token: encoded(#"{"alg":"HS256"}"#) + "." + encoded(goodClaims) + ".AAAA"),
        Case(reason: .signatureInvalid, token: signed(goodClaims) + "AAAA"),
        Case(reason: .signatureInvalid, token: signed("not JSON", secret: "another secret of 128 bits")),
        // The claims.
        Case(reason: .claimsMalformed, token: signed("")),
        Case(reason: .claimsMalformed, token: signed("null")),
        Case(reason: .claimsMalformed, token: signed("[]")),
        Case(reason: .claimsMalformed, token: signed("\"ada\"")),
        Case(reason: .claimsMalformed, token: signed(goodClaims + " x")),
        Case(reason: .claimsMalformed, token: signed("\u{FEFF}" + goodClaims)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"sub":"a","sub":"b"}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"exp":NaN}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":"1700000000"}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"exp":"1700000300"}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"exp":null}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"nbf":true}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":[1700000000]}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1e400}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"exp":-1e400}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"iss":1}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"jti":7}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"aud":1}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"aud":[1]}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"aud":["a",null]}"#)),
        Case(reason: .claimsMalformed, token: signed(#"{"iat":1700000000,"x":"\ud800"}"#)),
        // Times; their exact limits are tested elsewhere.
        Case(reason: .expired, token: signed(#"{"iat":1699999990,"exp":1699999900}"#)),
        Case(reason: .expired, token: signed(#"{"exp":0}"#)),
        Case(reason: .expired, token: signed(#"{"exp":-1}"#)),
        Case(reason: .expired, token: signed(#"{"exp":-1e300}"#)),
        Case(reason: .notYetValid, token: signed(#"{"iat":1700000000,"nbf":1700001000}"#)),
        Case(reason: .notYetValid, token: signed(#"{"iat":1700000000,"nbf":1e300}"#)),
        Case(reason: .issuedInFuture, token: signed(#"{"iat":1700001000}"#)),
        Case(reason: .issuedInFuture, token: signed(#"{"iat":1700000000000}"#)),
        Case(reason: .tooOld, token: signed(#"{"iat":1699999000}"#)),
        Case(reason: .tooOld, token: signed(#"{"iat":1699999000,"exp":1700001000}"#)),
        Case(reason: .tooOld, token: signed(#"{"iat":0,"exp":1700001000}"#)),
        Case(reason: .tooOld, token: signed(#"{"iat":-1e300,"exp":1700001000}"#)),
        Case(
            reason: .expiryMissing, token: signed(#"{"iat":1700000000}"#), policy: TokenPolicy(requireExpiry: true)),
        Case(reason: .expiryMissing, token: signed(#"{"iat":1700000000}"#), policy: TokenPolicy(maxAge: nil)),
        Case(reason: .expiryMissing, token: signed("{}"), policy: TokenPolicy(maxAge: nil)),
        Case(reason: .issuedAtMissing, token: signed("{}")),
        Case(reason: .issuedAtMissing, token: signed(#"{"sub":"ada","nbf":1700000000}"#)),
        Case(reason: nil, token: signed(#"{"exp":1700000100}"#)),
        Case(reason: nil, token: signed(#"{"exp":1e300}"#)),
        Case(reason: nil, token: signed(#"{"iat":1700000000}"#)),
        // The issuer.
        Case(
            reason: .issuerMismatch, token: signed(goodClaims), policy: TokenPolicy(issuer: "https://idp.example.com/")),
        Case(
            reason: .issuerMismatch, token: signed(#"{"iat":1700000000,"iss":"https://idp.example.com"}"#),
            policy: TokenPolicy(issuer: "https://idp.example.com/")),
        Case(
            reason: .issuerMismatch, token: signed(#"{"iat":1700000000,"iss":"HTTPS://idp.example.com/"}"#),
            policy: TokenPolicy(issuer: "https://idp.example.com/")),
        Case(
            reason: .issuerMismatch, token: signed(#"{"iat":1700000000,"iss":"e\u0301"}"#),
            policy: TokenPolicy(issuer: "é")),
        Case(
            reason: nil, token: signed(#"{"iat":1700000000,"iss":"https:\/\/idp.example.com/"}"#),
            policy: TokenPolicy(issuer: "https://idp.example.com/")),
        Case(reason: nil, token: signed(#"{"iat":1700000000,"iss":"anyone"}"#)),
        // The audience.
        Case(reason: .audienceMismatch, token: signed(#"{"iat":1700000000,"aud":"app"}"#)),
        Case(reason: .audienceMismatch, token: signed(#"{"iat":1700000000,"aud":[]}"#)),
        Case(
            reason: .audienceMismatch, token: signed(#"{"iat":1700000000,"aud":"other"}"#),
            policy: TokenPolicy(audience: ["app"])),
        Case(
            reason: .audienceMismatch, token: signed(#"{"iat":1700000000,"aud":"apple"}"#),
            policy: TokenPolicy(audience: ["app"])),
        Case(
            reason: .audienceMismatch, token: signed(#"{"iat":1700000000,"aud":"App"}"#),
            policy: TokenPolicy(audience: ["app"])),
        Case(reason: .audienceMismatch, token: signed(goodClaims), policy: TokenPolicy(audience: ["app"])),
        Case(
            reason: .audienceMismatch, token: signed(#"{"iat":1700000000,"aud":[]}"#),
            policy: TokenPolicy(audience: ["app"])),
        Case(
            reason: nil, token: signed(#"{"iat":1700000000,"aud":"app"}"#), policy: TokenPolicy(audience: ["x", "app"])),
        Case(
            reason: nil, token: signed(#"{"iat":1700000000,"aud":["other","app"]}"#),
            policy: TokenPolicy(audience: ["app"])),
        Case(
            reason: nil, token: signed(#"{"iat":1700000000,"aud":"app"}"#), policy: TokenPolicy(acceptAnyAudience: true)
        ),
        // The ID.
        Case(reason: .idMissing, token: signed(goodClaims), policy: TokenPolicy(minimumIDLength: 1)),
        Case(
            reason: .idTooShort, token: signed(#"{"iat":1700000000,"jti":""}"#), policy: TokenPolicy(minimumIDLength: 1)
        ),
        Case(
            reason: .idTooShort, token: signed(#"{"iat":1700000000,"jti":"0123456789012345678901234567890"}"#),
            policy: TokenPolicy(minimumIDLength: 32)),
        Case(
            reason: .idTooShort, token: signed(#"{"iat":1700000000,"jti":"ééé"}"#),
            policy: TokenPolicy(minimumIDLength: 4)),
        Case(
            reason: nil, token: signed(#"{"iat":1700000000,"jti":"01234567890123456789012345678901"}"#),
            policy: TokenPolicy(minimumIDLength: 32)),
        Case(reason: nil, token: signed(#"{"iat":1700000000,"jti":""}"#)),
    ]

    @Test("Each token gets its verdict, and its reason", arguments: cases)
    func reasons(test: Case) throws {
        let verifier = try TokenVerifier.symmetric(test.policy)
        #expect(verifier.reason(test.token) == test.reason)
    }

    @Test("Every reason that depends on the token alone is in the table")
    func completeness() {
        #expect(Set(Self.cases.compactMap(\.reason)) == Set(Reason.allCases.filter { $0.topic == .token }))
    }

    @Test("explain reports the same as verify, check by check", arguments: cases)
    func examination(test: Case) throws {
        let verifier = try TokenVerifier.symmetric(test.policy)
        let checks = verifier.examine(test.token)
        let failed = checks.compactMap { check in
            if case .failed(let reason) = check.verdict { reason } else { nil }
        }
        #expect(failed.first == test.reason)
        #expect(
            checks.map(\.name) == [
                "form", "header", "critical", "algorithm", "key", "signature", "claims", "expiry", "not before",
                "issued at", "age", "issuer", "audience", "id",
            ])
        for check in checks {
            switch check.verdict {
            case .passed: #expect(!check.expected.isEmpty && !check.actual.isEmpty && check.fix.isEmpty)
            case .failed: #expect(!check.expected.isEmpty && !check.actual.isEmpty && !check.fix.isEmpty)
            case .skipped: #expect(!check.actual.isEmpty)
            }
            let text = check.expected + check.actual + check.fix
            #expect(!text.contains(secret), "secrets are never shown")
            #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control })
        }
        if let refusal = verifier.refusal(test.token) {
            let first = try #require(checks.first { if case .failed = $0.verdict { true } else { false } })
            #expect(first.expected == refusal.expected)
            #expect(first.actual == refusal.actual)
            #expect(first.fix == refusal.fix)
        }
    }

    @Test("An invalid signature hides no other fault from explain")
    func thoroughness() throws {
        let verifier = try TokenVerifier.symmetric(TokenPolicy(issuer: "idp", audience: ["app"], minimumIDLength: 8))
        let token = signed(#"{"exp":1,"nbf":1800000000,"iat":1900000000,"iss":"x","jti":"y"}"#, secret: "wrong")
        let failed = verifier.examine(token).compactMap { check in
            if case .failed(let reason) = check.verdict { reason } else { nil }
        }
        #expect(
            failed == [
                .signatureInvalid, .expired, .notYetValid, .issuedInFuture, .issuerMismatch, .audienceMismatch,
                .idTooShort,
            ])
    }

    @Test("A token's content cannot control the terminal on which it is displayed")
    func terminal() throws {
        let verifier = try TokenVerifier.symmetric(TokenPolicy(issuer: "idp"))
        let token = signed(
            #"{"iat":1700000000,"iss":"\u001b[2J\u202e\u0007\#(String(repeating: "x", count: 5000))"}"#)
        let refusal = try #require(verifier.refusal(token))
        #expect(refusal.reason == .issuerMismatch)
        #expect(refusal.actual.hasPrefix(#""\u{1b}[2J\u{202e}\u{7}xx"#))
        #expect(refusal.actual.count < 200)
    }

    @Test("Times are described in words, whatever the number")
    func moments() throws {
        let verifier = try TokenVerifier.symmetric()
        #expect(verifier.refusal(signed(#"{"exp":951782400}"#))?.actual == "2000-02-29T00:00:00Z, 8659 d 22 h ago")
        #expect(verifier.refusal(signed(#"{"exp":1699996400.5}"#))?.actual == "2023-11-14T21:13:20Z, 1 h ago")
        #expect(verifier.refusal(signed(#"{"exp":-1}"#))?.actual == "1969-12-31T23:59:59Z, 19675 d 22 h ago")
        #expect(verifier.refusal(signed(#"{"exp":-62135596800}"#))?.actual.hasPrefix("0001-01-01T00:00:00Z") == true)
        #expect(verifier.refusal(signed(#"{"exp":-1e300}"#))?.actual == "-1e+300, ages ago")
        #expect(verifier.refusal(signed(#"{"nbf":253402300799}"#))?.actual.hasPrefix("9999-12-31T23:59:59Z") == true)
        #expect(verifier.refusal(signed(#"{"iat":1700000000000}"#))?.fix.contains("milliseconds") == true)
    }
}
