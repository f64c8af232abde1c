// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What is to become of a request.
package enum Decision {
    /// The app gets it, as `Gate.rewrite` writes it. `renewal` is a block of `Set-Cookie` lines (each with CRLF) to add
    /// to the response, when the session's idle time is to be counted anew.
    case forward(Identity?, renewal: [UInt8]?)
    /// Sidegate answers itself; not one byte goes to the app.
    case respond(LocalResponse)
    /// Read the body (at most `limit` bytes, else 413), then ask `Gate.decide(form:of:_:)`.
    case collectBody(limit: Int)
    /// Ask the replay store with `pending.replayKeys` until `pending.expiresAt`, then `Gate.finishSignIn`.
    case claimToken(PendingSignIn)
}

/// Where used tokens are remembered, so that each signs in once.
package protocol ReplayStore: AnyObject, Sendable {
    /// Claims all of `keys` at once, until `expiry` (seconds since 1970): fresh only when none was claimed before.
    ///
    /// `completion` is called exactly once, on any thread, perhaps before this returns.
    func claim(
        _ keys: [[UInt8]], until expiry: Double, now: Double, _ completion: @escaping @Sendable (ReplayVerdict) -> Void)
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
    /// Until when the token must be remembered, in seconds since 1970.
    package let expiresAt: Double
    /// For the logs.
    package let user: String

    let fields: UserFields
    let target: ReturnTarget
    let origin: PublicOrigin
    let binding: SiteBinding
    let isSecure: Bool
    let answersJSON: Bool
    let requestID: String
    /// A session of the same user came with the request.
    let isSignedIn: Bool
    /// The login cookie of the attempt that ends with this.
    let spentAttempt: [UInt8]?
    /// The last chunk of the session that came with the request.
    let lastOldChunk: Int
    let returns: ReturnCount
    /// The user did not begin here: fresh, it leads to a page that asks.
    var question: Question?

    struct Question: Sendable {
        /// The page was shown before, to this browser: a reload shows it again.
        let wasAsked: Bool
        /// Login cookies that make room for one more.
        let endingAttempts: [[UInt8]]
    }
}
