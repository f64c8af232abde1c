// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Reactor
import Synchronization

/// How browsers connect to Sidegate.
package struct TLSServerConfiguration: Sendable {
    package enum ClientAuthentication: Sendable {
        /// No certificate is asked for.
        case none
        /// One that is shown must be good; none will do.
        case request
        case require
    }

    /// Chosen by the name the client asks for; of several of one kind for a name the first, and the first of all for
    /// clients that ask for no name or another one. Never empty.
    package var identities: [TLSIdentity]
    package var minimumVersion = TLSVersion.v12
    /// By ALPN, the preferred one first.
    package var protocols = ["http/1.1", "http/1.0"]
    package var clientAuthentication = ClientAuthentication.none
    /// Who vouches for clients; needed unless none is asked for a certificate.
    package var clientAuthorities: CertificateChain?

    /// What ALPN calls HTTP/2 over TLS (RFC 9113 §3.1).
    package static let http2 = "h2"

    package init(identities: [TLSIdentity]) {
        self.identities = identities
    }
}

/// What connections of browsers are made from, shared by all loops. Its certificates can be replaced while it serves:
/// connections that are open keep those they were made with, and sessions go on.
package final class TLSServerContext: Sendable {
    private let credentials: Mutex<ServerCredentials>
    private let ticketKeys: TicketKeys

    package init(_ configuration: TLSServerConfiguration) throws(TLSError) {
        ticketKeys = TicketKeys()
        credentials = Mutex(try ServerCredentials(configuration, ticketKeys))
    }

    /// What the next connection is made from.
    var current: ServerCredentials { credentials.withLock { $0 } }

    /// Serves new connections by `configuration` from now on; when it is no good, throws and changes nothing.
    package func replace(with configuration: TLSServerConfiguration) throws(TLSError) {
        let fresh = try ServerCredentials(configuration, ticketKeys)
        let displaced = credentials.withLock { credentials in
            let displaced = credentials
            credentials = fresh
            return displaced
        }
        withExtendedLifetime(displaced) {}
    }

    /// For each certificate in force its names and its end, in seconds since 1970.
    package var certificates: [(names: [String], notAfter: Int64)] {
        current.identities.map { ($0.chain.names, $0.chain.notAfter) }
    }
}
