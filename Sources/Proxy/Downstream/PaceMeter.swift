// SPDX-License-Identifier: Apache-2.0

import Reactor

/// How fast a client sends its request or takes its response, in time that is measured only while the client is the one
/// waited for and others need what it holds (`limits.minimumBodyRate`).
///
/// Time counts in windows. The first one is grace; a later one with fewer bytes than the rate asks for is too slow.
package struct PaceMeter: Sendable {
    package enum Side: Equatable, Sendable {
        case request, response
    }

    package let side: Side
    private let window: Nanoseconds
    /// Which of the requests of a connection.
    package let number: UInt64
    /// For how long without a break, of the time measured, fewer bytes came than the rate asks for.
    package private(set) var stalled = Nanoseconds(count: 0)
    private var measured = Nanoseconds(count: 0)
    private var isGraceOver = false
    /// Bytes at the start of the window, and at the last look.
    private var first: UInt64
    private var last: UInt64

    package init(_ side: Side, window: Nanoseconds, number: UInt64, total: UInt64) {
        self.side = side
        self.window = window
        self.number = number
        first = total
        last = total
    }

    /// Adds `time`, during which the client was waited for.
    ///
    /// - Parameter total: bytes since whenever, which only grow.
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
        first = last
        measured = Nanoseconds(count: 0)
        return isSlow
    }

    private static func isSlow(_ bytes: UInt64, in time: Nanoseconds, _ rate: UInt64) -> Bool {
        Double(bytes) < Double(rate) * time.seconds
    }
}
