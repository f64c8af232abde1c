// SPDX-License-Identifier: Apache-2.0

extension Resolution {
    /// The options as an item of `identityProviders` has them: its own values; then those of its preset, if it names one;
    /// then those at the top, as far as they are inherited; then the defaults.
    ///
    /// - Parameter node: the item, which was parsed before.
    func provider(_ name: String, _ node: Node) -> Resolution {
        let item = Layer.provider(node)
        var layers = [Layer.standard(IdentityProviderOptions.returnPath.row, "/.sidegate/callback/\(name)")]
        var namesPreset = false
        if case .scalar(let preset)? = item.assignments[IdentityProviderOptions.preset.path]?.node.content,
            let preset = Preset.named(preset)
        {
            namesPreset = true
            layers.append(.presetOfProvider(preset))
        }
        layers.append(item)
        let isOfPreset = { (entry: Entry) in if case .preset = entry.nameOrigin { true } else { false } }
        let isReset = { (entry: Entry) in
            let path = entry.row.path
            if isOfPreset(entry) {
                let isOfProvider = path.hasPrefix("identityProvider.") || path.hasPrefix("token.")
                return isOfProvider && (namesPreset || path == IdentityProviderOptions.returnPath.path)
            }
            return Self.neverInherited.contains(path)
        }
        let inherited = with(layers, resetting: isReset)
        // A key of the other login protocol is inherited by providers of that one.
        let foreign =
            inherited[OpenIDOptions.loginProtocol] == .oidc ? Self.ofRedirects : Self.ofOpenID
        return with(layers) { isReset($0) || foreign.contains($0.row.path) }
    }

    private static let neverInherited = ofOneProvider.union(paths(AccessOptions.userRows))

    /// Keys, secrets, algorithms, issuer, audience, client with its certificate, and return path.
    static let ofOneProvider = paths(
        OptionRow.of(
            TokenOptions.keys, TokenOptions.secretEncoding, TokenOptions.algorithms, TokenOptions.issuer,
            TokenOptions.audience, TokenOptions.acceptsAnyAudience, IdentityProviderOptions.apiKey,
            IdentityProviderOptions.jwtApp, IdentityProviderOptions.appName, IdentityProviderOptions.returnPath,
            OpenIDOptions.issuer, OpenIDOptions.clientID, OpenIDOptions.clientSecret,
            OpenIDOptions.clientAuthentication, OpenIDOptions.tls.certificate, OpenIDOptions.tls.key))

    private static let ofRedirects = paths(
        OptionRow.of(
            IdentityProviderOptions.loginURL, IdentityProviderOptions.logoutTokenParameter,
            IdentityProviderOptions.returnToParameter, IdentityProviderOptions.tokenParameter))

    private static let ofOpenID = paths(
        OptionRow.of(OpenIDOptions.userInfo, OpenIDOptions.parameters, OpenIDOptions.responseMode))

    private static func paths(_ rows: [OptionRow]) -> Set<String> { Set(rows.map(\.path)) }
}
