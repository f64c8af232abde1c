// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

// Who may come in, the emergency door, and telling the app.

extension SettingsBuilder {
    mutating func access() -> AccessSettings {
        var settings = AccessSettings(
            default: resolution.text("access.default"), emails: resolution.texts("access.users.emails"),
            emailsFile: nil, listedEmails: [], emailDomains: resolution.texts("access.users.emailDomains"),
            groups: resolution.texts("access.users.groups"), site: resolution.text("access.site"), rules: [],
            ruleOrigins: [], mode: resolution.text("access.mode"))
        rules(&settings)
        let named = resolution.text("access.users.emailsFile")
        if !named.isEmpty {
            let origin = resolution.origin("access.users.emailsFile")
            settings.emailsFile = files.locate(named, namedAt: origin)
            // A command that looks at tokens says nothing of a list it cannot read; its verdict says so instead.
            if let emails = listedEmails(named, at: origin) { settings.listedEmails = emails }
        }
        requireFields(settings)
        return settings
    }

    private mutating func listedEmails(_ name: String, at origin: SourceLocation) -> [String]? {
        let key = "access.users.emailsFile"
        let path = files.locate(name, namedAt: origin)
        guard
            let contents = files.read(
                name, for: key, at: origin, limit: EmailList.maximumSize, isNoted: false, into: &findings)
        else { return nil }
        if contents.isWritableByOthers {
            findings.append(
                .warning(
                    origin,
                    "`\(key)`: every user of this machine can write \(Quoted.plain(path)), and so let anyone in; run"
                        + " chmod o-w on it"))
        }
        let list = EmailList(contents.bytes)
        for problem in list.problems {
            findings.append(.error(.file(path: path, line: problem.line, column: 1), "`\(key)`: \(problem.message)"))
        }
        if list.emails.isEmpty, list.problems.isEmpty {
            let others = resolution.texts("access.users.emails") + resolution.texts("access.users.emailDomains")
            findings.append(
                .warning(
                    origin,
                    "`\(key)`: no address is in \(Quoted.plain(path))"
                        + (others.isEmpty ? ", so nobody is registered" : "") + "; put one on each line"))
        }
        return list.emails
    }

    /// What is compared must be filled from some claim, or nobody could ever come in.
    private mutating func requireFields(_ access: AccessSettings) {
        let fields = Set(resolution.map("token.claims").map(\.name))
        let needs = [
            ("access.users.emails", "email", !access.emails.isEmpty),
            ("access.users.emailsFile", "email", access.emailsFile != nil),
            ("access.users.emailDomains", "email", !access.emailDomains.isEmpty),
            ("access.users.groups", "groups", !access.groups.isEmpty),
            ("access.site", "sites", !access.site.isEmpty),
        ]
        for (path, field, isSet) in needs where isSet && !fields.contains(field) {
            findings.append(
                .error(
                    resolution.origin(path),
                    "`\(path)` is about the field `\(field)`, which no claim fills; name its claims in"
                        + " `token.claims.\(field)`"))
        }
    }

    /// nil: off.
    mutating func nativeLogin() -> NativeLoginSettings? {
        let paths = resolution.texts("nativeLogin.paths")
        let settings = NativeLoginSettings(
            parameters: resolution.texts("nativeLogin.parameters"), paths: paths,
            with: resolution.texts("nativeLogin.with"), from: networks("nativeLogin.from"),
            lifetime: resolution.duration("nativeLogin.lifetime"))
        guard !paths.isEmpty else {
            if !settings.with.isEmpty {
                findings.append(
                    .warning(
                        resolution.origin("nativeLogin.with"),
                        "`nativeLogin.with` does nothing while `nativeLogin.paths` is empty; name the login page there")
                )
            }
            return nil
        }
        for path in ["nativeLogin.paths", "nativeLogin.with"] {
            warnOfPatterns(resolution.entries[path].map { Located(value: $0.value, origin: $0.origin) }, path)
        }
        if settings.parameters.isEmpty {
            findings.append(
                .error(
                    resolution.origin("nativeLogin.parameters"),
                    "`nativeLogin.parameters` is empty, so nobody can ask for it; name one, such as no_sso"))
        }
        let token = resolution.text("identityProvider.tokenParameter")
        if settings.parameters.contains(token) {
            findings.append(
                .error(
                    resolution.origin("nativeLogin.parameters"),
                    "`nativeLogin.parameters`: \(Quoted.text(token)) carries the token; choose another name"))
        }
        return settings
    }

    /// nil: off.
    mutating func provisioning() -> ProvisioningSettings? {
        let url = resolution.text("provisioning.url")
        let origin = resolution.origin("provisioning.url")
        guard !url.isEmpty, purpose == .serve else { return nil }
        let secret = provisioningSecret()
        if secret == nil, resolution.refusedPaths.isDisjoint(with: ["provisioning.secret", "provisioning.secretFile"]) {
            findings.append(
                .warning(
                    origin,
                    "`provisioning.url`: calls are not signed, so the app cannot tell them from anyone else's; share a"
                        + " secret with it and set `provisioning.secretFile`"))
        }
        warnOfPlainHTTP(url, "provisioning.url", origin, "names and addresses of users")
        return ProvisioningSettings(
            url: url, secret: secret, eachLogin: resolution.boolean("provisioning.eachLogin"),
            tls: callTLS(
                url, in: "provisioning",
                parts(of: "provisioning", "ca", "serverName", "clientCertificate", "clientKey")))
    }

    private mutating func provisioningSecret() -> Secret? {
        var found: (bytes: [UInt8], path: String, origin: SourceLocation)?
        if let (text, origin) = resolution.textIfSet("provisioning.secret"), !text.isEmpty {
            found = (Array(text.utf8), "provisioning.secret", origin)
        } else if let (name, origin) = resolution.textIfSet("provisioning.secretFile"), !name.isEmpty,
            let bytes = files.readSecret(name, for: "provisioning.secretFile", at: origin, into: &findings)
        {
            found = (bytes, "provisioning.secretFile", origin)
        }
        guard let found else { return nil }
        if found.bytes.count < Self.minimumProvisioningSecret {
            findings.append(
                .error(
                    found.origin,
                    "`\(found.path)` has \(found.bytes.count) bytes, too few to be safe; at least"
                        + " \(Self.minimumProvisioningSecret) are needed (`sidegate secret` makes one)"))
        }
        return Secret(found.bytes)
    }

    private static let minimumProvisioningSecret = 16

    // MARK: - For all calls of our own

    mutating func warnOfPlainHTTP(_ url: String, _ path: String, _ origin: SourceLocation, _ what: String) {
        guard url.lowercased().hasPrefix("http://"), !LoopbackHost.isNamed(in: url) else { return }
        findings.append(
            .warning(origin, "`\(path)`: over http \(what) can be read and changed on their way; use https"))
    }

    func networks(_ path: String) -> [CIDR] {
        resolution.list(path).compactMap {
            if case .network(let network) = $0.value { network.block } else { nil }
        }
    }
}

/// Whether an address leads no further than this machine.
package enum LoopbackHost {
    /// `url` is absolute.
    package static func isNamed(in url: String) -> Bool {
        guard let colon = url.firstRange(of: "://") else { return false }
        let authority = url[colon.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let (host, _) = try? HostAndPort.parse(String(authority)) else { return false }
        let name = host.lowercased()
        if name == "localhost" || name.hasSuffix(".localhost") || name == "::1" { return true }
        return IPv4Text.isValid(name) && name.hasPrefix("127.")
    }
}
