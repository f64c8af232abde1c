// SPDX-License-Identifier: Apache-2.0

import Gate

/// An item of `identityProviders`; or `identityProvider` and `token`, while there is one.
package struct ProviderSettings: Sendable {
    /// Empty: the one of `identityProvider`.
    package var name = ""
    package var label = ""
    /// In lower case; empty: every host.
    package var hosts: [String] = []
    package var users = UserSettings()
    package var identityProvider: IdentityProviderSettings
    package var token: TokenSettings

    /// What it is called in metrics.
    package var metricName: String { name.isEmpty ? identityProvider.preset.name : name }

    /// The place of an option, for messages: `identityProviders[staff].token.keys`.
    package func place(of path: String) -> String { name.isEmpty ? path : "identityProviders[\(name)].\(path)" }
}

extension [ProviderSettings] {
    /// The names of the fields that their users can have.
    package var fieldNames: [String] {
        var names: [String] = []
        for name in flatMap({ $0.token.claims.map(\.field) }) where !names.contains(name) { names.append(name) }
        if contains(where: { !$0.name.isEmpty }) { names.append(ProviderSettings.nameField) }
        return names
    }
}

extension Settings {
    /// For each provider the settings as if it were the only one.
    package var eachProvider: [Settings] {
        providers.map { provider in
            var settings = self
            settings.providers = [provider]
            return settings
        }
    }
}

extension ProviderSettings {
    /// The field that holds the provider's name.
    package static let nameField = "provider"
}

/// `access.users`, or `users` of one of `identityProviders`.
package struct UserSettings: Sendable {
    package var emails: [String] = []
    /// The file of `emailsFile`, located; nil: none.
    package var emailsFile: String?
    /// The addresses in that file now.
    package var listedEmails: [String] = []
    package var emailDomains: [String] = []
    package var groups: [String] = []

    /// As the gate takes them.
    package var registered: RegisteredUsers {
        var users = RegisteredUsers()
        users.emails = emails
        users.listedEmails = listedEmails
        users.hasEmailsFile = emailsFile != nil
        users.emailDomains = emailDomains
        users.groups = groups
        return users
    }
}
