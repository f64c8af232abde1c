// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The keys that tokens may be signed with.
package struct KeySet: Sendable {
    package let keys: [VerificationKey]

    package init(keys: [VerificationKey]) {
        self.keys = keys
    }

    /// A JWK Set, or a single JWK (RFC 7517), as JSON text.
    package init(jwks: [UInt8], allowWeak: Bool = false) throws(KeyError) {
        self.keys = []
    }

    /// Both sets' keys.
    package func merged(with other: KeySet) -> KeySet {
        KeySet(keys: keys + other.keys)
    }
}
