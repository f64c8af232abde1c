// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP

/// What is to become of a request.
package enum Decision {
    /// The app gets it, as `Gate.rewrite` writes it. `renewal` is a block of `Set-Cookie` lines (each with CRLF) to add
    /// to the response, when the session's idle time is to be counted anew.
    case forward(Identity?, renewal: [UInt8]?)
    /// As `.forward`; with the app's response the session ends (`session.logoutPaths`).
    case forwardLogout(Identity, SignOut)
    /// As `.forward`, since nothing is enforced (`access.mode: observe`); `Observation` says what would have become of it.
    case observed(Identity?, renewal: [UInt8]?, Observation)
    /// Sidegate answers itself; not one byte goes to the app.
    case respond(LocalResponse)
    /// Read the body (at most `limit` bytes, else 413), then ask `Gate.decide(form:of:_:)`.
    case collectBody(limit: Int)
    /// Ask the replay store with `pending.replayKeys` for `pending.retention`; report a token that is used up now to every
    /// loop (`Gate.tokenSpent`), then `Gate.finishSignIn`.
    case consumeToken(PendingSignIn)
    /// Ask the replay store, without claiming anything, whether a bearer token has signed in; then ask the same `decide`
    /// again, with what `Gate.tokenChecked` answers as `context.tokenLookup`.
    case checkToken(TokenQuestion)
    /// The key that signed a token is not known: have the key sets fetched, then ask the same `decide` again, with
    /// `context.canRefreshKeys` false.
    case awaitKeys
    /// Tell the app of the user (`pending.call`), then `Gate.finishProvisioning`.
    case provision(PendingProvisioning)
    /// Ask the replay store with the logout token's keys, then `Gate.finishLogout`.
    case consumeLogoutToken(PendingLogout)
    /// End the sessions on every loop (`Gate.revoke`), their tunnels and streams too, then respond.
    case revoke(Revocation, LocalResponse)
    /// The session is kept elsewhere: fetch it, tell `Gate.sessionFetched`, then ask the same `decide` again, with
    /// `context.sessionLookup` saying that it was asked for.
    case fetchSession(SessionReference)
    /// Have the session kept, then `Gate.sessionStored`.
    case storeSession(NewStoredSession)
    /// The app gets it without identity: its own login page, in an emergency. `cookie` is a block of `Set-Cookie` lines
    /// when it was opened by this very request, which the audit trail is told.
    case nativeLogin(cookie: [UInt8]?)
}

/// What `access.mode: enforce` would have done in place of letting a request through.
package struct Observation: Sendable, Equatable {
    package let would: Outcome.Denial
    package let reason: Reason?

    package init(would: Outcome.Denial, reason: Reason?) {
        self.would = would
        self.reason = reason
    }
}

/// What the app is told of a user before the session is made, and the sign-in that waits for its word.
package struct PendingProvisioning: Sendable {
    package let call: ProvisioningCall
    let pending: PendingSignIn

    init(call: ProvisioningCall, pending: PendingSignIn) {
        self.call = call
        self.pending = pending
    }
}

/// One call of `provisioning.url`.
package struct ProvisioningCall: Sendable, Equatable {
    /// The user, for the logs.
    package let user: String
    /// Stands for the user where first sign-ins are remembered: SHA-256.
    package let userKey: [UInt8]
    /// Stands for this very call, whichever attempt it is: the same user with the same fields, hexadecimal.
    package let idempotencyKey: String
    /// JSON: the fields.
    package let body: [UInt8]
    package let requestID: String

    package init(user: String, userKey: [UInt8], idempotencyKey: String, body: [UInt8], requestID: String) {
        self.user = user
        self.userKey = userKey
        self.idempotencyKey = idempotencyKey
        self.body = body
        self.requestID = requestID
    }
}

/// The app's word about a user.
package enum ProvisioningVerdict: Sendable, Equatable {
    case agreed
    /// 402, 403 or 409.
    case noSeat
    /// It did not say, or nothing that can be understood, also not when asked again.
    case failed
}

/// A verified logout token that waits for the replay store's verdict.
package struct PendingLogout: Sendable {
    package let replayKeys: [[UInt8]]
    /// How long the token must be remembered.
    package let retention: Retention
    let revocation: Revocation

    init(replayKeys: [[UInt8]], retention: Retention, revocation: Revocation) {
        self.replayKeys = replayKeys
        self.retention = retention
        self.revocation = revocation
    }
}

/// The end of all sessions of a user that began up to a moment, or of one session.
package struct Revocation: Sendable, Equatable {
    /// What names the user; a session that has one of these is meant.
    package let subjects: [[UInt8]]
    /// Seconds since 1970.
    package let revokedAt: Double
    /// When no such session can be alive any more.
    package let expiresAt: Double
    /// For the logs.
    package let user: String
    /// It is one session that ends, by its user's own wish, instead of all of a user's.
    package let isOfOneSession: Bool
    /// What that session is called where sessions are kept: it is to be removed there.
    package var storedSession: [UInt8]?

    package init(
        subjects: [[UInt8]], revokedAt: Double, expiresAt: Double, user: String, isOfOneSession: Bool = false
    ) {
        self.subjects = subjects
        self.revokedAt = revokedAt
        self.expiresAt = expiresAt
        self.user = user
        self.isOfOneSession = isOfOneSession
    }
}

/// Where used tokens are remembered, so that each signs in once.
package protocol ReplayStore: AnyObject, Sendable {
    /// Consumes all of `keys` at once, for `retention`: fresh only when none was consumed before.
    ///
    /// `completion` is called exactly once, on any thread, perhaps before this returns.
    func consume(
        _ keys: [[UInt8]], for retention: Retention, now: ClockReading,
        _ completion: @escaping @Sendable (ReplayVerdict) -> Void)

    /// Whether one of `keys` was consumed; consumes nothing. `completion` as above.
    ///
    /// - Parameter expiry: of the token, in seconds since 1970. Until then the answer may be remembered for an outage.
    func use(
        of keys: [[UInt8]], until expiry: Double, _ completion: @escaping @Sendable (TokenUse) -> Void)

    /// The same, where the answer is at hand; nil: it must be asked for.
    func knownUse(of keys: [[UInt8]]) -> TokenUse?
}

/// What a replay store says of a token that is shown as bearer.
package enum TokenUse: Sendable, Equatable {
    case unused
    /// It signed in.
    case used
    /// The store did not answer. When it last did, in this process, the token was unused.
    case lastKnownUnused
    /// The store did not answer.
    case unavailable
}

/// A verified bearer token of which the replay store must be asked whether it has signed in.
package struct TokenQuestion {
    /// What stands for the token in the replay store.
    package let replayKeys: [[UInt8]]
    /// When the token expires, in seconds since 1970.
    package let expiresAt: Double
    let identity: Identity
    /// `Gate.spentCount` when it is asked: what has signed in since then may not be in the answer.
    let spentCount: UInt64
}

package enum ReplayVerdict: Sendable, Equatable {
    case fresh, replayed
    /// The store did not answer, or has no room; `replay.onFailure` decides.
    case unavailable
}

/// A verified sign-in that waits for the replay store's verdict. It is a value of its own, so the request's head may
/// be gone when the verdict comes.
package struct PendingSignIn: Sendable {
    /// What stands for the token in the replay store.
    package let replayKeys: [[UInt8]]
    /// How long the token must be remembered.
    package let retention: Retention
    /// For the logs.
    package let user: String

    let fields: UserAttributes
    let target: ReturnTarget
    let origin: PublicOrigin
    let scope: CookieScope
    let isSecure: Bool
    let answersJSON: Bool
    let requestID: String
    /// A session of the same user came with the request.
    let isSignedIn: Bool
    /// The login cookie of the attempt that ends with this.
    let spentAttempt: [UInt8]?
    /// `Set-Cookie` values by which the browser's other attempts count only when a return names them.
    var otherAttempts: [[UInt8]] = []
    /// The last chunk of the session that came with the request.
    let lastOldChunk: Int
    let returns: RedirectLoopCounter
    /// The user did not begin here: fresh, it leads to a page that asks.
    var question: Question?
    /// Nobody was asked, since a guest gets nothing by it: whatever the lists say by now, it makes no session.
    var isForGuest = false
    /// The browser's last session was another user's, or nobody knows whose: the app's own session ends too.
    var endsAppSession = true
    /// The session that came with the request, where sessions are kept elsewhere.
    var replacedSession: [UInt8]?

    struct Question: Sendable {
        /// The page was shown before, to this browser: a reload shows it again.
        let wasAsked: Bool
        /// Login cookies that make room for one more.
        let endingAttempts: [[UInt8]]
    }
}
