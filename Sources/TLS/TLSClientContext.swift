// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Synchronization

/// How Sidegate connects to others.
package struct TLSClientConfiguration: Sendable {
    package enum Trust: Sendable {
        /// Whom the system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` override its store).
        case system
        /// These authorities alone.
        case authorities(CertificateChain)
    }

    package var trust = Trust.system
    /// Shown to a peer that asks for a certificate.
    package var identity: TLSIdentity?
    /// The name that is asked for and verified, in place of the host's own.
    package var serverName: String?
    /// Believes any peer. For tests in closed networks only.
    package var skipsVerification = false
    /// By ALPN, the preferred one first; empty: not offered.
    package var protocols: [String] = []
    package var minimumVersion = TLSVersion.v12
    /// Sessions are kept, so that later connections to the same target need no full handshake.
    package var resumesSessions = true

    package init() {}
}

/// What connections to others are made from; one for any number of loops and targets. What it shows and whom it trusts
/// can be replaced while it is in use: connections that are open keep what they were made with.
package final class TLSClientContext: Sendable {
    private let credentials: Mutex<ClientCredentials>

    package init(_ configuration: TLSClientConfiguration = TLSClientConfiguration()) throws(TLSError) {
        credentials = Mutex(try ClientCredentials(configuration))
    }

    /// What the next connection is made from.
    var current: ClientCredentials { credentials.withLock { $0 } }

    /// Makes new connections by `configuration` from now on; when it is no good, throws and changes nothing. Sessions do
    /// not go on: whom they are with was judged by what is replaced.
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
