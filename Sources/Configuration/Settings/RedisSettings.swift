// SPDX-License-Identifier: Apache-2.0

/// `redis`, and what is kept there.
package struct RedisSettings: Sendable {
    package var topology: RedisTopology
    /// Connections to all servers, sentinels included, are over TLS.
    package var isSecure: Bool
    /// Of the address, or of options of their own. Empty: the default user.
    package var user: String
    /// nil: none is needed.
    package var password: Secret?
    /// For the sentinels; empty: the default user.
    package var sentinelUser: String
    /// For the sentinels; nil: none is needed.
    package var sentinelPassword: Secret?
    package var prefix: String
    package var timeout: Duration
    package var tls: ClientTLSSettings
    /// Where the addresses stand.
    package var origin: SourceLocation
}
