// SPDX-License-Identifier: Apache-2.0

import Proxy
import Synchronization

/// Several fetchers of keys as one: a request with an unknown key waits for all that fetch for its providers.
final class KeyRefreshers: KeyRefresher {
    private let members: [any KeyRefresher]

    private init(_ members: [any KeyRefresher]) {
        self.members = members
    }

    /// Nil when no keys are fetched.
    static func joining(_ members: (any KeyRefresher)?...) -> (any KeyRefresher)? {
        let members = members.compactMap { $0 }
        return members.count > 1 ? KeyRefreshers(members) : members.first
    }

    func refresh(_ providers: [String], isProven: Bool, _ done: @escaping @Sendable () -> Void) {
        let countdown = Countdown(members.count)
        for member in members {
            member.refresh(providers, isProven: isProven) { if countdown.isLast() { done() } }
        }
    }

    private final class Countdown: Sendable {
        private let count: Atomic<Int>

        init(_ count: Int) {
            self.count = Atomic(count)
        }

        func isLast() -> Bool { count.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
    }
}
