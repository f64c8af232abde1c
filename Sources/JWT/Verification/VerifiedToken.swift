// SPDX-License-Identifier: Apache-2.0

import Decisions

/// A token that passed every check of its policy. Only `TokenVerifier` creates one, so the type is the proof.
package struct VerifiedToken: Sendable {
    /// The claims, always an object; aliases are replaced by their names.
    package let claims: JSONValue
    package let algorithm: Algorithm
    /// SHA-256 of the signing input (header and claims as sent): the key for single use.
    package let signingInputDigest: [UInt8]
    /// `kid` of the key that signed it, or of the token when the key has none.
    package let keyID: String?
    /// `jti`
    package let id: String?
    /// `iss`
    package let issuer: String?
    /// `iat`, in seconds since 1970.
    package let issuedAt: Double?
    /// When the token stops being acceptable, in seconds since 1970: the earlier of `exp` and `iat` + maxAge, with the
    /// clock skew added. A used token must be remembered until then. At most the end of the year 9999, so it converts
    /// to an integer. Every policy requires one of the two, so it is set.
    package let expiresAt: Double?

    init(
        claims: JSONValue, algorithm: Algorithm, signingInputDigest: [UInt8], keyID: String?, id: String?,
        issuer: String?, issuedAt: Double?, expiresAt: Double?
    ) {
        self.claims = claims
        self.algorithm = algorithm
        self.signingInputDigest = signingInputDigest
        self.keyID = keyID
        self.id = id
        self.issuer = issuer
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }
}

/// Why a token was refused. Never contains the token, its signature or any part of a key.
package struct TokenRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    package let reason: Reason
    /// What would have passed, for humans: "one of HS256".
    package let expected: String
    /// The value found instead.
    package let actual: String
    /// What the operator can do about it.
    package let fix: String
    /// What the token says, if a configured key signed it; nil: nobody vouches for it.
    package internal(set) var signed: SignedContents?
    /// The time because of which it was refused, if it was one.
    package internal(set) var time: MissedTime?

    package var description: String { reason.rawValue }

    package init(_ reason: Reason, expected: String = "", actual: String = "", fix: String = "") {
        self.reason = reason
        self.expected = expected
        self.actual = actual
        self.fix = fix
    }
}

/// A time claim that keeps a token from being accepted.
package struct MissedTime: Equatable, Sendable {
    /// `exp`, `nbf` or `iat`.
    package let claim: String
    /// Seconds between now and the nearest moment at which the claim would be accepted.
    package let missedBy: Double
    /// The claim seems to count these in place of seconds: "milliseconds".
    package let unit: String?
}

extension TokenRefusal {
    /// The refusal in words, for logs: what was found, and by how much a time was missed.
    package var words: String {
        var parts: [String] = []
        if let time {
            parts.append(
                time.unit.map { "\(time.claim) is in \($0), not in seconds" }
                    ?? "\(time.claim) missed by \(duration(time.missedBy))")
        }
        if !actual.isEmpty { parts.append("got \(actual)") }
        if !expected.isEmpty { parts.append("expected \(expected)") }
        return parts.joined(separator: "; ")
    }
}

/// The contents of a token that was refused although its signature is valid: for logs, never for decisions.
package struct SignedContents: Equatable, Sendable {
    /// The claims, if they are an object; aliases are replaced by their names.
    package let claims: JSONValue?
    /// `kid` of the key, or of the token when the key has none.
    package let keyID: String?
}

/// One check of `TokenVerifier.examine`, in order.
package struct TokenCheck: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        case passed
        case failed(Reason)
        /// Not made, since an earlier one failed, or since this policy does not require it.
        case skipped
    }

    /// The name of the check: "signature".
    package let name: String
    package let verdict: Verdict
    package let expected: String
    package let actual: String
    /// What to do about it; empty unless it failed.
    package let fix: String

    package init(_ name: String, _ verdict: Verdict, expected: String = "", actual: String = "", fix: String = "") {
        self.name = name
        self.verdict = verdict
        self.expected = expected
        self.actual = actual
        self.fix = fix
    }
}
