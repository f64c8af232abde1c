// SPDX-License-Identifier: Apache-2.0

import Cryptography

// How others are met over TLS: the app, who publishes key sets, who is told of users.

extension SettingsBuilder {
    /// `upstream.tls`
    mutating func upstreamTLS(_ address: UpstreamAddress) -> ClientTLSSettings {
        if case .https = address {
        } else if resolution.entries["upstream.url"] != nil {
            for entry in given("ca", "serverName", "certificate", "key", "insecureSkipVerify", in: "upstream.tls") {
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "`\(entry.key.path)`: the app's address (\(address)) is not https; write https:// or remove this"
                    ))
            }
        }
        let skipsVerification = resolution.boolean("upstream.tls.insecureSkipVerify")
        guard purpose == .serve else { return ClientTLSSettings(skipsVerification: skipsVerification) }
        let place = resolution.origin("upstream.tls.insecureSkipVerify")
        if skipsVerification {
            findings.append(
                file("upstream.tls.ca") != nil
                    ? .error(
                        place,
                        "`upstream.tls.insecureSkipVerify` makes `upstream.tls.ca` meaningless; remove one of the two")
                    : .warning(
                        place,
                        "`upstream.tls.insecureSkipVerify`: whoever gets between can read and change everything; name the"
                            + " authority of the app's certificate in `upstream.tls.ca` instead"))
        }
        return clientTLS(
            in: "upstream.tls", names: ("certificate", "key"), skipsVerification: skipsVerification,
            parts(of: "upstream.tls", "ca", "serverName", "certificate", "key"))
    }

    /// `upstreams[].tls`
    mutating func appTLS(_ address: UpstreamAddress, _ parts: [String: Located]) -> ClientTLSSettings {
        let section = "upstreams[].tls"
        let skip = parts["insecureSkipVerify"]
        let skipsVerification = skip?.value == .boolean(true)
        if case .https = address {
        } else {
            for (name, part) in parts.sorted(by: { $0.key < $1.key }) where part.value != .boolean(false) {
                findings.append(
                    .error(
                        part.origin,
                        "`\(section).\(name)`: the app's address (\(address)) is not https; write https:// or remove this"
                    ))
            }
        }
        guard purpose == .serve else { return ClientTLSSettings(skipsVerification: skipsVerification) }
        if let skip, skipsVerification {
            findings.append(
                parts["ca"] != nil
                    ? .error(
                        skip.origin,
                        "`\(section).insecureSkipVerify` makes `\(section).ca` meaningless; remove one of the two")
                    : .warning(
                        skip.origin,
                        "`\(section).insecureSkipVerify`: whoever gets between can read and change everything; name the"
                            + " authority of the app's certificate in `\(section).ca` instead"))
        }
        return clientTLS(
            in: section, names: ("certificate", "key"), skipsVerification: skipsVerification, parts)
    }

    /// What stands beside the address of a call of our own; it goes with https only.
    mutating func callTLS(_ url: String, in section: String, _ parts: [String: Located]) -> ClientTLSSettings {
        guard url.lowercased().hasPrefix("https://") else {
            for name in Self.callParts {
                guard let part = parts[name] else { continue }
                findings.append(.error(part.origin, "`\(section).\(name)` goes with an https address only; remove it"))
            }
            return ClientTLSSettings()
        }
        return clientTLS(
            in: section, names: ("clientCertificate", "clientKey"), skipsVerification: false, parts)
    }

    /// Names of what stands beside the address of a call of our own.
    static let callParts = ["ca", "serverName", "clientCertificate", "clientKey"]

    /// Those of a section's keys that have a value.
    func parts(of section: String, _ names: String...) -> [String: Located] {
        var parts: [String: Located] = [:]
        for name in names {
            guard let (text, origin) = file("\(section).\(name)") else { continue }
            parts[name] = Located(value: .text(text), origin: origin)
        }
        return parts
    }

    private mutating func clientTLS(
        in section: String, names: (certificate: String, key: String), skipsVerification: Bool,
        _ parts: [String: Located]
    ) -> ClientTLSSettings {
        var settings = ClientTLSSettings(skipsVerification: skipsVerification)
        settings.origin = parts[names.certificate]?.origin ?? parts["ca"]?.origin ?? .builtIn
        if let part = parts["ca"], case .text(let path) = part.value, !path.isEmpty {
            settings.files.append(files.locate(path, namedAt: part.origin))
            settings.authorities = authorities(path, for: "\(section).ca", at: part.origin)
        }
        if let part = parts["serverName"], case .text(let name) = part.value, !name.isEmpty {
            settings.serverName = name
            do {
                try HostAndPort.checkHost(name)
            } catch {
                findings.append(
                    .error(part.origin, "`\(section).serverName`: \(Quoted.text(name)): \(error.message)"))
            }
        }
        switch (parts[names.certificate], parts[names.key]) {
        case (nil, nil): break
        case (let certificate?, let key?):
            settings.files += [certificate, key].compactMap { part in
                if case .text(let path) = part.value { files.locate(path, namedAt: part.origin) } else { nil }
            }
            settings.certificate = pair(
                (certificate, "\(section).\(names.certificate)"), (key, "\(section).\(names.key)"))
        case (let certificate?, nil):
            findings.append(
                .error(
                    certificate.origin,
                    "`\(section).\(names.certificate)` is of no use without its key; add `\(names.key)`"))
        case (nil, let key?):
            findings.append(
                .error(
                    key.origin,
                    "`\(section).\(names.key)` is of no use without a certificate; add `\(names.certificate)`"))
        }
        let fresh = SettingsBuilder(self)
        settings.reread = { () throws(RereadProblem) in
            var builder = fresh
            let settings = builder.clientTLS(
                in: section, names: names, skipsVerification: skipsVerification, parts)
            guard !builder.findings.hasErrors else { throw RereadProblem(findings: builder.findings.errors) }
            return settings
        }
        return settings
    }
}

extension [Finding] {
    var errors: [Finding] { filter { $0.severity == .error } }
}
