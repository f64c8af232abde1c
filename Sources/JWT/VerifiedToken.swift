// SPDX-License-Identifier: Apache-2.0

/// A token that passed every check of its policy. Only `TokenVerifier` makes one, so holding one is the proof.
package struct VerifiedToken: Sendable {
    /// The claims, always an object; an alias stands under the name it is an alias of.
    package let claims: JSONValue
    package let algorithm: Algorithm
    /// SHA-256 of the signing input (header and claims as sent): what single use is keyed on.
    package let signingInputDigest: [UInt8]
    /// `jti`
    package let id: String?
    /// `iss`
    package let issuer: String?
    /// `iat`, in seconds since 1970.
    package let issuedAt: Double?
    /// When the token stops being acceptable, in seconds since 1970: the earlier of `exp` and `iat` + maxAge, with the
    /// clock skew added. A replay must be remembered until then. At most the end of the year 9999, so it converts to an
    /// integer. Every policy wants one of the two, so it is there.
    package let expiresAt: Double?

    init(
        claims: JSONValue, algorithm: Algorithm, signingInputDigest: [UInt8], id: String?, issuer: String?,
        issuedAt: Double?, expiresAt: Double?
    ) {
        self.claims = claims
        self.algorithm = algorithm
        self.signingInputDigest = signingInputDigest
        self.id = id
        self.issuer = issuer
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }
}

/// Why a token was refused. Never holds the token, its signature or any part of a key.
package struct TokenRefusal: Error, Equatable, Sendable {
    package let reason: ReasonCode
    /// What would have passed, for people: "one of HS256".
    package let expected: String
    /// What came instead.
    package let actual: String
    /// What the operator can do about it.
    package let fix: String

    package init(_ reason: ReasonCode, expected: String = "", actual: String = "", fix: String = "") {
        self.reason = reason
        self.expected = expected
        self.actual = actual
        self.fix = fix
    }
}

/// One check of `TokenVerifier.examine`, in the order in which they are made.
package struct TokenCheck: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        case passed
        case failed(ReasonCode)
        /// Could not be made, since an earlier one failed, or need not be made by this policy.
        case skipped
    }

    /// What is checked: "signature".
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
