// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT

/// What `access` makes of a user, step by step, for `sidegate explain`: the same judgement as at a sign-in.
package struct AccessCheck {
    /// One step, in the order in which they are taken.
    package struct Finding: Equatable, Sendable {
        /// What is looked at: "site", "registered".
        package let name: String
        /// nil: there is nothing to look at in this config.
        package let passed: Bool?
        package let expected: String
        package let actual: String
        /// What to do about it; empty unless it failed.
        package let fix: String
    }

    package enum Verdict: Equatable, Sendable {
        case allowed
        /// Passes as a guest, of whom the app learns nothing; refused for this reason where a rule needs a user.
        case visitor(Reason)
        case refused(Reason)
    }

    private let access: AccessConfiguration
    private let policy: AccessPolicy
    private let provider: String
    private let usersOfProvider: RegisteredUsers

    /// `listedEmails` are those of `emailsFile` now.
    ///
    /// - Parameters:
    ///   - provider: the name of the identity provider; empty: the only one.
    ///   - users: of that provider.
    package init(_ access: AccessConfiguration, provider: String = "", users: RegisteredUsers = RegisteredUsers()) {
        self.access = access
        self.provider = provider
        usersOfProvider = users
        policy = AccessPolicy(access, [(provider, users)])
    }

    /// - Parameter fields: as `ClaimsCheck.examine` returns them.
    package func examine(_ fields: [(field: String, values: [String])]) -> (verdict: Verdict, findings: [Finding]) {
        var user = UserAttributes()
        for field in fields { user.set(field.field, field.values, isList: field.values.count > 1) }
        let verdict: Verdict =
            switch policy.verdict(on: user, of: provider) {
            case .allowed: .allowed
            case .visitor: .visitor(policy.registrationRefusal(user, of: provider) ?? .userNotRegistered)
            case .refused(let reason): .refused(reason)
            }
        var findings = [site(user), registration(user, access.users, "registered", "access.users")]
        if !UserList(usersOfProvider).isOpen {
            findings.append(registration(user, usersOfProvider, "registered at \(provider)", "users of \(provider)"))
        }
        return (verdict, findings + [guest(user)])
    }

    private func site(_ user: UserAttributes) -> Finding {
        guard !access.site.isEmpty else {
            return Finding(name: "site", passed: nil, expected: "", actual: "access.site is not set", fix: "")
        }
        let sites = user["sites"]
        let passed = policy.isSiteGranted(sites)
        return Finding(
            name: "site", passed: passed, expected: "\(access.site) among the token's sites, or none named",
            actual: sites.isEmpty ? "no sites" : sites.joined(separator: ", "),
            fix: passed ? "" : "grant \(access.site) to the user at the identity provider, or correct access.site")
    }

    private func registration(
        _ user: UserAttributes, _ users: RegisteredUsers, _ name: String, _ option: String
    ) -> Finding {
        let refusal = UserList(users).refusal(of: user)
        var wanted: [String] = []
        if !users.emails.isEmpty || users.hasEmailsFile {
            let count = users.emails.count + users.listedEmails.count
            wanted.append("one of \(count) listed address\(count == 1 ? "" : "es")")
        }
        if !users.emailDomains.isEmpty {
            wanted.append("an address at " + users.emailDomains.joined(separator: ", "))
        }
        var expected = wanted.joined(separator: ", or ")
        if !users.groups.isEmpty {
            expected += (expected.isEmpty ? "" : "; and ") + "a group of " + users.groups.joined(separator: ", ")
        }
        guard !expected.isEmpty else {
            return Finding(
                name: name, passed: nil, expected: "", actual: "\(option) is empty: everyone who signs in",
                fix: "")
        }
        let groups = user["groups"]
        let actual =
            (user["email"].first ?? "no email")
            + (users.groups.isEmpty
                ? "" : groups.isEmpty ? "; no groups" : "; groups " + groups.joined(separator: ", "))
        let fix =
            switch refusal {
            case nil: ""
            case .groupMissing:
                "add the user to one of these groups at the identity provider, or change groups of \(option)"
            default: "add the address to emails or emailsFile of \(option), or its domain to emailDomains"
            }
        return Finding(
            name: name, passed: refusal == nil, expected: expected, actual: actual,
            fix: fix)
    }

    private func guest(_ user: UserAttributes) -> Finding {
        guard policy.letsGuestsIn else {
            return Finding(name: "guest", passed: nil, expected: "", actual: "access.default is signedIn", fix: "")
        }
        let actual = user["guest"].first.map { "guest \($0)" } ?? "no guest claim, which counts as true"
        guard policy.registrationRefusal(user, of: provider) != nil else {
            return Finding(
                name: "guest", passed: nil, expected: "", actual: "not needed by a registered user", fix: "")
        }
        let isRefused = policy.verdict(on: user, of: provider) == .refused(.guestRefused)
        return Finding(
            name: "guest", passed: !isRefused, expected: "a user who is not registered agrees to be a guest",
            actual: actual, fix: isRefused ? "register the user, or send guest as true" : "")
    }
}
