// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The sessions that ended before their time: those of users who signed out, and those that the provider ended.
///
/// The two are remembered apart, so that a logout token finds room regardless of how many users signed out.
final class SessionRevocations {
    private var byProvider = Revocations()
    private var signedOut = Revocations()
    private let epoch: PolicyEpoch
    private let limits: SessionLimits
    private let providers: ProviderNames
    /// The fields that a logout token's `sub` can mean, for each provider.
    private let subjectFields: [String: [String]]

    init(
        _ claims: [(provider: String, rules: [ClaimRule])], _ providers: ProviderNames, _ limits: SessionLimits,
        _ epoch: PolicyEpoch
    ) {
        self.providers = providers
        subjectFields = Dictionary(
            claims.map { provider, rules in
                (provider, rules.filter { $0.field == "user" || $0.reads("sub") }.map(\.field))
            }
        ) { first, _ in first }
        self.limits = limits
        self.epoch = epoch
    }

    /// Ends sessions, from the next request on; false when there is no room to remember it.
    func add(_ revocation: Revocation, now: ClockReading) -> Bool {
        let isRemembered =
            revocation.isOfOneSession ? signedOut.add(revocation, now: now) : byProvider.add(revocation, now: now)
        guard isRemembered else { return false }
        epoch.advance()
        return true
    }

    /// Those of the gate that this one replaces.
    func takeOver(from other: SessionRevocations) {
        byProvider = other.byProvider
        signedOut = other.signedOut
        epoch.advance(beyond: other.epoch)
    }

    /// The session was ended, or began before its user was signed out everywhere. Cheap while nothing has changed.
    func end(_ identity: Identity) -> Bool {
        guard identity.authorizedAt != epoch.value else { return false }
        guard let known = identity.session else { return endsToken(of: identity) }
        // Of an open stream the provider may have been removed meanwhile.
        guard let session = known.current(providers) else { return true }
        if !signedOut.isEmpty,
            signedOut.end([Revocation.subject(session: session.id)], signedInAt: session.signedInAt)
        {
            return true
        }
        guard !byProvider.isEmpty else { return false }
        return byProvider.end(subjects(of: session), signedInAt: session.signedInAt)
    }

    /// An operator has ended the sessions of the bearer token's user, and the token was issued before that.
    func endsToken(of identity: Identity) -> Bool {
        guard identity.isBearer, !byProvider.isEmpty else { return false }
        return byProvider.end(
            Revocation.operatorSubjects(identity.fields, of: identity.provider), signedInAt: identity.tokenIssuedAt)
    }

    /// All by which more than this one session can be ended.
    func subjects(of session: SessionState) -> [[UInt8]] {
        subjects(of: session.fields, by: session.provider, providerSession: session.providerSession)
    }

    /// All by which a session of the user can be ended, besides its own name.
    ///
    /// - Parameter providerSession: ``ProviderSession/encoded``; empty: none.
    func subjects(of fields: UserAttributes, by provider: String, providerSession: [UInt8]) -> [[UInt8]] {
        let named = ProviderSession(encoded: providerSession)?.subjects ?? []
        return Revocation.operatorSubjects(fields, of: provider) + subjects(of: fields, by: provider)
            + named.flatMap { spellings($0, of: provider) }
    }

    /// The session was ended, or has ended by itself.
    func isOver(_ identity: Identity, now: Double) -> Bool {
        if let end = endOfSession(identity), now >= end { return true }
        return end(identity)
    }

    /// When the session ends at the latest, in seconds since 1970; nil for a bearer token.
    func endOfSession(_ identity: Identity) -> Double? {
        identity.times.map { $0.signedInAt + limits.lifetime }
    }

    /// The stored session was ended by its user.
    func hasEnded(_ session: SessionReference) -> Bool {
        signedOut.end([Revocation.subject(session: session.id)], signedInAt: session.ticket.signedInAt)
    }

    /// All subjects by which a logout token of the provider can name this user.
    func subjects(of fields: UserAttributes, by provider: String) -> [[UInt8]] {
        var subjects: [[UInt8]] = []
        for name in subjectFields[provider] ?? [] {
            for value in fields[name] { subjects += self.subjects(value, of: provider) }
        }
        if let email = fields["email"].first { subjects += spellings(Revocation.subject(email: email), of: provider) }
        return subjects
    }

    /// The user whom the provider calls `identifier`.
    func subjects(_ identifier: String, of provider: String) -> [[UInt8]] {
        spellings(Revocation.subject(identifier), of: provider)
    }

    /// The sessions that a logout token of the provider with these names ends.
    func subjects(endedBy session: ProviderSession, of provider: String) -> [[UInt8]] {
        session.endedSubjects.flatMap { spellings($0, of: provider) }
    }

    /// Of two providers, the same name is two users. What was revoked while there was a single provider, and by replicas
    /// that know of no other, is about users of the first.
    private func spellings(_ subject: [UInt8], of provider: String) -> [[UInt8]] {
        guard !provider.isEmpty else { return [subject] }
        let own = Revocation.subject(subject, of: provider)
        return providers.isFirst(provider) ? [own, subject] : [own]
    }

    /// The end of one session by its user. The cookie may have been copied, and a WebSocket of the session may be open on
    /// any loop.
    func logout(id: [UInt8], signedInAt: Double, user: String, ticket: SessionTicket?, now: Double) -> Revocation {
        var revocation = Revocation(
            subjects: [Revocation.subject(session: id)], revokedAt: max(now, signedInAt),
            expiresAt: signedInAt + limits.lifetime, user: user, isOfOneSession: true)
        revocation.storedSession = ticket?.id
        return revocation
    }
}
