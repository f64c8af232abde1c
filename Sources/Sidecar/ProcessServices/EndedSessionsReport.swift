// SPDX-License-Identifier: Apache-2.0

import Logging
import Reactor
import Synchronization

/// Counts the ends of sessions that there was no room to remember, and logs them: at once, and once a minute while that
/// lasts.
final class EndedSessionsReport: Sendable {
    /// What has no room.
    enum Place: String, Sendable, CaseIterable {
        /// The gates of this process.
        case gate
        /// What replicas share, for those that start later.
        case redis
    }

    private struct State {
        var total: UInt64 = 0
        /// Those that were logged.
        var logged: UInt64 = 0
        /// Seconds on the monotonic clock.
        var nextAt = -Double.infinity
    }

    private let states = Mutex<[Place: State]>([:])
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// Since the start.
    var total: UInt64 { states.withLock { $0.values.reduce(0) { $0 &+ $1.total } } }

    /// There was no room for `count` of them.
    ///
    /// - Parameter now: seconds on the monotonic clock.
    func full(_ place: Place, _ count: Int, now: Double = MonotonicTime.current().seconds) {
        guard count > 0 else { return }
        let due = states.withLock { states -> UInt64? in
            var state = states[place] ?? State()
            defer { states[place] = state }
            state.total &+= UInt64(count)
            guard now >= state.nextAt else { return nil }
            state.nextAt = now + Self.interval
            defer { state.logged = state.total }
            return state.total &- state.logged
        }
        guard let due else { return }
        logger.error(
            "the memory of ended sessions is full: \(Self.consequence(place))",
            metadata: [
                "where": "\(place.rawValue)", "ended": "\(due)",
                "fix":
                    "shorten session.lifetime, or set session.store: redis, where a session is deleted when its user signs out",
            ])
    }

    private static func consequence(_ place: Place) -> String {
        switch place {
        case .gate: "a copy of the cookie of a session that ends now stays valid at this gate"
        case .redis: "a copy of the cookie of a session that ends now is valid at replicas that start later"
        }
    }

    /// Seconds.
    private static let interval = 60.0
}
