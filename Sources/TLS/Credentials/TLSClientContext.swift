// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Synchronization

/// The settings of outgoing connections.
package struct TLSClientConfiguration: Sendable {
    package enum Trust: Sendable {
        /// The system's trust store (`SSL_CERT_FILE` and `SSL_CERT_DIR` override it).
        case system
        /// Only these authorities.
        case authorities(CertificateChain)
        /// Only the server that has this very certificate, the first of the chain, whatever its names are.
        case exactly(CertificateChain)
    }

    package var trust = Trust.system
    /// Presented if the peer requests a certificate.
    package var identity: TLSIdentity?
    /// The name for SNI and verification, instead of the host's own.
    package var serverName: String?
    /// Accepts any certificate. For tests in closed networks only.
    package var skipsVerification = false
    /// For ALPN, in order of preference; empty: not offered.
    package var protocols: [String] = []
    /// Below 1.2 weak signatures, keys and ciphers are accepted too: such servers have no others.
    package var minimumVersion = TLSVersion.v12
    /// By OpenSSL's names, those of TLS 1.3 too; empty: the standard ones.
    package var ciphers: [String] = []
    /// Sessions are stored, so that later connections to the same target need no full handshake.
    package var resumesSessions = true

    package init() {}
}

/// A factory of outgoing connections for any number of loops and targets. Its credentials can be replaced while it is
/// in use: open connections keep theirs.
package final class TLSClientContext: Sendable {
    private let credentials: Mutex<ClientCredentials>

    package init(_ configuration: TLSClientConfiguration = TLSClientConfiguration()) throws(TLSError) {
        credentials = Mutex(try ClientCredentials(configuration))
    }

    /// The credentials for the next connection.
    var current: ClientCredentials { credentials.withLock { $0 } }

    /// Uses `configuration` for new connections; if it is invalid, throws and changes nothing. Sessions are not
    /// resumed, since their peers were verified by the old credentials.
    package func replace(with configuration: TLSClientConfiguration) throws(TLSError) {
        let fresh = try ClientCredentials(configuration)
        let displaced = credentials.withLock { credentials in
            let displaced = credentials
            credentials = fresh
            return displaced
        }
        withExtendedLifetime(displaced) {}
    }
}
