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
    /// The fields that a logout token's `sub` can mean.
    private let subjectFields: [String]

    init(_ claims: [ClaimRule], _ limits: SessionLimits, _ epoch: PolicyEpoch) {
        subjectFields = claims.filter { $0.field == "user" || $0.claims.contains("sub") }.map(\.field)
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
        guard identity.authorizedAt != epoch.value, let session = identity.session else { return false }
        if !signedOut.isEmpty,
            signedOut.end([Revocation.subject(session: session.id)], signedInAt: session.signedInAt)
        {
            return true
        }
        guard !byProvider.isEmpty else { return false }
        return byProvider.end(subjects(of: session.fields), signedInAt: session.signedInAt)
    }

    /// The session was ended, or has ended by itself.
    func isOver(_ identity: Identity, now: Double) -> Bool {
        if let end = endOfSession(identity), now >= end { return true }
        return end(identity)
    }

    /// When the session ends at the latest, in seconds since 1970; nil for a bearer token.
    func endOfSession(_ identity: Identity) -> Double? {
        identity.session.map { $0.signedInAt + limits.lifetime }
    }

    /// The stored session was ended by its user.
    func hasEnded(_ session: SessionReference) -> Bool {
        signedOut.end([Revocation.subject(session: session.id)], signedInAt: session.ticket.signedInAt)
    }

    /// All subjects by which a logout token can name this user.
    func subjects(of fields: UserAttributes) -> [[UInt8]] {
        var subjects: [[UInt8]] = []
        for name in subjectFields { subjects += fields[name].map { Revocation.subject($0) } }
        if let email = fields["email"].first { subjects.append(Revocation.subject(email: email)) }
        return subjects
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
