// SPDX-License-Identifier: Apache-2.0

import Reactor

/// The rest of a request that was answered before its end. It is read on and discarded for a while: many clients send
/// everything before they read, and would see a broken connection in place of the response.
struct DiscardedUpload {
    private let begun: MonotonicTime
    private var bytes = 0

    init(_ now: MonotonicTime) {
        begun = now
    }

    /// Adds bytes that have arrived; false when no more are to be read.
    mutating func add(_ count: Int, _ now: MonotonicTime) -> Bool {
        bytes += count
        return bytes <= Self.mostBytes && now.since(begun) < Self.mostTime
    }

    /// When to stop if nothing more arrives.
    func deadline(_ now: MonotonicTime) -> MonotonicTime {
        min(now.advanced(by: Self.silence), begun.advanced(by: Self.mostTime))
    }

    private static let mostBytes = 1 << 30
    private static let mostTime = Nanoseconds.seconds(30)
    /// How long a client may send nothing; it may be slow.
    private static let silence = Nanoseconds.seconds(5)
}
