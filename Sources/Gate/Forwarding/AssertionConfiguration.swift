// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

/// A signed statement about the user for the app (`assertion`): it proves to an app that verifies signatures that the
/// request passed this gate, even where others can reach the app.
package struct AssertionConfiguration: Sendable {
    /// The header that carries it.
    package var header: String
    package var minter: TokenMinter
    /// `iss` and `aud`; an app checks both.
    package var issuer: String
    package var audience: String
    /// Seconds.
    package var lifetime: Double
    /// What `/.sidegate/jwks.json` answers: the signing key, and those that signed before it or will after it.
    package var keySet: [UInt8]

    package init(
        header: String, minter: TokenMinter, issuer: String, audience: String, lifetime: Double, keys: [PublishedKey]
    ) {
        self.header = header
        self.minter = minter
        self.issuer = issuer
        self.audience = audience
        self.lifetime = lifetime
        keySet = PublishedKey.set(keys)
    }
}

extension GateConfiguration {
    /// Every header by which the app learns who the user is: no client may send them, and no trailer may hold them.
    package var identityHeaderNames: [String] {
        identityHeaders.map(\.name) + (assertion.map { [$0.header] } ?? [])
    }
}
