// SPDX-License-Identifier: Apache-2.0

/// What an ID token must say of the sign-in that it ends, besides what every ID token must say (OpenID Connect Core
/// §3.1.3.7 and §3.1.3.8).
package struct IDTokenBinding: Sendable {
    /// The nonce of the authorization request: the token was made for this attempt of this browser.
    package let nonce: [UInt8]
    /// What came with the token; `at_hash` is its digest. Nil: none came.
    package let accessToken: [UInt8]?

    package init(nonce: [UInt8], accessToken: [UInt8]?) {
        self.nonce = nonce
        self.accessToken = accessToken
    }
}
