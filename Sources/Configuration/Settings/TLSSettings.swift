// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// A certificate with its chain and its key.
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
    /// The certificates that are presented.
    var chains: [CertificateChain] { get }
    /// Reads and checks the files again; throws what is wrong with them. May block.
    var reread: @Sendable () throws(RereadProblem) -> Self { get }
}

/// Why files that were valid are not any more: errors with places and fixes.
package struct RereadProblem: Error, Equatable, CustomStringConvertible {
    package let findings: [Finding]

    package var description: String { findings.map(\.message).joined(separator: "; ") }
}

/// TLS towards other servers: `upstream.tls`, and beside `jwksURL` and `provisioning.url`.
package struct ClientTLSSettings: CertificateHolder {
    /// nil: those that the system trusts.
    package var authorities: CertificateChain?
    /// nil: the host of the address.
    package var serverName: String?
    /// Presented to a server that requests one.
    package var certificate: CertificateSettings?
    package var skipsVerification: Bool
    package enum Version: String, CaseIterable, Sendable {
        case v10 = "1.0"
        case v11 = "1.1"
        case v12 = "1.2"
        case v13 = "1.3"

        /// Broken (RFC 8996).
        var isObsolete: Bool { self == .v10 || self == .v11 }
    }

    package var minimumVersion = Version.v12
    /// OpenSSL's names, one each; empty: the standard ones.
    package var ciphers: [String] = []
    /// Where the ciphers stand.
    package var ciphersOrigin = SourceLocation.builtIn
    /// Where the section begins.
    package var origin = SourceLocation.builtIn
    /// The files, located.
    var authoritiesFile: String?
    var certificateFile: String?
    var keyFile: String?
    package var reread: @Sendable () throws(RereadProblem) -> ClientTLSSettings = { () throws(RereadProblem) in
        throw RereadProblem(findings: [])
    }

    /// `other` trusts the same authorities and presents the same certificate.
    package func isSame(as other: ClientTLSSettings) -> Bool {
        serverName == other.serverName && files == other.files && fingerprint == other.fingerprint
            && minimumVersion == other.minimumVersion && ciphers == other.ciphers
    }

    package init(skipsVerification: Bool = false) {
        self.skipsVerification = skipsVerification
    }

    package var files: [String] { [authoritiesFile, certificateFile, keyFile].compactMap { $0 } }

    package var fingerprint: [UInt8] {
        (authorities?.fingerprint ?? []) + [0] + (certificate?.chain.fingerprint ?? [])
    }

    package var notAfter: Int64? { certificate?.chain.notAfter }

    package var chains: [CertificateChain] { certificate.map { [$0.chain] } ?? [] }
}

/// `tls`
package struct TLSSettings: CertificateHolder {
    package enum ClientAuthentication: String, CaseIterable, Sendable {
        case none, request, require
    }

    package enum Version: String, CaseIterable, Sendable {
        case v12 = "1.2"
        case v13 = "1.3"
    }

    /// Never empty.
    package var certificates: [CertificateSettings]
    package var minimumVersion: Version
    package var clientAuthentication: ClientAuthentication
    package var clientAuthorities: CertificateChain?
    /// nil: not sent.
    package var strictTransportSecurity: Duration?
    /// Of the first certificate.
    package var origin: SourceLocation
    package var files: [String]
    package var reread: @Sendable () throws(RereadProblem) -> TLSSettings = { () throws(RereadProblem) in
        throw RereadProblem(findings: [])
    }

    package var fingerprint: [UInt8] {
        certificates.flatMap(\.chain.fingerprint) + [0] + (clientAuthorities?.fingerprint ?? [])
    }

    package var notAfter: Int64? { certificates.map(\.chain.notAfter).min() }

    package var chains: [CertificateChain] { certificates.map(\.chain) }
}
