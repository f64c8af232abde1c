// SPDX-License-Identifier: Apache-2.0

import Console
import Proxy
import Reactor
import Synchronization

/// The audit trail as server-sent events (HTML §9.2), for one follower.
package final class EventStream: ResponseSource {
    private struct State {
        /// The number of the last event that was sent.
        var position: UInt64
        var isBegun = false
        var nextBeat = MonotonicTime(nanoseconds: 0)
        var nextCheck = MonotonicTime(nanoseconds: 0)
        var wake: @Sendable () -> Void = {}
        /// Its place among those who follow.
        var slot: (any AnyObject & Sendable)?
    }

    private let feed: AuditFeed
    private let follower: UInt64
    private let isAdmitted: @Sendable () -> Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - number: of the last event that the follower knows.
    ///   - slot: given back at the end.
    ///   - isAdmitted: whether the follower may still see it.
    package init(
        _ feed: AuditFeed, after number: UInt64, slot: (any AnyObject & Sendable)?,
        isAdmitted: @escaping @Sendable () -> Bool
    ) {
        self.feed = feed
        self.isAdmitted = isAdmitted
        follower = feed.makeFollower()
        state = Mutex(State(position: number, slot: slot))
    }

    package func start(wake: @escaping @Sendable () -> Void) {
        state.withLock { $0.wake = wake }
    }

    package func next(_ now: MonotonicTime) -> ResponsePiece {
        state.withLock { state in
            if now >= state.nextCheck {
                // A cookie ends, and so may the token.
                guard isAdmitted() else { return .end }
                state.nextCheck = now.advanced(by: Self.checkInterval)
            }
            guard let batch = feed.batch(after: state.position, limit: Self.batchSize, follower, state.wake) else {
                return .end
            }
            var text: [UInt8] = []
            if !state.isBegun {
                state.isBegun = true
                text += Array("retry: 2000\n\n".utf8)
            }
            if batch.forgotten > 0 { text += Array(": \(batch.forgotten) events are forgotten\n\n".utf8) }
            for event in batch.events {
                text += Array("id: \(feed.position(event.number))\nevent: audit\ndata: ".utf8)
                text += event.line
                text += [10, 10]
                state.position = event.number
            }
            if text.isEmpty, now >= state.nextBeat { text = Array(":\n\n".utf8) }
            guard text.isEmpty else {
                state.nextBeat = now.advanced(by: Self.beatInterval)
                return .content(text)
            }
            return .wait(until: state.nextBeat)
        }
    }

    package func ended() {
        feed.forget(follower)
        state.withLock { state in
            state.wake = {}
            state.slot = nil
        }
    }

    /// Events in one piece.
    private static let batchSize = 32
    /// Proxies end connections on which nothing moves, often after a minute.
    private static let beatInterval = Nanoseconds.seconds(15)
    private static let checkInterval = Nanoseconds.seconds(1)
}
