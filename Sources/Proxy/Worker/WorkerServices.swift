// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// What workers ask of the rest of the process, which runs off their loops. What is nil is not there: then the gate's
/// question is answered as if it had failed.
package struct WorkerServices: Sendable {
    /// Fetches key sets; nil where none is fetched, and tokens of unknown keys are refused at once.
    package var keys: (any KeyRefresher)?
    package var provisioner: (any Provisioner)?
    /// Nil: a revocation counts on the worker that it came to alone.
    package var revocations: (any RevocationBroadcaster)?
    /// Where sessions are kept that are not in cookies; nil: nowhere.
    package var sessions: (any SessionStore)?
    /// How often clients may ask; nil: as often as they like.
    package var limiter: RateLimiter?
    package var limits = WaitLimits()

    package init() {}
}

/// How long a request waits for each of them at most; each has a shorter limit of its own.
package struct WaitLimits: Sendable {
    package var claim = Nanoseconds.seconds(10)
    package var keys = Nanoseconds.seconds(8)
    package var provisioning = Nanoseconds.seconds(15)
    package var revocation = Nanoseconds.seconds(5)
    package var session = Nanoseconds.seconds(5)
    package var answer = Nanoseconds.seconds(10)

    package init() {}
}

/// Keeps the keys that tokens are verified with.
package protocol KeyRefresher: AnyObject, Sendable {
    /// A token names a key that is not known. `done` is called exactly once, on any thread, perhaps before this returns:
    /// when new keys are in force on every loop, or it is known that there are none for now.
    func refresh(_ done: @escaping @Sendable () -> Void)
}

/// Tells the app of users before they come in.
package protocol Provisioner: AnyObject, Sendable {
    /// `done` is called exactly once, on any thread, perhaps before this returns.
    func provision(_ call: ProvisioningCall, _ done: @escaping @Sendable (ProvisioningOutcome) -> Void)
}

package enum ProvisioningOutcome: Sendable, Equatable {
    /// The app was notified of the user and agreed, in this very call.
    case notified
    /// The app had agreed before, and was not asked again.
    case known
    case noSeat
    case failed

    package var verdict: ProvisioningVerdict {
        switch self {
        case .notified, .known: .agreed
        case .noSeat: .noSeat
        case .failed: .failed
        }
    }
}

/// Ends sessions wherever they may be in use.
package protocol RevocationBroadcaster: AnyObject, Sendable {
    /// `done` is called exactly once, on any thread: when all loops have applied it; false when one of them could not
    /// remember it.
    func revoke(_ revocation: Revocation, _ done: @escaping @Sendable (Bool) -> Void)

    /// A token has signed in: no loop of this process takes it as bearer any more. `done` is called exactly once, on any
    /// thread, when all loops know.
    func tokenSpent(_ replayKeys: [[UInt8]], _ done: @escaping @Sendable () -> Void)
}

/// Keeps sessions for all replicas.
package protocol SessionStore: AnyObject, Sendable {
    /// `done` is called exactly once, on any thread.
    func fetch(_ session: SessionReference, _ done: @escaping @Sendable (SessionAnswer) -> Void)

    /// `done` is called exactly once, on any thread: false when it is not known to be kept.
    func keep(_ session: NewStoredSession, _ done: @escaping @Sendable (Bool) -> Void)
}
