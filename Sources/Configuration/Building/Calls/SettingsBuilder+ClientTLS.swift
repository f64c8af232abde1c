// SPDX-License-Identifier: Apache-2.0

import Cryptography

// TLS towards other servers: the app, those that publish key sets, those that are notified of users.

extension SettingsBuilder {
    /// `upstream.tls`, and `tls` of an item of `upstreams`.
    ///
    /// - Parameters:
    ///   - address: nil when there is none; another finding says so.
    ///   - prefix: of the options' paths in messages.
    mutating func upstreamTLS(
        _ address: UpstreamAddress?, _ source: some OptionSource, _ options: UpstreamTLSOptions, prefix: String
    ) -> ClientTLSSettings {
        if let address, !address.isSecure {
            for row in options.rows where source.isChanged(row) {
                findings.append(
                    .error(
                        source.entry(row.path)?.nameOrigin ?? .builtIn,
                        "`\(prefix)\(row.path)`: the app's address (\(address)) is not https; write https:// or remove this"
                    ))
            }
        }
        let skipsVerification = source[options.skipsVerification]
        guard purpose == .serve else { return ClientTLSSettings(skipsVerification: skipsVerification) }
        if skipsVerification {
            let skip = prefix + options.skipsVerification.path
            let authorities = prefix + options.client.ca.path
            let place = source.origin(options.skipsVerification)
            findings.append(
                source[options.client.ca] != nil
                    ? .error(place, "`\(skip)` makes `\(authorities)` meaningless; remove one of the two")
                    : .warning(
                        place,
                        "`\(skip)`: an attacker between Sidegate and the app can read and change everything; name the"
                            + " authority of the app's certificate in `\(authorities)` instead"))
        }
        var settings = clientTLS(source, options.client, prefix: prefix, skipsVerification: skipsVerification)
        settings.minimumVersion = source[options.minimumVersion]
        settings.ciphers = source[options.ciphers].flatMap { list in
            list.split { $0 == ":" || $0 == "," || $0 == " " }.map(String.init)
        }
        settings.ciphersOrigin = source.origin(options.ciphers)
        if settings.minimumVersion.isObsolete {
            findings.append(
                .warning(
                    source.origin(options.minimumVersion),
                    "`\(prefix)\(options.minimumVersion.path)`: TLS 1.0 and 1.1 are broken (RFC 8996); use it for an app that"
                        + " speaks nothing newer, over a network that you trust"))
        }
        let (minimum, ciphers, reread) = (settings.minimumVersion, settings.ciphers, settings.reread)
        settings.reread = { () throws(RereadProblem) in
            var fresh = try reread()
            (fresh.minimumVersion, fresh.ciphers) = (minimum, ciphers)
            return fresh
        }
        return settings
    }

    /// What stands beside the address of a call of our own; it is for https only.
    mutating func callTLS(
        _ url: String, _ source: some OptionSource, _ options: ClientTLSOptions, prefix: String
    ) -> ClientTLSSettings {
        guard url.lowercased().hasPrefix("https://") else {
            for option in [options.ca, options.serverName, options.certificate, options.key] {
                guard let given = source.given(option) else { continue }
                findings.append(
                    .error(given.origin, "`\(prefix)\(option.path)` is for an https address only; remove it"))
            }
            return ClientTLSSettings()
        }
        return clientTLS(source, options, prefix: prefix)
    }

    mutating func clientTLS(
        _ source: some OptionSource, _ options: ClientTLSOptions, prefix: String, skipsVerification: Bool = false
    ) -> ClientTLSSettings {
        var settings = ClientTLSSettings(skipsVerification: skipsVerification)
        let (ca, certificate, key) = (
            source.given(options.ca), source.given(options.certificate), source.given(options.key)
        )
        settings.origin = certificate?.origin ?? ca?.origin ?? .builtIn
        if let ca {
            settings.authoritiesFile = files.locate(ca.value, namedAt: ca.origin)
            settings.authorities = authorities(ca.value, for: prefix + options.ca.path, at: ca.origin)
        }
        if let name = source.given(options.serverName) {
            settings.serverName = name.value
            do {
                try HostAndPort.checkHost(name.value)
            } catch {
                findings.append(
                    .error(
                        name.origin,
                        "`\(prefix)\(options.serverName.path)`: \(Quoted.text(name.value)): \(error.message)"))
            }
        }
        switch (certificate, key) {
        case (nil, nil): break
        case (let certificate?, let key?):
            settings.certificateFile = files.locate(certificate.value, namedAt: certificate.origin)
            settings.keyFile = files.locate(key.value, namedAt: key.origin)
            settings.certificate = pair(
                (certificate, prefix + options.certificate.path), (key, prefix + options.key.path))
        case (let certificate?, nil):
            findings.append(
                .error(
                    certificate.origin,
                    "`\(prefix)\(options.certificate.path)` is of no use without its key; add `\(options.key.name)`"))
        case (nil, let key?):
            findings.append(
                .error(
                    key.origin,
                    "`\(prefix)\(options.key.path)` is of no use without a certificate; add"
                        + " `\(options.certificate.name)`"))
        }
        let fresh = SettingsBuilder(self)
        settings.reread = { () throws(RereadProblem) in
            var builder = fresh
            let settings = builder.clientTLS(
                source, options, prefix: prefix, skipsVerification: skipsVerification)
            guard !builder.findings.hasErrors else { throw RereadProblem(findings: builder.findings.errors) }
            return settings
        }
        return settings
    }
}

extension [Finding] {
    var errors: [Finding] { filter { $0.severity == .error } }
}
