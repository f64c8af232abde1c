// SPDX-License-Identifier: Apache-2.0

/// Verifies compact JWS tokens (RFC 7515, RFC 7519, with the advice of RFC 8725) against a policy and keys.
package struct TokenVerifier: Sendable {
    package let policy: TokenPolicy
    package let keys: KeySet

    package init(policy: TokenPolicy, keys: KeySet) {
        self.policy = policy
        self.keys = keys
    }

    /// The token's claims if all checks pass; throws the first failed check. `now`: seconds since 1970.
    ///
    /// - Parameter binding: what an ID token must say of the sign-in that it ends; nil: it ends none.
    package func verify(
        _ token: Span<UInt8>, now: Double, binding: IDTokenBinding? = nil
    ) throws(TokenRefusal) -> VerifiedToken {
        let examination = TokenExamination(
            policy: policy, keys: keys, now: now, binding: binding, isThorough: false)
        guard let verified = try examination.run(token) else {
            preconditionFailure("an examination that is not thorough throws at the first failure")
        }
        return verified
    }

    /// Whether one of the keys signed the token, whatever its claims say. This proves nothing about a user.
    package func isSigned(_ token: Span<UInt8>) -> Bool {
        TokenExamination(policy: policy, keys: keys, now: 0, binding: nil, isThorough: false).isSigned(token)
    }

    /// Every check with its outcome, made by the same code as `verify`: accepted if none failed. After a failure, the
    /// checks that do not depend on it are still made.
    package func examine(_ token: Span<UInt8>, now: Double) -> [TokenCheck] {
        let examination = TokenExamination(policy: policy, keys: keys, now: now, binding: nil, isThorough: true)
        // A thorough examination records failures and never throws.
        _ = try? examination.run(token)
        return examination.checks
    }
}
