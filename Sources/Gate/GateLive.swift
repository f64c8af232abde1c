// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

// What changes while the gate runs. Called on the gate's loop.
extension Gate {
    /// The keys in force from now on. What was verified by the old ones is verified anew.
    package func replaceKeys(_ keys: KeySet) {
        verifier = TokenVerifier(policy: configuration.tokenPolicy, keys: keys)
        bearers = IdentityCache(slotCount: 256)
    }

    /// The addresses of `access.users.emailsFile` from now on; whoever is no longer there is refused at the next
    /// request.
    package func replaceListedEmails(_ emails: [String]) {}

    /// Ends sessions; false when there is no room to remember it.
    package func revoke(_ revocation: Revocation) -> Bool { false }

    /// The session that made this identity is over, or its user may no longer come in: what is still open for it is to
    /// be closed.
    package func hasEnded(_ identity: Identity, now: Double) -> Bool { false }

    /// When the session ends whatever happens, in seconds since 1970; nil for a bearer token.
    package func endOfSession(_ identity: Identity) -> Double? {
        identity.session.map { $0.signedInAt + limits.lifetime }
    }

    /// After `.provision`: the answer, now that the app has spoken.
    package func finishProvisioning(
        _ pending: PendingProvisioning, _ verdict: ProvisioningVerdict, _ context: RequestContext
    ) -> LocalResponse {
        refused(.provisioningFailed, status: 502, pending.pending)
    }

    /// After `.claimLogoutToken`: what to do, now that the replay store has spoken.
    package func finishLogout(
        _ pending: PendingLogout, _ verdict: ReplayVerdict, _ context: RequestContext
    ) -> Decision {
        .revoke(pending.revocation, json(200, []))
    }
}
