// SPDX-License-Identifier: Apache-2.0

// Options about identity providers that have no effect where they stand, or an uncertain one.

extension SettingsBuilder {
    /// Set at the top, and the default of no item.
    mutating func warnOfUninherited() {
        guard purpose == .serve else { return }
        for path in Resolution.ofOneProvider.sorted() {
            guard let entry = resolution.entries[path], !entry.isDefault else { continue }
            if case .preset = entry.nameOrigin { continue }
            findings.append(
                .warning(
                    entry.nameOrigin,
                    "`\(path)` at the top has no effect: no item of `identityProviders` inherits it; move it into the item that"
                        + " it is for, or remove it"))
        }
    }

    /// On the builder of an item.
    ///
    /// - Parameter values: its own, without what it inherits.
    mutating func warnOfIneffective(_ values: OptionValues) {
        guard let own = values[ProviderItemOptions.identityProvider] else { return }
        warnOfIneffective { own.entry($0)?.nameOrigin }
    }

    /// For the only provider.
    mutating func warnOfIneffective() {
        let resolution = resolution
        warnOfIneffective { path in
            guard let entry = resolution.entries[path], !entry.isDefault else { return nil }
            if case .preset = entry.nameOrigin { return nil }
            return entry.nameOrigin
        }
    }

    private mutating func warnOfIneffective(_ origin: (String) -> SourceLocation?) {
        guard isOpenID, purpose == .serve else { return }
        for path in [IdentityProviderOptions.initiated.path, IdentityProviderOptions.requiresState.path] {
            guard let origin = origin(path) else { continue }
            findings.append(
                .warning(
                    origin,
                    "`\(path)` has no effect with `identityProvider.protocol: oidc`, where each sign-in begins here; remove"
                        + " it"))
        }
    }

    /// The redirect URI is registered at an OpenID provider, and consists of what a request says of itself.
    mutating func warnOfUnknownRedirectURI(_ settings: Settings) {
        guard purpose == .serve, settings.publicURL == nil, !resolution.refused(AddressOptions.publicURL),
            let index = settings.providers.firstIndex(where: { provider in
                provider.identityProvider.openID != nil
                    && (provider.hosts.isEmpty || provider.hosts.contains { $0.hasPrefix("*.") })
            })
        else { return }
        let builder = providerBuilders.indices.contains(index) ? providerBuilders[index] : self
        findings.append(
            .warning(
                builder.sourceLocation(of: OpenIDOptions.issuer.path),
                "`publicURL` is not set, so the redirect URI, which has to be registered at the provider, begins with the"
                    + " address that each request names; set `publicURL`, or `hosts` of the item"))
    }
}
