// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// Services of the rest of the process that workers use, which run on other loops. A question for one that is nil fails.
package struct WorkerServices: Sendable {
    /// Fetches key sets; nil if none are fetched: tokens with unknown keys are refused at once.
    package var keys: (any KeyRefresher)?
    /// Redeems authorization codes; nil: there is no OpenID provider.
    package var codes: (any CodeExchanger)?
    package var provisioner: (any Provisioner)?
    /// Nil: a revocation takes effect only on the worker that received it.
    package var revocations: (any RevocationBroadcaster)?
    /// Stores sessions that are not in cookies; nil: there are none.
    package var sessions: (any SessionStore)?
    /// Learns which sessions are in use; nil: nobody wants to know.
    package var observer: (any SessionObserver)?
    /// Limits the requests of clients; nil: no limit.
    package var limiter: RateLimiter?
    /// Where spans of requests are exported to; nil: nowhere.
    package var spans: SpanExport?
    package var limits = WaitLimits()

    package init() {}
}

/// How long a request waits for each of them at most; each has a shorter limit itself.
package struct WaitLimits: Sendable {
    package var replayStore = Nanoseconds.seconds(10)
    package var keys = Nanoseconds.seconds(8)
    package var codeExchange = Nanoseconds.seconds(12)
    package var provisioning = Nanoseconds.seconds(15)
    package var revocation = Nanoseconds.seconds(5)
    package var session = Nanoseconds.seconds(5)
    package var answer = Nanoseconds.seconds(10)

    package init() {}
}

/// Maintains the keys that verify tokens.
package protocol KeyRefresher: AnyObject, Sendable {
    /// A token of one of these providers, by their names, names an unknown key. `done` is called exactly once, on any thread,
    /// perhaps before this returns: when new keys are in force on every loop, or it is known that there are none for now.
    ///
    /// - Parameter isProven: the token answers an attempt to sign in, or the provider itself has sent it. What strangers send
    ///   does not keep its keys from being fetched.
    func refresh(_ providers: [String], isProven: Bool, _ done: @escaping @Sendable () -> Void)
}

/// Redeems authorization codes at the providers' token endpoints.
package protocol CodeExchanger: AnyObject, Sendable {
    /// `done` is called exactly once, on any thread, perhaps before this returns.
    func exchange(_ code: CodeExchange, _ done: @escaping @Sendable (CodeExchangeResult) -> Void)
}

extension CodeExchangeResult {
    package static let overdue = CodeExchangeResult.unavailable(
        detail: "the provider did not answer in time; fix: \(OpenIDAdvice.unreachable)")
    package static let noProvider = CodeExchangeResult.unavailable(
        detail: "the configuration has no such provider; fix: try again, at a provider that it has")
}

/// Notifies the app of users before they are let in.
package protocol Provisioner: AnyObject, Sendable {
    /// `done` is called exactly once, on any thread, perhaps before this returns.
    func provision(_ call: ProvisioningCall, _ done: @escaping @Sendable (ProvisioningOutcome) -> Void)
}

package enum ProvisioningOutcome: Sendable, Equatable {
    /// The app was notified of the user by this call, and agreed.
    case notified
    /// The app had agreed before, and was not notified again.
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

/// Ends sessions on all loops.
package protocol RevocationBroadcaster: AnyObject, Sendable {
    /// `done` is called exactly once, on any thread: when all loops have applied it; false when one of them could not
    /// remember it.
    func revoke(_ revocation: Revocation, _ done: @escaping @Sendable (Bool) -> Void)

    /// A token was used to sign in: no loop of this process accepts it as bearer token any more. `done` is called exactly
    /// once, on any thread, when this is in force on all loops.
    func tokenSpent(_ replayKeys: [[UInt8]], _ done: @escaping @Sendable () -> Void)
}

/// Stores sessions for all replicas.
package protocol SessionStore: AnyObject, Sendable {
    /// `done` is called exactly once, on any thread.
    func fetch(_ session: SessionReference, _ done: @escaping @Sendable (SessionAnswer) -> Void)

    /// `done` is called exactly once, on any thread: false if it is not known to be stored.
    func keep(_ session: NewStoredSession, _ done: @escaping @Sendable (Bool) -> Void)
}
