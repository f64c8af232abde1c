// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Verifies compact JWS tokens (RFC 7515, 7519, 8725) against a policy and keys.
package struct TokenVerifier: Sendable {
    package let policy: TokenPolicy
    package let keys: KeySet

    package init(policy: TokenPolicy, keys: KeySet) {
        self.policy = policy
        self.keys = keys
    }

    /// The token's claims when every check passes; the first failed check otherwise. `now` in seconds since 1970.
    package func verify(_ token: Span<UInt8>, now: Double) throws(TokenRefusal) -> VerifiedToken {
        throw TokenRefusal(.tokenMissing)
    }

    /// Every check with its outcome, by the same code as `verify`: the token is accepted when none failed.
    package func examine(_ token: Span<UInt8>, now: Double) -> [TokenCheck] {
        []
    }
}
