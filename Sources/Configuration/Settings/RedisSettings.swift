// SPDX-License-Identifier: Apache-2.0

/// `redis`, and what is kept there.
package struct RedisSettings: Sendable {
    package var address: RedisAddress
    /// Of `address`, or of options of their own.
    package var user: String
    /// nil: none is needed.
    package var password: Secret?
    package var prefix: String
    package var timeout: Duration
    package var tls: ClientTLSSettings
    /// Where the address stands.
    package var origin: SourceLocation
}
