// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// A certificate with its chain, and the key that is its own.
package struct CertificateSettings: Sendable {
    package var chain: CertificateChain
    package var key: PrivateKey
}

/// Settings that come from files which change while a process runs.
package protocol CertificateHolder: Sendable {
    /// The files, located.
    var files: [String] { get }
    /// The same for the same certificates.
    var fingerprint: [UInt8] { get }
    /// In seconds since 1970 the end of the certificate that ends first; nil: there is none.
    var notAfter: Int64? { get }
    /// Reads and judges the files once more; what is wrong with them is thrown. May block.
    var reread: @Sendable () throws(RereadProblem) -> Self { get }
}

/// Why files that were good are not any more: errors with places and fixes.
package struct RereadProblem: Error, Equatable, CustomStringConvertible {
    package let findings: [Finding]

    package var description: String { findings.map(\.message).joined(separator: "; ") }
}

/// How others are met over TLS: `upstream.tls`, and beside `jwksURL` and `provisioning.url`.
package struct ClientTLSSettings: CertificateHolder {
    /// nil: those that the system trusts.
    package var authorities: CertificateChain?
    /// nil: the host of the address.
    package var serverName: String?
    /// What is shown to who asks for it.
    package var certificate: CertificateSettings?
    package var skipsVerification: Bool
    /// Where it begins.
    package var origin = Origin.builtIn
    package var files: [String] = []
    package var reread: @Sendable () throws(RereadProblem) -> ClientTLSSettings = { () throws(RereadProblem) in
        throw RereadProblem(findings: [])
    }

    /// Whom these trust and what they show is the same for `other`.
    package func isSame(as other: ClientTLSSettings) -> Bool {
        serverName == other.serverName && files == other.files && fingerprint == other.fingerprint
    }

    package init(skipsVerification: Bool = false) {
        self.skipsVerification = skipsVerification
    }

    package var fingerprint: [UInt8] {
        (authorities?.fingerprint ?? []) + [0] + (certificate?.chain.fingerprint ?? [])
    }

    package var notAfter: Int64? { certificate?.chain.notAfter }
}

/// `tls`
package struct TLSSettings: CertificateHolder {
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
    /// Of the first certificate.
    package var origin: Origin
    package var files: [String]
    package var reread: @Sendable () throws(RereadProblem) -> TLSSettings = { () throws(RereadProblem) in
        throw RereadProblem(findings: [])
    }

    package var fingerprint: [UInt8] {
        certificates.flatMap(\.chain.fingerprint) + [0] + (clientAuthorities?.fingerprint ?? [])
    }

    package var notAfter: Int64? { certificates.map(\.chain.notAfter).min() }
}
