// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT

// `identityProviders`, or the one of `identityProvider`.

extension SettingsBuilder {
    /// Never empty.
    mutating func providers() -> [ProviderSettings] {
        if areProvidersUnknown {
            // One that stands for those of the list. What is said about it would be false.
            var other = SettingsBuilder(self)
            return [ProviderSettings(identityProvider: other.identityProvider(), token: other.token())]
        }
        let items = items()
        guard !items.isEmpty else {
            let single = ProviderSettings(identityProvider: identityProvider(), token: token())
            warnOfIneffective()
            fieldNames = [single].fieldNames
            return [single]
        }
        if items.count > ProviderOptions.maximumCount {
            findings.append(
                .error(
                    resolution.origin(ProviderOptions.list),
                    "`identityProviders` has \(items.count) items; at most \(ProviderOptions.maximumCount) are possible"
                ))
        }
        var providers: [ProviderSettings] = []
        for (index, (values, node)) in items.enumerated() {
            let name = values[ProviderItemOptions.name] ?? ""
            if name.isEmpty {
                findings.append(
                    .error(
                        node.origin,
                        "`identityProviders[].name` is missing; choose one for URLs and logs, such as `name: staff`"))
            } else if providers.contains(where: { $0.name == name }) {
                findings.append(
                    .error(
                        values.origin(ProviderItemOptions.name),
                        "`identityProviders[].name`: \(Quoted.text(name)) is there twice; names are distinct"))
            }
            var builder = SettingsBuilder(
                resolution.provider(name, node), file: file, purpose: purpose, files: files)
            builder.item = ProviderItem(
                index: index, name: name, origin: node.origin,
                isNamed: !name.isEmpty && !providers.contains { $0.name == name })
            builder.warnOfIneffective(values)
            providers.append(builder.provider(name, values))
            providerBuilders.append(builder)
        }
        // Of items that lack a name too, which is reported.
        fieldNames = providers.fieldNames.filter { $0 != ProviderSettings.nameField } + [ProviderSettings.nameField]
        namedSecrets += providerBuilders.flatMap(\.namedSecrets)
        return providers
    }

    /// `identityProviders` has a mistake, which is reported: what the providers are called and which fields their users have
    /// is not known.
    var areProvidersUnknown: Bool { resolution.refused(ProviderOptions.list) }

    /// The items with what was written.
    private func items() -> [(OptionValues, Node)] {
        let items = resolution.items(ProviderOptions.list).map(\.value)
        guard let node = resolution.entries[ProviderOptions.list.path]?.node else { return [] }
        // A single item stands for a list of one.
        let nodes = if case .sequence(let nodes) = node.content { nodes } else { [node] }
        return items.count == nodes.count ? Array(zip(items, nodes)) : []
    }

    /// On the builder of an item.
    private mutating func provider(_ name: String, _ values: OptionValues) -> ProviderSettings {
        requireOptions { $0.hasPrefix("identityProvider.") || $0.hasPrefix("token.") }
        var provider = ProviderSettings(identityProvider: identityProvider(), token: token())
        provider.name = name
        provider.label = values[ProviderItemOptions.label] ?? ""
        provider.hosts = (values[ProviderItemOptions.hosts] ?? []).map { $0.lowercased() }
        provider.users = users()
        requireFields(of: provider.users, among: provider.token.claims.map(\.field))
        if provider.token.claims.contains(where: { $0.field == ProviderSettings.nameField }) {
            findings.append(
                .error(
                    resolution.origin(TokenOptions.claims),
                    "`token.claims`: the field `provider` is the name of the identity provider; choose another name"))
        }
        return provider
    }

    // MARK: - Together

    mutating func checkProviders(_ settings: Settings) {
        guard !areProvidersUnknown else { return }
        warnOfUnknownRedirectURI(settings)
        guard !providerBuilders.isEmpty else { return checkProvider(settings.providers[0], settings) }
        for index in providerBuilders.indices where settings.providers.indices.contains(index) {
            providerBuilders[index].checkProvider(settings.providers[index], settings)
        }
        checkReturnPathsAreDistinct(settings.providers)
        checkSharedKeys(settings.providers)
        checkIssuersAreDistinct(settings.providers)
        warnOfSharedAddresses(settings)
        warnOfUninherited()
        for builder in providerBuilders { findings += builder.findings.map { builder.named($0) } }
    }

    /// - Parameter provider: the one of this builder.
    private mutating func checkProvider(_ provider: ProviderSettings, _ settings: Settings) {
        checkReturnPath(provider.identityProvider.returnPath)
        if provider.token.policy.acceptAnyAudience, !provider.token.policy.audience.isEmpty {
            findings.append(
                .error(
                    resolution.origin(TokenOptions.acceptsAnyAudience),
                    "`token.acceptAnyAudience` contradicts `token.audience`; remove one of the two"))
        }
        checkLogoutToken(provider)
        checkState(provider.identityProvider)
        checkOpenID(settings)
    }

    private func named(_ finding: Finding) -> Finding {
        guard let item else { return finding }
        return Finding(
            severity: finding.severity, origin: finding.origin,
            message: "`identityProviders[\(item.index)]`" + (item.name.isEmpty ? "" : " (\(item.name))") + ": "
                + finding.message, isUnopenable: finding.isUnopenable)
    }

    private mutating func checkReturnPathsAreDistinct(_ providers: [ProviderSettings]) {
        for (index, provider) in providers.enumerated() where isNamed(index) {
            let path = provider.identityProvider.returnPath
            // Readers of paths that ignore case or a slash at the end must not take one for another.
            let folded = Self.folded(path)
            guard
                let first = providers[..<index].first(where: { Self.folded($0.identityProvider.returnPath) == folded })
            else { continue }
            findings.append(
                .error(
                    origin(of: index),
                    "`identityProviders`: \(first.name) and \(provider.name) have the same return path"
                        + " (\(Quoted.plain(path))); set `identityProvider.returnPath` of one of them"))
        }
    }

    private static func folded(_ path: String) -> String {
        let path = path.lowercased()
        return path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// A token that two providers may have signed is of the one that its issuer names.
    private mutating func checkSharedKeys(_ providers: [ProviderSettings]) {
        guard purpose == .serve else { return }
        for (index, provider) in providers.enumerated() where isNamed(index) {
            let issuer = provider.token.policy.issuer
            for other in providers[..<index] where other.sharesKey(with: provider) {
                let otherIssuer = other.token.policy.issuer
                if !issuer.isEmpty, !otherIssuer.isEmpty, issuer != otherIssuer { continue }
                if provider.identityProvider.openID != nil, other.identityProvider.openID != nil {
                    findings.append(
                        .error(
                            origin(of: index),
                            "`identityProviders`: \(other.name) and \(provider.name) have the same `identityProvider.issuer`,"
                                + " so they are one provider with the same users; make them one item, and tell its users"
                                + " apart by `access.rules` with `require`"))
                    continue
                }
                findings.append(
                    .error(
                        origin(of: index),
                        "`identityProviders`: \(other.name) and \(provider.name) share a key, so their tokens can only be told"
                            + " apart by `iss`; set `token.issuer` of both, each to another value, or use other keys"))
            }
        }
    }

    /// The keys of a set that is fetched are not known here, and may be those of any other provider with the same issuer.
    private mutating func checkIssuersAreDistinct(_ providers: [ProviderSettings]) {
        guard purpose == .serve else { return }
        for (index, provider) in providers.enumerated() {
            let issuer = provider.token.policy.issuer
            let twin = providers[..<index].first { other in
                other.token.policy.issuer == issuer && !other.sharesKey(with: provider)
                    && (other.fetchesKeys || provider.fetchesKeys) && !other.hasOtherAudience(than: provider)
            }
            guard !issuer.isEmpty, let twin else { continue }
            findings.append(
                .error(
                    origin(of: index),
                    "`identityProviders`: \(twin.name) and \(provider.name) have the same issuer (\(Quoted.plain(issuer))), so"
                        + " a token of one may sign in at the other; make them one item, or set `token.audience` of both to"
                        + " different values, without `token.acceptAnyAudience`"))
        }
    }

    /// An app that knows users by their address takes users of two providers for one.
    private mutating func warnOfSharedAddresses(_ settings: Settings) {
        let isTold = settings.identity.headers.contains {
            $0.template.placeholders.contains(ProviderSettings.nameField)
        }
        guard purpose == .serve, !isTold else { return }
        for (index, provider) in settings.providers.enumerated() where isNamed(index) {
            guard let other = settings.providers[..<index].first(where: { $0.mayShareAddress(with: provider) }) else {
                continue
            }
            findings.append(
                .warning(
                    origin(of: index),
                    "`identityProviders`: \(other.name) and \(provider.name) may both assert the same e-mail address, and no"
                        + " identity header tells the app which of them did; add one, such as"
                        + " `identityHeaders: { X-Forwarded-Provider: \"{provider}\" }`, or give each `users.emailDomains` of its"
                        + " own"))
            return
        }
    }

    /// An item without a name of its own is reported already, and looks like another in all that follows from the name.
    private func isNamed(_ index: Int) -> Bool {
        providerBuilders.indices.contains(index) ? providerBuilders[index].item?.isNamed ?? true : true
    }

    private func origin(of index: Int) -> SourceLocation {
        providerBuilders.indices.contains(index)
            ? providerBuilders[index].item?.origin ?? .builtIn : resolution.origin(ProviderOptions.list)
    }
}

/// An item of `identityProviders`, for messages.
struct ProviderItem: Sendable {
    let index: Int
    let name: String
    let origin: SourceLocation
    /// It has a name that no item before it has.
    let isNamed: Bool
}

extension ProviderSettings {
    fileprivate func sharesKey(with other: ProviderSettings) -> Bool {
        if let mine = identityProvider.openID, let theirs = other.identityProvider.openID {
            return mine.issuer == theirs.issuer && !mine.issuer.isEmpty
        }
        let addresses = Set(token.remoteKeys.map(\.url))
        if other.token.remoteKeys.contains(where: { addresses.contains($0.url) }) { return true }
        return token.keys.keys.contains { key in other.token.keys.keys.contains { $0.isSameKey(as: key) } }
    }

    fileprivate var fetchesKeys: Bool { identityProvider.openID != nil || !token.remoteKeys.isEmpty }

    /// No token is for both by its audience alone.
    fileprivate func hasOtherAudience(than other: ProviderSettings) -> Bool {
        let (mine, theirs) = (token.policy, other.token.policy)
        return !mine.audience.isEmpty && !theirs.audience.isEmpty && !mine.acceptAnyAudience
            && !theirs.acceptAnyAudience && Set(mine.audience).isDisjoint(with: theirs.audience)
    }

    fileprivate func mayShareAddress(with other: ProviderSettings) -> Bool {
        guard let mine = addressDomains, let theirs = other.addressDomains else {
            return hasAddresses && other.hasAddresses
        }
        return hasAddresses && other.hasAddresses && !mine.isDisjoint(with: theirs)
    }

    private var hasAddresses: Bool { token.claims.contains { $0.field == "email" } }

    /// The domains of all addresses that its users can have; nil: any.
    private var addressDomains: Set<[UInt8]>? {
        guard !users.emailDomains.isEmpty || !users.emails.isEmpty, users.emailsFile == nil else { return nil }
        let ofEmails = users.emails.compactMap { $0.split(separator: "@").last.map(String.init) }
        return Set((users.emailDomains + ofEmails).compactMap(DomainName.ascii))
    }
}
