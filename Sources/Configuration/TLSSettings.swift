// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// A certificate with its chain, and the key that is its own.
package struct CertificateSettings: Sendable {
    package var chain: CertificateChain
    package var key: PrivateKey
}

/// `upstream.tls`
package struct UpstreamTLSSettings: Sendable {
    /// nil: those that the system trusts.
    package var authorities: CertificateChain?
    /// nil: the host of the address.
    package var serverName: String?
    package var certificate: CertificateSettings?
    package var skipsVerification: Bool
}

/// `tls`
package struct TLSSettings: Sendable {
    package enum ClientAuthentication: String, Sendable {
        case none, request, require
    }

    /// Never empty.
    package var certificates: [CertificateSettings]
    package var minimumVersion: String
    package var clientAuthentication: ClientAuthentication
    package var clientAuthorities: CertificateChain?
    /// nil: not said.
    package var strictTransportSecurity: Duration?
    /// The files it all came from.
    package var files: [String]
}
