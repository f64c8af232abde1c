// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP

/// Registered users: `access.users`, or `users` of one of `identityProviders`.
struct UserList: Sendable {
    private let emails: Set<[UInt8]>
    /// The current content of `emailsFile`.
    private var listedEmails: Set<[UInt8]>
    private let domains: Set<[UInt8]>
    /// Addresses are restricted, so a user needs one.
    private let needsAddress: Bool
    private let groups: Set<[UInt8]>

    init(_ users: RegisteredUsers) {
        emails = Self.comparable(users.emails)
        listedEmails = Self.comparable(users.listedEmails)
        domains = Set(users.emailDomains.compactMap(DomainName.ascii))
        needsAddress = !users.emails.isEmpty || users.hasEmailsFile || !users.emailDomains.isEmpty
        groups = Set(users.groups.map { Array($0.utf8) })
    }

    /// Every user is registered.
    var isOpen: Bool { !needsAddress && groups.isEmpty }

    mutating func replaceListedEmails(_ emails: [String]) {
        listedEmails = Self.comparable(emails)
    }

    private static func comparable(_ emails: [String]) -> Set<[UInt8]> {
        Set(emails.compactMap { DomainName.comparable(email: $0) })
    }

    /// Nil for registered users.
    func refusal(of fields: UserAttributes) -> Reason? {
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
        guard let address = DomainName.comparable(email: email) else { return false }
        if emails.contains(address) || listedEmails.contains(address) { return true }
        let parts = address.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return false }
        return domains.contains(Array(parts[1]))
    }
}
