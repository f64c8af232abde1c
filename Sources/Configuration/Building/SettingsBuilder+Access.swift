// SPDX-License-Identifier: Apache-2.0

import Cryptography

// Which users are let in, native login, and notifying the app.

extension SettingsBuilder {
    mutating func access() -> AccessSettings {
        var settings = AccessSettings(
            default: resolution[AccessOptions.default], users: users(), site: resolution[AccessOptions.site], rules: [],
            ruleOrigins: [], mode: resolution[AccessOptions.mode])
        rules(&settings)
        requireFields(of: settings.users, among: fieldNames)
        requireField("sites", for: AccessOptions.site, !settings.site.isEmpty, among: fieldNames)
        return settings
    }

    /// `access.users`; in an item of `identityProviders` its `users`.
    mutating func users() -> UserSettings {
        var users = UserSettings()
        users.emails = resolution[AccessOptions.emails]
        users.emailDomains = resolution[AccessOptions.emailDomains]
        users.groups = resolution[AccessOptions.groups]
        if let file = resolution.given(AccessOptions.emailsFile) {
            users.emailsFile = files.locate(file.value, namedAt: file.origin)
            if let emails = listedEmails(file.value, at: file.origin) { users.listedEmails = emails }
        }
        return users
    }

    private mutating func listedEmails(_ name: String, at origin: SourceLocation) -> [String]? {
        let key = AccessOptions.emailsFile.path
        let path = files.locate(name, namedAt: origin)
        guard
            let contents = files.read(
                name, for: key, at: origin, limit: EmailList.maximumSize, isNoted: false, into: &findings)
        else { return nil }
        if contents.isWritableByOthers {
            findings.append(
                .warning(
                    origin,
                    "`\(key)`: every user of this machine can write \(Quoted.plain(path)), and so register anyone; run"
                        + " chmod o-w on it"))
        }
        let list = EmailList(contents.bytes)
        for problem in list.problems {
            findings.append(.error(.file(path: path, line: problem.line, column: 1), "`\(key)`: \(problem.message)"))
        }
        if list.emails.isEmpty, list.problems.isEmpty {
            let others = resolution[AccessOptions.emails] + resolution[AccessOptions.emailDomains]
            findings.append(
                .warning(
                    origin,
                    "`\(key)`: no address is in \(Quoted.plain(path))"
                        + (others.isEmpty ? ", so nobody is registered" : "") + "; put one on each line"))
        }
        return list.emails
    }

    /// What is compared must be filled from some claim, otherwise no user could ever be let in.
    mutating func requireFields(of users: UserSettings, among fields: [String]) {
        requireField("email", for: AccessOptions.emails, !users.emails.isEmpty, among: fields)
        requireField("email", for: AccessOptions.emailsFile, users.emailsFile != nil, among: fields)
        requireField("email", for: AccessOptions.emailDomains, !users.emailDomains.isEmpty, among: fields)
        requireField("groups", for: AccessOptions.groups, !users.groups.isEmpty, among: fields)
    }

    private mutating func requireField<Value>(
        _ field: String, for option: Option<Value>, _ isSet: Bool, among fields: [String]
    ) {
        guard isSet, !areProvidersUnknown, !fields.contains(field) else { return }
        findings.append(
            .error(
                resolution.origin(option),
                "`\(option.path)` is about the field `\(field)`, which no claim fills; name its claims in"
                    + " `token.claims.\(field)`"))
    }

    /// nil: off.
    mutating func nativeLogin() -> NativeLoginSettings? {
        let settings = NativeLoginSettings(
            parameters: resolution[NativeLoginOptions.parameters], paths: resolution[NativeLoginOptions.paths],
            with: resolution[NativeLoginOptions.with], from: resolution[NativeLoginOptions.from].map(\.block),
            lifetime: resolution[NativeLoginOptions.lifetime])
        guard !settings.paths.isEmpty else {
            if !settings.with.isEmpty {
                findings.append(
                    .warning(
                        resolution.origin(NativeLoginOptions.with),
                        "`nativeLogin.with` does nothing while `nativeLogin.paths` is empty; name the login page there")
                )
            }
            return nil
        }
        for option in [NativeLoginOptions.paths, NativeLoginOptions.with] {
            warnOfPatterns(resolution.items(option), option.path)
        }
        for item in resolution.items(NativeLoginOptions.from) {
            guard let proxy = trustedProxy(overlapping: item.value.block) else { continue }
            findings.append(
                .warning(
                    item.origin,
                    "`nativeLogin.from`: \(item.value) overlaps \(proxy) of `trustedProxies`, whose addresses are never a"
                        + " client's; name the clients' network alone"))
        }
        if settings.parameters.isEmpty {
            findings.append(
                .error(
                    resolution.origin(NativeLoginOptions.parameters),
                    "`nativeLogin.parameters` is empty, so native login cannot be requested; name one, such as no_sso"))
        }
        for token in tokenParameters where settings.parameters.contains(token) {
            findings.append(
                .error(
                    resolution.origin(NativeLoginOptions.parameters),
                    "`nativeLogin.parameters`: \(Quoted.text(token)) carries the token; choose another name"))
        }
        return settings
    }

    /// Of every provider.
    private var tokenParameters: [String] {
        let builders = providerBuilders.isEmpty ? [self] : providerBuilders
        return builders.map { $0.resolution[IdentityProviderOptions.tokenParameter] }
    }

    /// nil: off.
    mutating func provisioning() -> ProvisioningSettings? {
        guard let url = resolution.given(ProvisioningOptions.url), purpose == .serve else { return nil }
        let secret = provisioningSecret()
        if secret == nil, !resolution.refused(ProvisioningOptions.secret) {
            findings.append(
                .warning(
                    url.origin,
                    "`provisioning.url`: calls are not signed, so the app cannot verify who made them; share a"
                        + " secret with it and set `provisioning.secretFile`"))
        }
        warnOfPlainHTTP(url, ProvisioningOptions.url.path, "names and addresses of users")
        return ProvisioningSettings(
            url: url.value, secret: secret, eachLogin: resolution[ProvisioningOptions.eachLogin],
            tls: callTLS(url.value, resolution, ProvisioningOptions.tls, prefix: ""))
    }

    private mutating func provisioningSecret() -> Secret? {
        guard let found = secret(ProvisioningOptions.secret) else { return nil }
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

    mutating func warnOfPlainHTTP(_ url: Located<String>, _ path: String, _ what: String) {
        guard url.value.lowercased().hasPrefix("http://"), !LoopbackHost.isNamed(in: url.value) else { return }
        findings.append(
            .warning(url.origin, "`\(path)`: over http \(what) can be read and changed on their way; use https"))
    }

    /// A secret that stands in the configuration, or in the file that it names; nil when it is not set.
    mutating func secret(
        _ option: SecretOption<String?>
    ) -> (bytes: [UInt8], path: String, origin: SourceLocation)? {
        if let text = resolution.given(option.inline) {
            return (Array(text.value.utf8), option.inline.path, text.origin)
        }
        guard let file = resolution.given(option.file),
            let bytes = files.readSecret(file.value, for: option.file.path, at: file.origin, into: &findings)
        else { return nil }
        return (bytes, option.file.path, file.origin)
    }
}
