// SPDX-License-Identifier: Apache-2.0

import Proxy
import Synchronization
import TestSupport
import Testing

@testable import Sidecar

/// Several sources of keys as one.
@Suite struct KeyRefreshersTests {
    /// Answers when the test says so.
    private final class Source: KeyRefresher {
        private let waiting = Mutex<[@Sendable () -> Void]>([])

        func refresh(_ providers: [String], isProven: Bool, _ done: @escaping @Sendable () -> Void) {
            waiting.withLock { $0.append(done) }
        }

        func answer() {
            let waiting = waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            for done in waiting { done() }
        }
    }

    @Test func aRequestWaitsForAll() throws {
        let (first, second, ended) = (Source(), Source(), Count())
        let both = try #require(KeyRefreshers.joining(first, nil, second))
        both.refresh([""], isProven: false) { ended.increment() }
        first.answer()
        #expect(ended.now == 0)
        second.answer()
        #expect(ended.now == 1)
    }

    @Test func oneNeedsNoCompany() throws {
        let source = Source()
        #expect(KeyRefreshers.joining(nil, source) === source)
        #expect(KeyRefreshers.joining(nil, nil) == nil)
    }
}
