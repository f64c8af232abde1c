// SPDX-License-Identifier: Apache-2.0

import Logging
import Reactor
import Synchronization

/// Counts the ends of sessions that a gate had no room to remember, and logs them: at once, and once a minute while that
/// lasts.
final class EndedSessionsReport: Sendable {
    private struct State {
        var total: UInt64 = 0
        /// Of ``total``, those that were logged.
        var logged: UInt64 = 0
        /// Seconds on the monotonic clock.
        var nextAt = -Double.infinity
    }

    private let state = Mutex(State())
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// Since the start.
    var total: UInt64 { state.withLock { $0.total } }

    /// There was no room for `count` of them.
    ///
    /// - Parameter now: seconds on the monotonic clock.
    func full(_ count: Int, now: Double = MonotonicTime.current().seconds) {
        guard count > 0 else { return }
        let due = state.withLock { state -> UInt64? in
            state.total &+= UInt64(count)
            guard now >= state.nextAt else { return nil }
            state.nextAt = now + Self.interval
            defer { state.logged = state.total }
            return state.total &- state.logged
        }
        guard let due else { return }
        logger.error(
            "the memory of ended sessions is full: a copy of the cookie of a session that ends now stays valid here",
            metadata: [
                "ended": "\(due)",
                "fix":
                    "shorten session.lifetime, or set session.store: redis, where a session is deleted when its user signs out",
            ])
    }

    /// Seconds.
    private static let interval = 60.0
}
