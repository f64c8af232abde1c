// SPDX-License-Identifier: Apache-2.0

/// What a token must satisfy: the operator's choice, never the token's.
package struct TokenPolicy: Sendable {
    /// The algorithms that are accepted; the order has no meaning.
    package var algorithms: Set<Algorithm>
    /// The exact `iss`; empty: not checked.
    package var issuer: String
    /// The token must be for one of these. Empty: a token that carries `aud` is refused unless `acceptAnyAudience`.
    package var audience: [String]
    package var acceptAnyAudience: Bool
    /// How far clocks may differ, in seconds; applied to every time.
    package var clockSkew: Double
    /// Greatest age since `iat`, in seconds; nil: no limit, and then each token needs `exp`.
    package var maxAge: Double?
    /// Refuse tokens without `exp`.
    package var requireExpiry: Bool
    /// Shortest `jti`, in characters; above 0, `jti` must be there.
    package var minimumIDLength: Int
    /// Other names under which a header parameter is known: name → aliases.
    package var headerAliases: [String: [String]]
    /// Other names under which a claim is known: name → aliases.
    package var claimAliases: [String: [String]]

    package init(
        algorithms: Set<Algorithm> = [.hs256], issuer: String = "", audience: [String] = [],
        acceptAnyAudience: Bool = false, clockSkew: Double = 60, maxAge: Double? = 300, requireExpiry: Bool = false,
        minimumIDLength: Int = 0, headerAliases: [String: [String]] = [:], claimAliases: [String: [String]] = [:]
    ) {
        self.algorithms = algorithms
        self.issuer = issuer
        self.audience = audience
        self.acceptAnyAudience = acceptAnyAudience
        self.clockSkew = clockSkew
        self.maxAge = maxAge
        self.requireExpiry = requireExpiry
        self.minimumIDLength = minimumIDLength
        self.headerAliases = headerAliases
        self.claimAliases = claimAliases
    }

    /// The longest token that is looked at, in bytes.
    package static let maximumTokenByteCount = 16 * 1024
}
