// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT
import Testing

/// The exact limits of times: now < exp + skew; now ≥ nbf − skew; iat ≤ now + skew; now ≤ iat + maxAge + skew.
@Suite struct TimeRuleTests {
    @Test(
        "Each limit is exact, also in fractions of a second",
        arguments: [
            (#"{"exp":1700000000}"#, 1_700_000_059.9, nil), (#"{"exp":1700000000}"#, 1_700_000_060, .expired),
            (#"{"exp":1700000000.5}"#, 1_700_000_060.4, nil), (#"{"exp":1700000000.5}"#, 1_700_000_060.5, .expired),
            (#"{"exp":17e8}"#, 1_700_000_059, nil), (#"{"exp":17e8}"#, 1_700_000_060, .expired),
            (#"{"exp":1800000000,"nbf":1700000000}"#, 1_699_999_940, nil),
            (#"{"exp":1800000000,"nbf":1700000000}"#, 1_699_999_939.9, .notYetValid),
            (#"{"exp":1800000000,"nbf":1700000000.25}"#, 1_699_999_940.25, nil),
            (#"{"iat":1700000000}"#, 1_699_999_940, nil), (#"{"iat":1700000000}"#, 1_699_999_939.9, .issuedInFuture),
            (#"{"iat":1700000000}"#, 1_700_000_360, nil), (#"{"iat":1700000000}"#, 1_700_000_360.1, .tooOld),
            (#"{"iat":1700000000,"exp":1700003600}"#, 1_700_000_361, .tooOld),
            (#"{"iat":1700000000,"exp":1700000060}"#, 1_700_000_121, .expired),
        ] as [(String, Double, Reason?)])
    func limits(claims: String, moment: Double, reason: Reason?) throws {
        let verifier = try TokenVerifier.symmetric()
        #expect(verifier.reason(signed(claims), now: moment) == reason)
    }

    @Test("Without skew the limits are the claims themselves")
    func noSkew() throws {
        let verifier = try TokenVerifier.symmetric(TokenPolicy(clockSkew: 0, maxAge: 180))
        #expect(verifier.reason(signed(#"{"exp":1700000000}"#), now: 1_699_999_999) == nil)
        #expect(verifier.reason(signed(#"{"exp":1700000000}"#), now: 1_700_000_000) == .expired)
        #expect(verifier.reason(signed(#"{"iat":1700000000}"#), now: 1_700_000_180) == nil)
        #expect(verifier.reason(signed(#"{"iat":1700000000}"#), now: 1_700_000_180.5) == .tooOld)
        #expect(verifier.reason(signed(#"{"iat":1700000000}"#), now: 1_699_999_999.5) == .issuedInFuture)
    }

    @Test("Age is not limited by iat alone if maxAge is not set, but exp is then required")
    func noMaxAge() throws {
        let verifier = try TokenVerifier.symmetric(TokenPolicy(maxAge: nil))
        #expect(verifier.reason(signed(#"{"iat":1,"exp":1700000001}"#)) == nil)
        #expect(verifier.reason(signed(#"{"iat":1700000000}"#)) == .expiryMissing)
    }

    @Test(
        "A used token is remembered for as long as it could be used, and never beyond the year 9999",
        arguments: [
            (#"{"exp":1700000100}"#, 1_700_000_160), (#"{"iat":1700000000}"#, 1_700_000_360),
            (#"{"iat":1700000000,"exp":1700000100}"#, 1_700_000_160),
            (#"{"iat":1700000000,"exp":1700009999}"#, 1_700_000_360), (#"{"exp":1e300}"#, 253_402_300_799),
        ])
    func remembering(claims: String, until: Double) throws {
        let verifier = try TokenVerifier.symmetric()
        let token = try verifier.accepted(signed(claims))
        #expect(token.expiresAt == until)
        if until < 2_000_000_000 {
            #expect(verifier.reason(signed(claims), now: until + 0.1) != nil, "from then on it is refused anyway")
            #expect(verifier.reason(signed(claims), now: until - 0.1) == nil)
        }
    }
}
