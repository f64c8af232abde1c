// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// The next step after the app's answer to a provisioning call.
///
/// A pure value: one for each notification.
package struct ProvisioningPolicy {
    /// The app's answer.
    package enum Answer: Equatable {
        case status(UInt16)
        /// None, or a malformed one.
        case none
    }

    package enum Step: Equatable {
        case agreed, noSeat, failed
        /// Try again after this pause.
        case again(after: Nanoseconds)
    }

    package private(set) var attempts = 0
    /// When it must have ended.
    package let deadline: MonotonicTime

    package init(_ now: MonotonicTime) {
        deadline = now.advanced(by: Self.total)
    }

    /// Starts an attempt; returns its time limit.
    package mutating func begin(_ now: MonotonicTime) -> Nanoseconds {
        attempts += 1
        return min(Self.each, deadline.since(now))
    }

    package func step(after answer: Answer, _ now: MonotonicTime) -> Step {
        switch answer {
        case .status(200...299): return .agreed
        case .status(402), .status(403), .status(409): return .noSeat
        case .none, .status(408), .status(429), .status(500...599):
            let pauses = Self.pauses
            guard attempts >= 1, attempts <= pauses.count else { return .failed }
            let pause = pauses[attempts - 1]
            return now.advanced(by: pause) < deadline ? .again(after: pause) : .failed
        case .status: return .failed
        }
    }

    /// Before the second attempt, and before the third.
    package static let pauses = [Nanoseconds.milliseconds(200), .seconds(1)]
    package static let each = Nanoseconds.seconds(5)
    package static let total = Nanoseconds.seconds(10)
}

/// The users that the app has accepted. It is bounded: new ones replace the oldest.
package struct ProvisionedUsers {
    /// SHA-256 of the user, in four words: a key without an allocation.
    package struct Key: Hashable {
        private let words: SIMD4<UInt64>

        /// - Parameter bytes: 32 bytes; any beyond are ignored.
        package init(_ bytes: [UInt8]) {
            var words = SIMD4<UInt64>()
            for (index, byte) in bytes.prefix(32).enumerated() {
                words[index / 8] = words[index / 8] << 8 | UInt64(byte)
            }
            self.words = words
        }
    }

    private var known: Set<Key> = []
    private var order: [Key] = []
    private var oldest = 0
    private let limit: Int

    package init(limit: Int = 100_000) {
        self.limit = max(1, limit)
    }

    package var count: Int { known.count }

    package func contains(_ key: Key) -> Bool { known.contains(key) }

    package mutating func insert(_ key: Key) {
        guard known.insert(key).inserted else { return }
        guard order.count == limit else { return order.append(key) }
        known.remove(order[oldest])
        order[oldest] = key
        oldest = (oldest + 1) % limit
    }
}
