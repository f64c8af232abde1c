// SPDX-License-Identifier: Apache-2.0

import Decisions

// Compares a token's claims with the policy: RFC 7519 §4.1, with the advice of RFC 8725 §3.8 and §3.9.

extension TokenExamination {
    /// The claims, if they can be read.
    func checkClaims(_ token: CompactToken) throws(TokenRefusal) -> RegisteredClaims? {
        let claims: RegisteredClaims
        switch Self.object(token.payload, aliases: policy.claimAliases).flatMap(RegisteredClaims.read) {
        case .success(let read): claims = read
        case .failure(let problem):
            try fail(
                "claims",
                TokenRefusal(
                    .claimsMalformed, expected: "a JSON object, no name twice, claims of the types of RFC 7519",
                    actual: problem.message, fix: "the identity provider must write the claims with a JSON library"))
            skip(Array(Self.claimChecks.dropFirst()), "the claims cannot be read")
            return nil
        }
        pass("claims", expected: "a JSON object", actual: "\(claims.object.members.count) claims")
        try checkTimes(claims)
        try checkIssuer(claims.issuer)
        try checkAudience(claims.audience)
        try checkID(claims.id)
        return claims
    }

    private func checkTimes(_ claims: RegisteredClaims) throws(TokenRefusal) {
        let skew = policy.clockSkew
        if let expiry = claims.expiry {
            try judge(
                "expiry", now < expiry + skew, .expired, missed("exp", expiry, by: now - expiry - skew),
                expected: "not after \(moment(expiry + skew))",
                actual: relative(expiry),
                fix: clockFix(expiry, "issue tokens with a longer lifetime, or deliver them sooner"))
        } else if policy.requireExpiry || policy.maxAge == nil {
            try fail(
                "expiry",
                TokenRefusal(
                    .expiryMissing, expected: "exp", actual: "no exp",
                    fix: policy.requireExpiry
                        ? "the identity provider must send exp, or token.requireExpiry must be false"
                        : "the identity provider must send exp; or set token.maxAge, which then counts from iat"))
        } else {
            skip(["expiry"], "no exp; the age is limited instead")
        }

        if let start = claims.notBefore {
            try judge(
                "not before", now >= start - skew, .notYetValid, missed("nbf", start, by: start - skew - now),
                expected: "not before \(moment(start - skew))", actual: relative(start),
                fix: clockFix(start, "synchronise the clocks, or raise token.clockSkew"))
        } else {
            skip(["not before"], "no nbf")
        }

        guard let issuedAt = claims.issuedAt else {
            if claims.expiry == nil, !policy.requireExpiry, policy.maxAge != nil {
                try fail(
                    "issued at",
                    TokenRefusal(
                        .issuedAtMissing, expected: "iat, or exp", actual: "neither",
                        fix: "the identity provider must send iat (or exp): otherwise a token would never expire"))
            } else {
                skip(["issued at"], "no iat")
            }
            skip(["age"], "no iat")
            return
        }
        try judge(
            "issued at", issuedAt <= now + skew, .issuedInFuture, missed("iat", issuedAt, by: issuedAt - skew - now),
            expected: "not after \(moment(now + skew))", actual: relative(issuedAt),
            fix: clockFix(issuedAt, "synchronise the clocks, or raise token.clockSkew"))
        guard let maxAge = policy.maxAge else {
            skip(["age"], "token.maxAge is not set")
            return
        }
        try judge(
            "age", now <= issuedAt + maxAge + skew, .tooOld,
            missed("iat", issuedAt, by: now - issuedAt - maxAge - skew),
            expected: "at most \(duration(maxAge + skew)) old", actual: relative(issuedAt),
            fix: "deliver tokens immediately after issuing them, or raise token.maxAge")
    }

    private func checkIssuer(_ issuer: String?) throws(TokenRefusal) {
        guard !policy.issuer.isEmpty else {
            skip(["issuer"], "token.issuer is not set")
            return
        }
        try judge(
            "issuer", issuer?.isExactly(policy.issuer) ?? false, .issuerMismatch, expected: quoted(policy.issuer),
            actual: issuer.map { quoted($0) } ?? "no iss",
            fix: "set token.issuer to exactly what the identity provider sends, final slash included")
    }

    private func checkAudience(_ audience: [String]?) throws(TokenRefusal) {
        let actual = { audience.map { quoted(.array($0.map { .string($0) })) } ?? "no aud" }
        if policy.acceptAnyAudience {
            skip(["audience"], "token.acceptAnyAudience is set")
        } else if policy.audience.isEmpty {
            // RFC 7519 §4.1.3: a token must be refused unless its audience includes this site.
            try judge(
                "audience", audience == nil, .audienceMismatch, expected: "no aud, since token.audience is empty",
                actual: actual(), fix: "set token.audience to this app's name, or token.acceptAnyAudience to true")
        } else {
            let isForUs = audience?.contains { name in policy.audience.contains { $0.isExactly(name) } } ?? false
            try judge(
                "audience", isForUs, .audienceMismatch,
                expected: "one of " + policy.audience.map { quoted($0) }.joined(separator: ", "), actual: actual(),
                fix: "the token is for another app, or token.audience must be what the identity provider sends")
        }
    }

    private func checkID(_ id: String?) throws(TokenRefusal) {
        let minimum = policy.minimumIDLength
        guard minimum > 0 else {
            skip(["id"], "token.minimumIDLength is 0")
            return
        }
        let expected = "a jti of at least \(minimum) characters"
        guard let id else {
            try fail(
                "id",
                TokenRefusal(
                    .idMissing, expected: expected, actual: "no jti",
                    fix: "the identity provider must send a unique jti for each token"))
            return
        }
        let count = id.unicodeScalars.count
        try judge(
            "id", count >= minimum, .idTooShort, expected: expected, actual: "\(count) characters",
            fix: "the identity provider must send a longer jti, or token.minimumIDLength must be lower")
    }

    private func relative(_ time: Double) -> String {
        moment(time) + (time <= now ? ", \(duration(now - time)) ago" : ", \(duration(time - now)) from now")
    }

    private func missed(_ claim: String, _ time: Double, by seconds: Double) -> MissedTime {
        MissedTime(claim: claim, missedBy: seconds, unit: TimeUnit(of: time)?.name)
    }

    /// A hint at the usual mistake with times, or the usual advice.
    private func clockFix(_ time: Double, _ advice: String) -> String {
        TimeUnit(of: time).map { "this looks like \($0.name); RFC 7519 counts seconds" } ?? advice
    }
}
