// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// Which of the identity providers' users may pass: `access` of the configuration, except its rules, and `users` of each
/// provider.
struct AccessPolicy: Sendable {
    enum Verdict: Equatable, Sendable {
        case allowed
        /// Passes as everyone does (`access.default: guest`), and the app learns nothing.
        case visitor
        case refused(Reason)
    }

    /// Everyone may pass; the app learns the user when there is one.
    let letsGuestsIn: Bool
    private var users: UserList
    /// By the provider's name; a provider without a list of its own is absent.
    private var usersOfProviders: [String: UserList]
    /// What is without a name is of the first provider; see ``ProviderNames``.
    private let firstProvider: String
    private let site: [UInt8]

    init(_ access: AccessConfiguration, _ providers: [(name: String, users: RegisteredUsers)] = []) {
        letsGuestsIn = access.default == .guest
        users = UserList(access.users)
        firstProvider = providers.first?.name ?? ""
        usersOfProviders = Dictionary(providers.map { ($0.name, UserList($0.users)) }) { first, _ in first }
            .filter { !$0.value.isOpen }
        site = Array(access.site.utf8)
    }

    /// Nothing is restricted: every user who signs in may pass.
    var isOpen: Bool { users.isOpen && usersOfProviders.isEmpty && site.isEmpty }

    /// - Parameter provider: whose list it is; nil: that of `access.users`.
    mutating func replaceListedEmails(_ emails: [String], of provider: String?) {
        if let provider {
            usersOfProviders[provider]?.replaceListedEmails(emails)
        } else {
            users.replaceListedEmails(emails)
        }
    }

    func verdict(on fields: UserAttributes, of provider: String) -> Verdict {
        guard isSiteGranted(fields["sites"]) else { return .refused(.siteNotGranted) }
        guard let reason = registrationRefusal(fields, of: provider) else { return .allowed }
        guard letsGuestsIn else { return .refused(reason) }
        return refusesToBeGuest(fields["guest"]) ? .refused(.guestRefused) : .visitor
    }

    /// Nil for registered users.
    func registrationRefusal(_ fields: UserAttributes, of provider: String) -> Reason? {
        users.refusal(of: fields) ?? usersOfProviders[provider.isEmpty ? firstProvider : provider]?.refusal(of: fields)
    }

    /// A token that names no sites is for all of them.
    func isSiteGranted(_ sites: [String]) -> Bool {
        site.isEmpty || sites.isEmpty || sites.contains { $0.utf8.elementsEqual(site) }
    }

    /// The claim `guest` is true unless it says otherwise.
    private func refusesToBeGuest(_ guest: [String]) -> Bool {
        guard let value = guest.first else { return false }
        return ["false", "0", "no"].contains { Self.folded(value).elementsEqual($0.utf8) }
    }

    /// A to Z as a to z. Other letters have no one lower case, and addresses that differ in them are different.
    static func folded(_ text: String) -> [UInt8] { text.utf8.map(lowercased) }
}
