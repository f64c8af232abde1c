// SPDX-License-Identifier: Apache-2.0

extension TLSSettings {
    /// A server's certificate and key that are named on the command line, read and checked; nil with errors among the
    /// findings.
    ///
    /// - Parameter environment: may name a directory of credentials, where relative paths are looked for first.
    package static func reading(
        certificate: String, key: String, environment: [String: String]
    ) -> (settings: TLSSettings?, findings: [Finding]) {
        let files = NamedFile(environment: environment)
        var builder = SettingsBuilder(Resolution([]), file: nil, purpose: .serve, files: files)
        let (certificateOrigin, keyOrigin) = (SourceLocation.flag("--certificate"), SourceLocation.flag("--key"))
        let pair = builder.pair(
            (Located(value: certificate, origin: certificateOrigin), "certificate"),
            (Located(value: key, origin: keyOrigin), "key"))
        guard let pair else { return (nil, builder.findings) }
        var settings = TLSSettings(
            certificates: [pair], minimumVersion: .v12, clientAuthentication: .none, clientAuthorities: nil,
            strictTransportSecurity: nil, origin: certificateOrigin,
            files: [
                files.locate(certificate, namedAt: certificateOrigin), files.locate(key, namedAt: keyOrigin),
            ])
        settings.reread = { () throws(RereadProblem) in
            let (settings, findings) = reading(certificate: certificate, key: key, environment: environment)
            guard let settings else { throw RereadProblem(findings: findings.errors) }
            return settings
        }
        return (settings, builder.findings)
    }
}
