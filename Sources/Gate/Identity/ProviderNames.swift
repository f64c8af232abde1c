// SPDX-License-Identifier: Apache-2.0

/// The names of the identity providers, in the order of the configuration. A user is a user of one of them: those of two
/// providers are never the same, whatever both say of them.
struct ProviderNames: Sendable {
    /// The one empty name stands for the single provider of `identityProvider`.
    private let names: [String]

    init(_ names: [String]) {
        precondition(!names.isEmpty, "a gate has at least one identity provider")
        self.names = names
    }

    /// The provider that a sealed text names; nil: there is no such provider any more. What was sealed while there was a
    /// single provider is the first one's.
    func current(_ sealed: String) -> String? {
        if sealed.isEmpty { return names[0] }
        return names.contains(sealed) ? sealed : nil
    }

    func isFirst(_ name: String) -> Bool { name == names[0] }
}

extension UserAttributes {
    /// With the field `provider`, where providers have names.
    func of(provider: String) -> UserAttributes {
        guard !provider.isEmpty else { return self }
        var fields = self
        fields.set(Self.providerField, [provider], isList: false)
        return fields
    }

    /// Which provider vouches for the user: no claim fills it.
    package static let providerField = "provider"
}
