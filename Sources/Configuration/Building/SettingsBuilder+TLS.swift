// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate
import Glibc
import JWT

// `tls`: certificates are read and checked before anything listens.

extension SettingsBuilder {
    /// nil: plain HTTP, or not usable.
    mutating func tls() -> TLSSettings? {
        let items = resolution.items(TLSOptions.certificates)
        guard purpose == .serve else { return nil }
        guard !items.isEmpty else {
            guard !resolution.refused(TLSOptions.certificates) else { return nil }
            for row in TLSOptions.rows where resolution.isChanged(row) {
                findings.append(
                    .error(
                        resolution.entry(row.path)?.nameOrigin ?? .builtIn,
                        "`\(row.path)` does nothing without a certificate; add `tls.certificates` or remove it"))
            }
            return nil
        }
        var settings = TLSSettings(
            certificates: [], minimumVersion: resolution[TLSOptions.minimumVersion],
            clientAuthentication: resolution[TLSOptions.clientAuthentication], clientAuthorities: nil,
            strictTransportSecurity: resolution[TLSOptions.strictTransportSecurity],
            origin: items.first?.origin ?? .builtIn, files: [])
        for item in items {
            let (certificate, key) = (item.value.given(TLSOptions.certificate), item.value.given(TLSOptions.key))
            guard let certificate, let key else {
                let missing = key == nil ? "key" : "certificate"
                findings.append(
                    .error(item.origin, "`tls.certificates[].\(missing)` is missing; name the PEM file of both"))
                continue
            }
            settings.files += [certificate, key].map { files.locate($0.value, namedAt: $0.origin) }
            let pair = pair((certificate, "tls.certificates[].certificate"), (key, "tls.certificates[].key"))
            if let pair { settings.certificates.append(pair) }
        }
        clientAuthorities(&settings)
        let fresh = SettingsBuilder(self)
        settings.reread = { () throws(RereadProblem) in
            var builder = fresh
            guard let settings = builder.tls(), !builder.findings.hasErrors else {
                throw RereadProblem(findings: builder.findings.errors)
            }
            return settings
        }
        return settings.certificates.isEmpty ? nil : settings
    }

    private mutating func clientAuthorities(_ settings: inout TLSSettings) {
        guard let file = resolution.given(TLSOptions.clientAuthorities) else {
            if settings.clientAuthentication != .none {
                findings.append(
                    .error(
                        resolution.origin(TLSOptions.clientAuthentication),
                        "`tls.clientAuth`: no authority is named that vouches for browsers; add `tls.clientCA`"))
            }
            return
        }
        settings.files.append(files.locate(file.value, namedAt: file.origin))
        settings.clientAuthorities = authorities(
            file.value, for: TLSOptions.clientAuthorities.path, at: file.origin)
        if settings.clientAuthentication == .none {
            findings.append(
                .error(
                    file.origin, "`tls.clientCA` does nothing; set `tls.clientAuth` to request or require, or remove it"
                ))
        }
    }

    mutating func checkRedirects(_ settings: Settings) {
        let items = resolution.items(AddressOptions.listen).filter {
            if case .redirect = $0.value { true } else { false }
        }
        guard let first = items.first else { return }
        if items.count == settings.listen.count {
            findings.append(
                .error(
                    first.origin, "`listen` only redirects; add the address that serves, such as 0.0.0.0:443"))
        }
        if settings.publicURL?.isSecure == false {
            findings.append(
                .error(
                    first.origin,
                    "`listen`: a redirect leads to https, but `publicURL` is http; write https:// there or remove this")
            )
        }
    }

    // MARK: - Files

    mutating func authorities(_ path: String, for key: String, at origin: SourceLocation) -> CertificateChain? {
        guard let bytes = files.read(path, for: key, at: origin, isNoted: false, into: &findings)?.bytes else {
            return nil
        }
        do throws(CryptographyError) {
            return try CertificateChain(pem: bytes, maximum: 1000)
        } catch {
            findings.append(
                .error(origin, "`\(key)`: \(error.words); name a PEM file with the certificates of the authorities"))
            return nil
        }
    }

    /// A certificate and its key, valid and belonging together; each with the path of its option.
    mutating func pair(
        _ certificate: (file: Located<String>, name: String), _ key: (file: Located<String>, name: String)
    ) -> CertificateSettings? {
        let chain = chain(certificate.file.value, for: certificate.name, at: certificate.file.origin)
        let privateKey = privateKey(key.file.value, for: key.name, at: key.file.origin)
        guard let chain, let privateKey else { return nil }
        guard chain.isFor(privateKey) else {
            findings.append(
                .error(
                    key.file.origin,
                    "`\(key.name)`: this is not the key of the certificate in \(Quoted.plain(certificate.file.value)); name the"
                        + " key that its request was made with, or the certificate that belongs to this key"))
            return nil
        }
        return CertificateSettings(chain: chain, key: privateKey)
    }

    private mutating func chain(_ path: String, for key: String, at origin: SourceLocation) -> CertificateChain? {
        guard let bytes = files.read(path, for: key, at: origin, isNoted: false, into: &findings)?.bytes else {
            return nil
        }
        let chain: CertificateChain
        do throws(CryptographyError) {
            chain = try CertificateChain(pem: bytes)
        } catch {
            findings.append(
                .error(origin, "`\(key)`: \(error.words); name a PEM file with the certificate and then its chain"))
            return nil
        }
        let now = Int64(time(nil))
        if now >= chain.notAfter {
            let date = CalendarDate(secondsSince1970: chain.notAfter)
            findings.append(.error(origin, "`\(key)`: the certificate has expired on \(date); renew it"))
            return nil
        }
        if now < chain.notBefore {
            let date = CalendarDate(secondsSince1970: chain.notBefore)
            findings.append(
                .error(
                    origin, "`\(key)`: the certificate is valid from \(date) on; wait, or set this machine's clock")
            )
            return nil
        }
        return chain
    }

    private mutating func privateKey(_ path: String, for key: String, at origin: SourceLocation) -> PrivateKey? {
        guard let bytes = files.readSecret(path, for: key, at: origin, isNoted: false, into: &findings) else {
            return nil
        }
        do throws(CryptographyError) {
            return try PrivateKey(pem: bytes)
        } catch {
            findings.append(
                .error(origin, "`\(key)`: \(error.words); name the PEM file of the certificate's private key"))
            return nil
        }
    }
}

/// A day in UTC, such as 2026-11-30.
package struct CalendarDate: CustomStringConvertible {
    package let description: String

    package init(secondsSince1970 seconds: Int64) {
        description = String(moment(Double(seconds)).prefix { $0 != "T" })
    }
}

extension CryptographyError {
    /// For people.
    fileprivate var words: String {
        switch self {
        case .malformedKey(let text), .unsupportedKey(let text), .weakKey(let text), .failed(let text): text
        }
    }
}
