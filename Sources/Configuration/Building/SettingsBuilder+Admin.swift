// SPDX-License-Identifier: Apache-2.0

// `admin`: the listener of health, metrics and the console, and who may use it.

extension SettingsBuilder {
    mutating func admin() -> AdminSettings {
        var settings = AdminSettings(
            listen: resolution[AdminOptions.listen], isDefault: !resolution.isSet(AdminOptions.listen),
            probePaths: resolution[AdminOptions.probePaths], token: nil,
            hosts: resolution[AdminOptions.hosts].map { $0.lowercased() }, tls: nil)
        guard purpose == .serve else { return settings }
        settings.token = adminToken()
        settings.tls = adminTLS()
        warnOfExposedToken(settings)
        return settings
    }

    /// The token alone, for commands: they are not to fail because of anything else.
    mutating func adminToken() -> Secret? {
        guard let found = secret(AdminOptions.token), !found.bytes.isEmpty else { return nil }
        guard found.bytes.count >= Self.minimumAdminToken else {
            findings.append(
                .error(
                    found.origin,
                    "`\(found.path)` has \(found.bytes.count) bytes, too few to be safe; at least"
                        + " \(Self.minimumAdminToken) are needed (`sidegate secret` makes one)"))
            return nil
        }
        // It is sent in a field, where a blank would end it.
        guard found.bytes.allSatisfy({ 0x21...0x7e ~= $0 }), found.bytes.count <= Self.maximumAdminToken else {
            findings.append(
                .error(
                    found.origin,
                    "`\(found.path)` must be at most \(Self.maximumAdminToken) visible ASCII characters without blanks, since"
                        + " it is sent in a header field; `sidegate secret` makes one"))
            return nil
        }
        return Secret(found.bytes)
    }

    private mutating func adminTLS() -> TLSSettings? {
        let (certificate, key) = (resolution.given(AdminOptions.certificate), resolution.given(AdminOptions.key))
        guard let certificate, let key else {
            if let only = certificate ?? key {
                let missing = key == nil ? AdminOptions.key.path : AdminOptions.certificate.path
                findings.append(.error(only.origin, "`\(missing)` is missing; name the PEM file of both"))
            }
            return nil
        }
        let pair = pair((certificate, AdminOptions.certificate.path), (key, AdminOptions.key.path))
        guard let pair else { return nil }
        var settings = TLSSettings(
            certificates: [pair], minimumVersion: .v12, clientAuthentication: .none, clientAuthorities: nil,
            strictTransportSecurity: nil, origin: certificate.origin,
            files: [certificate, key].map { files.locate($0.value, namedAt: $0.origin) })
        let fresh = SettingsBuilder(self)
        settings.reread = { () throws(RereadProblem) in
            var builder = fresh
            guard let settings = builder.adminTLS(), !builder.findings.hasErrors else {
                throw RereadProblem(findings: builder.findings.errors)
            }
            return settings
        }
        return settings
    }

    private mutating func warnOfExposedToken(_ settings: AdminSettings) {
        guard settings.token != nil else { return }
        let origin = resolution.entry(rowInForce(AdminOptions.token.rows))?.origin ?? .builtIn
        switch settings.listen {
        case nil:
            findings.append(
                .warning(
                    origin,
                    "`admin.token` does nothing while `admin.listen` is off; set an address, such as 127.0.0.1:9180"))
        case .tcp(let host, let port)
        where settings.tls == nil && !LoopbackHost.isNamed(in: "http://\(HostAndPort.format(host: host, port: port))"):
            findings.append(
                .warning(
                    origin,
                    "`admin.token`: at \(HostAndPort.format(host: host, port: port)) it can be read on its way, since that"
                        + " is not a loopback address; add `admin.tls`, or listen on 127.0.0.1 or a unix socket"))
        case .tcp, .unix, .inherited, .redirect: break
        }
    }

    static let minimumAdminToken = 32
    static let maximumAdminToken = 1024
}
