// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

// What changes while the gate runs. Called on the gate's loop.
extension Gate {
    /// The keys in force from now on. What was verified by the old ones is verified anew.
    package func replaceKeys(_ keys: KeySet) {
        verifier = TokenVerifier(policy: configuration.tokenPolicy, keys: keys)
        keyCount += 1
    }

    /// The addresses of `access.users.emailsFile` from now on; whoever is no longer there is refused at the next
    /// request.
    package func replaceListedEmails(_ emails: [String]) {
        access.replaceListedEmails(emails)
        policyEpoch += 1
    }

    /// Ends sessions, from the next request on; false when there is no room to remember it.
    package func revoke(_ revocation: Revocation, now: ClockReading) -> Bool {
        let isRemembered =
            revocation.isOfOneSession
            ? endedSessions.add(revocation, now: now) : revocations.add(revocation, now: now)
        guard isRemembered else { return false }
        policyEpoch += 1
        return true
    }

    /// This gate takes the place of `other`, on the same loop: what was revoked stays revoked.
    package func takeOver(from other: Gate) {
        revocations = other.revocations
        endedSessions = other.endedSessions
        // Beyond any number that an identity of either has seen.
        policyEpoch = max(policyEpoch, other.policyEpoch) + 1
    }

    /// The session that made this identity is over, or its user may no longer come in: what is still open for it is to
    /// be closed. Cheap while nothing has changed.
    package func hasEnded(_ identity: Identity, now: Double) -> Bool {
        if let end = endOfSession(identity), now >= end { return true }
        guard identity.authorizedAt != policyEpoch else { return false }
        if isRevoked(identity) { return true }
        return configuration.access.mode == .enforce && authorization(of: identity) != .allowed
    }

    /// When the session ends whatever happens, in seconds since 1970; nil for a bearer token.
    package func endOfSession(_ identity: Identity) -> Double? {
        identity.session.map { $0.signedInAt + limits.lifetime }
    }

    /// A token has signed in, on whichever loop: what is remembered of it as bearer goes.
    package func tokenSpent(_ replayKeys: [[UInt8]]) {
        spentCount &+= 1
        bearers.forget { identity in identity.replayKeys.contains { replayKeys.contains($0) } }
    }

    /// The token might be good by a key that is not known yet: the key sets can be fetched, and were not yet for this
    /// request.
    ///
    /// A bad signature too: a provider may change a key and keep its name, or give its keys no names.
    func awaitsKeys(after reason: ReasonCode, _ request: borrowing AccessRequest) -> Bool {
        guard configuration.hasRemoteKeys, request.context.canRefreshKeys else { return false }
        return reason == .keyNotFound || reason == .signatureInvalid
    }
}
