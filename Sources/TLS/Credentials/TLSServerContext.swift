// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Reactor
import Synchronization

/// The settings of browsers' connections.
package struct TLSServerConfiguration: Sendable {
    package enum ClientAuthentication: Sendable {
        /// No certificate is asked for.
        case none
        /// A presented certificate must be valid; none is accepted too.
        case request
        case require
    }

    /// Selected by SNI; of several of the same key type for a name the first, and the first of all for clients without
    /// SNI or with an unknown name. Never empty.
    package var identities: [TLSIdentity]
    package var minimumVersion = TLSVersion.v12
    /// For ALPN, in order of preference.
    package var protocols = ["http/1.1", "http/1.0"]
    package var clientAuthentication = ClientAuthentication.none
    /// Authorities for client certificates; required unless no certificate is requested.
    package var clientAuthorities: CertificateChain?

    /// The ALPN identifier of HTTP/2 over TLS (RFC 9113 §3.1).
    package static let http2 = "h2"

    package init(identities: [TLSIdentity]) {
        self.identities = identities
    }
}

/// A factory of browsers' connections, shared by all loops. Its certificates can be replaced while it is in use: open
/// connections keep theirs, and sessions can be resumed.
package final class TLSServerContext: Sendable {
    private let credentials: Mutex<ServerCredentials>
    private let ticketKeys: TicketKeys

    package init(_ configuration: TLSServerConfiguration) throws(TLSError) {
        ticketKeys = TicketKeys()
        credentials = Mutex(try ServerCredentials(configuration, ticketKeys))
    }

    /// The credentials for the next connection.
    var current: ServerCredentials { credentials.withLock { $0 } }

    /// Uses `configuration` for new connections; if it is invalid, throws and changes nothing.
    package func replace(with configuration: TLSServerConfiguration) throws(TLSError) {
        let fresh = try ServerCredentials(configuration, ticketKeys)
        let displaced = credentials.withLock { credentials in
            let displaced = credentials
            credentials = fresh
            return displaced
        }
        withExtendedLifetime(displaced) {}
    }

    /// The names and the expiry, in seconds since 1970, of each certificate in use.
    package var certificates: [(names: [String], notAfter: Int64)] {
        current.identities.map { ($0.chain.names, $0.chain.notAfter) }
    }
}
