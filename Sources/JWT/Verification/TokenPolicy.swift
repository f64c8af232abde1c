// SPDX-License-Identifier: Apache-2.0

/// The requirements for a token: chosen by the operator, never by the token.
package struct TokenPolicy: Sendable {
    /// The algorithms that are accepted; the order has no meaning.
    package var algorithms: Set<Algorithm>
    /// The exact `iss`; empty: not checked.
    package var issuer: String
    /// The token must be for one of these. Empty: a token that carries `aud` is refused unless `acceptAnyAudience`.
    package var audience: [String]
    package var acceptAnyAudience: Bool
    /// The allowed difference between clocks, in seconds; applied to every time.
    package var clockSkew: Double
    /// The maximum age since `iat`, in seconds; nil: no limit, and then each token needs `exp`.
    package var maxAge: Double?
    /// Refuse tokens without `exp`.
    package var requireExpiry: Bool
    /// The minimum length of `jti`, in characters; above 0, `jti` is required.
    package var minimumIDLength: Int
    /// Aliases of header parameters: name → aliases.
    package var headerAliases: [String: [String]]
    /// Aliases of claims: name → aliases.
    package var claimAliases: [String: [String]]
    /// The tokens are ID tokens for this client (OpenID Connect Core §2), which have more required claims; nil: any tokens.
    package var client: String?

    package init(
        algorithms: Set<Algorithm> = [.hs256], issuer: String = "", audience: [String] = [],
        acceptAnyAudience: Bool = false, clockSkew: Double = 60, maxAge: Double? = 300, requireExpiry: Bool = false,
        minimumIDLength: Int = 0, headerAliases: [String: [String]] = [:], claimAliases: [String: [String]] = [:],
        client: String? = nil
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
        self.client = client
    }

    /// The longest accepted token, in bytes.
    package static let maximumTokenByteCount = 16 * 1024
}
