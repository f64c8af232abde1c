// SPDX-License-Identifier: Apache-2.0

/// The user of a request, ready for use: made once for a session or a bearer token and kept in the loop's cache.
package final class Identity {
    /// For the logs.
    package let user: String
    /// The name of the identity provider; empty while there is a single one.
    package let provider: String
    /// The identity headers: field lines, each with CRLF.
    package let headerBlock: [UInt8]
    /// Nil for a bearer token.
    let session: SessionState?
    /// The session's; nil for a bearer token. A copy, since each request reads them and nothing else of it.
    let times: SessionTimes?
    /// It came as `Authorization: Bearer`, which the app does not get to see.
    package let isBearer: Bool
    let fields: UserAttributes
    /// The policy epoch in which its authorization was last confirmed; see ``PolicyEpoch``.
    var authorizedAt: UInt64 = 0
    /// When the session's cookie is to be sealed again.
    var renewalDue: Double {
        didSet { attentionDue = min(renewalDue, sightingDue) }
    }
    /// When its use is to be reported again; never for a bearer token.
    var sightingDue: Double {
        didSet { attentionDue = min(renewalDue, sightingDue) }
    }
    /// The earlier of both: the one time that each request compares.
    private(set) var attentionDue: Double
    /// For a session that is stored elsewhere: its reference in the store.
    let stored: SessionReference?
    /// When, on the monotonic clock, the store is asked again.
    var freshUntil: Double
    /// A bearer token's keys in the replay store.
    let replayKeys: ReplayKeys
    /// When the bearer token expires, in seconds since 1970.
    var tokenExpiresAt: Double = 0
    /// When the bearer token was issued, as far as it says so, else verified; in seconds since 1970.
    var tokenIssuedAt: Double = 0
    /// The replay store has confirmed once that the bearer token did not sign in.
    var isKnownUnused = false
    /// The ``KeyEpoch`` when the bearer token was last verified.
    var verifiedWith: UInt64 = 0
    /// The assertion that the app got last; nil: none yet.
    var assertion: Assertion?

    init(
        fields: UserAttributes, provider: String, headerBlock: [UInt8], session: SessionState?,
        renewalDue: Double = .infinity,
        stored: SessionReference? = nil, freshUntil: Double = .infinity, replayKeys: ReplayKeys = .none
    ) {
        user = fields.user
        self.provider = provider
        self.fields = fields
        self.headerBlock = headerBlock
        self.session = session
        times = session.map { SessionTimes(signedInAt: $0.signedInAt, seenAt: $0.seenAt) }
        isBearer = session == nil
        self.renewalDue = renewalDue
        sightingDue = session == nil ? .infinity : -.infinity
        attentionDue = min(renewalDue, sightingDue)
        self.stored = stored
        self.freshUntil = freshUntil
        self.replayKeys = replayKeys
    }

    /// The renewal that came with the decision could not be sent: the next request gets one.
    package func renewalNotSent() {
        renewalDue = -.infinity
    }

    /// Both are of one sign-in, or neither has a user.
    package static func isSameSession(_ one: Identity?, _ other: Identity?) -> Bool {
        guard let one, let other else { return one == nil && other == nil }
        if one === other { return true }
        if let session = one.session, let otherSession = other.session { return session.id == otherSession.id }
        return one.isBearer && other.isBearer && one.provider == other.provider && one.fields == other.fields
    }

    /// What remains of it if the app is not told: the app does not get the token.
    package var withoutHeaders: Identity? { isBearer ? .anonymousBearer : nil }

    /// An identity without a user, whose token the app does not receive.
    static var anonymousBearer: Identity {
        Identity(fields: UserAttributes(), provider: "", headerBlock: [], session: nil)
    }
}
