// SPDX-License-Identifier: Apache-2.0

import JWT

/// `assertion`
package struct AssertionSettings: Sendable {
    package var header: String
    package var minter: TokenMinter
    /// Of the signing key and the retired ones.
    package var keys: [PublishedKey]
    package var issuer: String
    package var audience: String
    package var lifetime: Duration
}
