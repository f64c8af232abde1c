// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// Which of the identity provider's users may pass: `access` of the configuration, except its rules.
struct AccessPolicy: Sendable {
    enum Verdict: Equatable, Sendable {
        case allowed
        /// Passes as everyone does (`access.default: guest`), and the app learns nothing.
        case visitor
        case refused(Reason)
    }

    /// Everyone may pass; the app learns the user when there is one.
    let letsGuestsIn: Bool
    private let emails: Set<[UInt8]>
    /// The current content of `emailsFile`.
    private var listedEmails: Set<[UInt8]>
    private let domains: Set<[UInt8]>
    /// Addresses are restricted, so a user needs one.
    private let needsAddress: Bool
    private let groups: Set<[UInt8]>
    private let site: [UInt8]

    init(_ access: AccessConfiguration) {
        letsGuestsIn = access.default == .guest
        let users = access.users
        emails = Set(users.emails.map(Self.folded))
        listedEmails = Set(users.listedEmails.map(Self.folded))
        domains = Set(users.emailDomains.map(Self.folded))
        needsAddress = !users.emails.isEmpty || users.hasEmailsFile || !users.emailDomains.isEmpty
        groups = Set(users.groups.map { Array($0.utf8) })
        site = Array(access.site.utf8)
    }

    /// Nothing is restricted: every user who signs in may pass.
    var isOpen: Bool { !needsAddress && groups.isEmpty && site.isEmpty }

    mutating func replaceListedEmails(_ emails: [String]) {
        listedEmails = Set(emails.map(Self.folded))
    }

    func verdict(on fields: UserAttributes) -> Verdict {
        guard isSiteGranted(fields["sites"]) else { return .refused(.siteNotGranted) }
        guard let reason = registrationRefusal(fields) else { return .allowed }
        guard letsGuestsIn else { return .refused(reason) }
        return refusesToBeGuest(fields["guest"]) ? .refused(.guestRefused) : .visitor
    }

    /// Nil for registered users.
    func registrationRefusal(_ fields: UserAttributes) -> Reason? {
        if needsAddress {
            guard let email = fields["email"].first, isRegistered(email) else { return .userNotRegistered }
        }
        if !groups.isEmpty {
            guard fields["groups"].contains(where: { groups.contains(Array($0.utf8)) }) else { return .groupMissing }
        }
        return nil
    }

    /// Listed, or in a listed domain: the whole text after the one `@` (CVE-2026-40574).
    private func isRegistered(_ email: String) -> Bool {
        let address = Self.folded(email)
        if emails.contains(address) || listedEmails.contains(address) { return true }
        let parts = address.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return false }
        return domains.contains(Array(parts[1]))
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
