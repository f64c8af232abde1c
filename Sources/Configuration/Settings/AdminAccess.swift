// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// How commands reach a running gate, and prove who they are: `admin` of a configuration that may have errors elsewhere.
package struct AdminAccess: Sendable {
    /// nil: off, or no valid address.
    package let address: ListenAddress?
    /// nil: none is configured, or its file cannot be read.
    package private(set) var token: Secret?
    /// The gate's certificate; nil: plain HTTP.
    package private(set) var certificate: CertificateChain?
    /// What is wrong with the token or the certificate.
    package private(set) var findings: [Finding] = []

    /// - Parameters:
    ///   - loaded: for inspection.
    ///   - readsToken: false for what everyone may ask.
    package init(_ loaded: LoadedConfiguration, environment: [String: String], readsToken: Bool) {
        let resolution = loaded.resolution
        address = resolution.refused(AdminOptions.listen) ? nil : resolution[AdminOptions.listen]
        guard address != nil else { return }
        var builder = SettingsBuilder(
            resolution, file: loaded.file, purpose: .inspect,
            files: NamedFile(environment: environment, serviceCredentials: ServiceCredentials(for: loaded.file)))
        if let file = resolution.given(AdminOptions.certificate) {
            certificate = builder.authorities(file.value, for: AdminOptions.certificate.path, at: file.origin)
        }
        if readsToken { token = builder.adminToken() }
        findings = builder.findings
    }
}
