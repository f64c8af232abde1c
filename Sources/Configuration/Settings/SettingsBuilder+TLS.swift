// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc

// `tls`: certificates are read, and judged, before anything listens.

extension SettingsBuilder {
    /// nil: plain HTTP, or nothing that could serve.
    mutating func tls() -> TLSSettings? {
        let items = resolution.list("tls.certificates")
        let clientAuthentication =
            TLSSettings.ClientAuthentication(rawValue: resolution.text("tls.clientAuth")) ?? .none
        guard purpose == .serve else { return nil }
        guard !items.isEmpty else {
            guard !resolution.refusedPaths.contains("tls.certificates") else { return nil }
            for entry in given("minimumVersion", "clientCA", "clientAuth", "hsts", in: "tls") {
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "`\(entry.key.path)` does nothing without a certificate; add `tls.certificates` or remove it"))
            }
            return nil
        }
        var settings = TLSSettings(
            certificates: [], minimumVersion: resolution.text("tls.minimumVersion"),
            clientAuthentication: clientAuthentication, clientAuthorities: nil, strictTransportSecurity: nil,
            origin: items.first?.origin ?? .builtIn, files: [])
        let strict = resolution.duration("tls.hsts")
        if strict > .zero { settings.strictTransportSecurity = strict }
        for item in items {
            guard case .object(let parts) = item.value else { continue }
            guard let certificate = parts["certificate"], let key = parts["key"] else {
                let missing = parts["key"] == nil ? "key" : "certificate"
                findings.append(
                    .error(item.origin, "`tls.certificates[].\(missing)` is missing; name the PEM file of both"))
                continue
            }
            settings.files += [certificate, key].compactMap { part in
                if case .text(let path) = part.value { files.locate(path, namedAt: part.origin) } else { nil }
            }
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
        guard let (path, origin) = file("tls.clientCA") else {
            if settings.clientAuthentication != .none {
                findings.append(
                    .error(
                        resolution.origin("tls.clientAuth"),
                        "`tls.clientAuth`: nobody is named who vouches for browsers; add `tls.clientCA`"))
            }
            return
        }
        settings.files.append(files.locate(path, namedAt: origin))
        settings.clientAuthorities = authorities(path, for: "tls.clientCA", at: origin)
        if settings.clientAuthentication == .none {
            findings.append(
                .error(origin, "`tls.clientCA` does nothing; set `tls.clientAuth` to request or require, or remove it"))
        }
    }

    mutating func checkRedirects(_ settings: Settings) {
        let items = resolution.list("listen").filter {
            if case .listenAddress(.redirect) = $0.value { true } else { false }
        }
        guard let first = items.first else { return }
        if items.count == settings.listen.count {
            findings.append(
                .error(
                    first.origin, "`listen` only redirects; name the address that serves too, such as 0.0.0.0:443"))
        }
        if settings.publicURL?.isSecure == false {
            findings.append(
                .error(
                    first.origin,
                    "`listen`: a redirect leads to https, but `publicURL` is http; write https:// there or remove this")
            )
        }
    }

    /// Those of a section's keys that say something else than their defaults.
    func given(_ names: String..., in section: String) -> [Resolution.Entry] {
        names.compactMap { resolution.entries["\(section).\($0)"] }.filter { entry in
            switch (entry.value, entry.key.fallback) {
            case (.text(let text), let fallback): text != "" && text != fallback?.filter { $0 != "\"" }
            case (.boolean(let value), _): value
            case (.duration(let duration), _): duration > .zero
            default: false
            }
        }
    }

    // MARK: - Files

    func file(_ path: String) -> (path: String, origin: SourceLocation)? {
        guard let (text, origin) = resolution.textIfSet(path), !text.isEmpty else { return nil }
        return (text, origin)
    }

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

    /// A certificate and its key, both there, in force and fitting each other; each with the path of its key.
    mutating func pair(
        _ certificate: (part: Located, name: String), _ key: (part: Located, name: String)
    ) -> CertificateSettings? {
        guard case .text(let certificatePath) = certificate.part.value, case .text(let keyPath) = key.part.value else {
            return nil
        }
        let chain = chain(certificatePath, for: certificate.name, at: certificate.part.origin)
        let privateKey = privateKey(keyPath, for: key.name, at: key.part.origin)
        guard let chain, let privateKey else { return nil }
        guard chain.isFor(privateKey) else {
            findings.append(
                .error(
                    key.part.origin,
                    "`\(key.name)`: this is not the key of the certificate in \(Quoted.plain(certificatePath)); name the"
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
                    origin, "`\(key)`: the certificate is good from \(date) on only; wait, or set this machine's clock")
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

/// A day of the Gregorian calendar, in UTC.
package struct CalendarDate: CustomStringConvertible {
    package let description: String

    package init(secondsSince1970 seconds: Int64) {
        // Days from 0000-03-01, as years that end with February have their leap day last (Howard Hinnant, "chrono-
        // Compatible Low-Level Date Algorithms").
        let days = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400 + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        description = "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
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
