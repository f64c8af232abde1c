// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Measures how fast a client sends its request or takes its response. Time counts only while the client is the one
/// waited for and others need what it holds (`limits.minimumBodyRate`).
///
/// Time is divided into windows. The first one is grace; a later one with fewer bytes than the rate requires is too
/// slow.
package struct PaceMeter: Sendable {
    package enum Side: Equatable, Sendable {
        case request, response
    }

    package let side: Side
    private let window: Nanoseconds
    /// Which of the requests of a connection.
    package let number: UInt64
    /// For how much of the measured time, without a break, fewer bytes came than the rate requires.
    package private(set) var stalled = Nanoseconds(count: 0)
    private var measured = Nanoseconds(count: 0)
    private var isGraceOver = false
    /// Bytes at the start of the window, and at the last measurement.
    private var first: UInt64
    private var last: UInt64
    /// Bytes at the start of the window before, and how much time was measured in it.
    private var earlierFirst: UInt64
    private var earlier = Nanoseconds(count: 0)

    package init(_ side: Side, window: Nanoseconds, number: UInt64, total: UInt64) {
        self.side = side
        self.window = window
        self.number = number
        first = total
        last = total
        earlierFirst = total
    }

    /// Adds `time`, during which the client was waited for.
    ///
    /// - Parameter total: a count of bytes that only grows.
    /// - Returns: whether the client is too slow.
    package mutating func add(_ time: Nanoseconds, total: UInt64, rate: UInt64) -> Bool {
        let recent = total &- min(last, total)
        last = max(last, total)
        if Self.isSlow(recent, in: time, rate) {
            stalled = Nanoseconds(count: stalled.count &+ time.count)
        } else if recent > 0 {
            stalled = Nanoseconds(count: 0)
        }
        measured = Nanoseconds(count: measured.count &+ time.count)
        guard measured >= window else { return false }
        let isSlow = isGraceOver && Self.isSlow(last &- first, in: measured, rate)
        isGraceOver = true
        earlierFirst = first
        earlier = measured
        first = last
        measured = Nanoseconds(count: 0)
        return isSlow
    }

    /// Whether a client whose request or response has ended before it was judged was too slow until then: one that always
    /// completes or breaks off in time would hold what others need again and again. There is no grace, but no judgement of
    /// a short time either.
    ///
    /// - Parameter total: as for ``add(_:total:rate:)``; zero: as of the last look.
    package func isSlow(total: UInt64 = 0, rate: UInt64) -> Bool {
        let time = Nanoseconds(count: earlier.count &+ measured.count)
        guard time.count >= window.count / 5 * 2 else { return false }
        return Self.isSlow(max(last, total) &- earlierFirst, in: time, rate)
    }

    private static func isSlow(_ bytes: UInt64, in time: Nanoseconds, _ rate: UInt64) -> Bool {
        Double(bytes) < Double(rate) * time.seconds
    }
}
