// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// Who may pass, and where: `access` of the configuration.
///
/// A user who was authorized is checked again when lists or revocations change; until then the check is a comparison of
/// two numbers.
final class Authorizer {
    private let mode: AccessConfiguration.Mode
    private let rules: AccessRules
    private var policy: AccessPolicy
    private let epoch: PolicyEpoch
    /// Some rule is about providers.
    private let namesProviders: Bool

    init(_ mode: AccessConfiguration.Mode, _ rules: AccessRules, _ policy: AccessPolicy, _ epoch: PolicyEpoch) {
        self.mode = mode
        self.rules = rules
        self.policy = policy
        self.epoch = epoch
        namesProviders = rules.rules.contains { !$0.providers.isEmpty }
    }

    /// Everyone may pass where no rule says otherwise; the app learns the user when there is one.
    func admitsGuests(by ruling: Ruling) -> Bool {
        if case .unruled = ruling { policy.letsGuestsIn } else { false }
    }

    /// `access.mode: enforce`
    var isEnforced: Bool { mode == .enforce }

    func replaceListedEmails(_ emails: [String], of provider: String?) {
        policy.replaceListedEmails(emails, of: provider)
        epoch.advance()
    }

    /// Nothing has changed since the identity was authorized.
    func isCurrent(_ identity: Identity) -> Bool { identity.authorizedAt == epoch.value }

    /// The verdict of `access` on this user now. A positive result is kept until the policy epoch changes.
    func verdict(on identity: Identity) -> AccessPolicy.Verdict {
        guard !isCurrent(identity) else { return .allowed }
        let verdict = policy.verdict(on: identity.fields, of: identity.provider)
        if verdict == .allowed { identity.authorizedAt = epoch.value }
        return verdict
    }

    /// The user may no longer pass.
    func hasEnded(_ identity: Identity) -> Bool {
        !isCurrent(identity) && isEnforced && verdict(on: identity) != .allowed
    }

    /// The verdict on a user who signs in. While nothing is enforced, everyone may: the log marks their requests then.
    func signInVerdict(on fields: UserAttributes, of provider: String) -> AccessPolicy.Verdict {
        isEnforced ? policy.verdict(on: fields, of: provider) : .allowed
    }

    func ruling(on request: borrowing AccessRequest) -> Ruling {
        rules.isEmpty ? .unruled : rules.ruling(on: request)
    }

    /// The rules that make up the ruling; nil stands for `access.default`. None where the path cannot be read.
    func decidingRules(on request: borrowing AccessRequest) -> [Int?] {
        guard !rules.isEmpty else { return [nil] }
        return switch rules.judgement(of: request) {
        case .rule(let index): [index]
        case .rules(let indices): indices
        case .unreadable: []
        }
    }

    /// Why this user may not pass; nil when every rule that applies is met.
    func refusal(of identity: Identity, by ruling: Ruling) -> Reason? {
        refusal(of: identity.fields, at: identity.provider, by: ruling)
    }

    @inline(__always)
    private func refusal(of fields: UserAttributes, at provider: String, by ruling: Ruling) -> Reason? {
        guard case .needs(let first, let others) = ruling else { return nil }
        if let reason = rules.rules[first].refusal(of: fields, of: provider) { return reason }
        for index in others {
            if let reason = rules.rules[index].refusal(of: fields, of: provider) { return reason }
        }
        return nil
    }

    /// Why a user whom the lists do not name may not pass. They pass as everyone does: not where a rule needs a user.
    func refusal(ofVisitor identity: Identity, by ruling: Ruling) -> Reason? {
        refusal(ofVisitor: identity.fields, at: identity.provider, by: ruling)
    }

    private func refusal(ofVisitor fields: UserAttributes, at provider: String, by ruling: Ruling) -> Reason? {
        guard case .needs = ruling else { return nil }
        return refusal(of: fields, at: provider, by: ruling) ?? policy.registrationRefusal(fields, of: provider)
            ?? .userNotRegistered
    }

    /// Why a sign-in is refused that ends at this page. A rule that needs a user would send visitors, who get no session, to
    /// sign in again and again.
    ///
    /// - Parameter verdict: of ``signInVerdict(on:of:)``.
    /// - Returns: the reason, and the providers whose users may see the page; nil: all.
    func signInRefusal(
        by verdict: AccessPolicy.Verdict, of fields: UserAttributes, at provider: String, on target: ReturnTarget,
        _ request: borrowing AccessRequest
    ) -> (reason: Reason, allowed: [String]?)? {
        switch verdict {
        case .allowed: return nil
        case .refused(let reason): return (reason, nil)
        case .visitor:
            guard !rules.isEmpty else { return nil }
            let path = target.path
            let ruling = rules.ruling(of: path.span, method: Self.navigation.span, as: request)
            return refusal(ofVisitor: fields, at: provider, by: ruling).map { ($0, providers(by: ruling)) }
        }
    }

    private static let navigation = Array("GET".utf8)

    /// The providers whose users may pass, by the rules that apply; nil: those of every one.
    @inline(__always)
    func providers(by ruling: Ruling) -> [String]? {
        namesProviders ? namedProviders(by: ruling) : nil
    }

    @inline(never)
    private func namedProviders(by ruling: Ruling) -> [String]? {
        guard case .needs(let first, let others) = ruling, !others.isEmpty || !rules.rules[first].providers.isEmpty
        else { return nil }
        var allowed: [String]?
        for index in [first] + others where !rules.rules[index].providers.isEmpty {
            let named = rules.rules[index].providers
            allowed = allowed.map { $0.filter(named.contains) } ?? named
        }
        return allowed
    }

    /// The response that a rule demands for a request without a session.
    func unauthenticated(by ruling: Ruling) -> AccessRule.Unauthenticated? {
        guard case .needs(let first, _) = ruling else { return nil }
        return rules.rules[first].unauthenticated
    }
}
