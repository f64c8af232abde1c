// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Where used tokens are remembered, so that each signs in once.
package protocol ReplayStore: AnyObject, Sendable {
    /// Consumes all of `keys` at once, for `retention`: fresh only when none was consumed before.
    ///
    /// `completion` is called exactly once, on any thread, perhaps before this returns.
    func consume(
        _ keys: ReplayKeys, for retention: Retention, now: ClockReading,
        _ completion: @escaping @Sendable (ReplayVerdict) -> Void)

    /// Whether one of `keys` was consumed; consumes nothing. `completion` as above.
    ///
    /// - Parameter expiry: of the token, in seconds since 1970. Until then the answer may be remembered for an outage.
    func use(
        of keys: ReplayKeys, until expiry: Double, _ completion: @escaping @Sendable (TokenUse) -> Void)

    /// The same, where the answer is at hand; nil: it must be asked for.
    func knownUse(of keys: [[UInt8]]) -> TokenUse?
}

/// The tokens that this process knows to be used, whatever a store of several replicas says.
package protocol TokenWitness: AnyObject, Sendable {
    /// The verdict at once.
    func consume(_ keys: [[UInt8]], for retention: Retention, now: ClockReading) -> ReplayVerdict

    /// One of `keys` is remembered.
    func isUsed(_ keys: [[UInt8]]) -> Bool
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

package enum ReplayVerdict: Sendable, Equatable {
    case fresh, replayed
    /// Not of a store: a return of the same attempt with the same response has consumed it a moment ago.
    case repeated
    /// The store did not answer; `replay.onFailure` decides.
    case unavailable
    /// The store has no room, so it cannot remember that the token was used; `replay.onFailure` decides.
    case full
}
