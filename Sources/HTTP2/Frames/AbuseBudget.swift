// SPDX-License-Identifier: Apache-2.0

/// A connection's budget for abuse: operations that cost Sidegate more than the peer are charged to it, time and normal
/// use refill it, and a peer that has exhausted it gets ENHANCE_YOUR_CALM.
///
/// One budget for all kinds of floods, so that a mixture of them achieves no more than a single one (CVE-2019-9512 to
/// 9518, CVE-2023-44487, CVE-2024-27316, CVE-2025-8671).
package struct AbuseBudget: Sendable {
    private var left: Int
    /// The time, in monotonic nanoseconds, of the last refill.
    private var countedTo: UInt64
    /// PINGs that cost nothing.
    private var freePings = 0

    package init(now: UInt64) {
        left = Self.capacity
        countedTo = now
    }

    /// Refills the budget for the time that has passed.
    package mutating func refill(now: UInt64) {
        guard now > countedTo else { return }
        let units = (now - countedTo) / Self.nanosecondsPerUnit
        guard units > 0 else { return }
        countedTo += units * Self.nanosecondsPerUnit
        earn(Int(min(units, UInt64(Self.capacity))))
    }

    /// Returns false if the budget is exhausted.
    package mutating func charge(_ cost: Int) -> Bool {
        left -= cost
        return left >= 0
    }

    /// A DATA frame was sent. A peer that estimates bandwidth answers it with a PING, as gRPC's do.
    package mutating func dataSent() {
        earn(Self.sentData)
        freePings = min(freePings + 1, Self.maximumFreePings)
    }

    /// A PING has arrived; returns false if the budget is exhausted.
    package mutating func chargePing() -> Bool {
        guard freePings > 0 else { return charge(Self.ping) }
        freePings -= 1
        return true
    }

    package mutating func earn(_ units: Int) {
        left = min(left + units, Self.capacity)
    }

    package static let capacity = 2000
    /// 200 units each second.
    private static let nanosecondsPerUnit: UInt64 = 5_000_000
    /// As many DATA frames of few bytes may be on their way before the first PING arrives.
    private static let maximumFreePings = 2000

    // Costs. Leaving a page of a hundred images at once costs half of the capacity; a client that does nothing else may
    // do so twenty times a second.
    static let reset = 10
    /// Sidegate had to reset a stream because of the peer's error: the same attack in reverse (CVE-2025-8671).
    static let streamError = 20
    static let refusedStream = 5
    /// The same, if the client opens no window: it waits for none of its requests.
    static let refusedStarvingStream = 20
    /// A response for which the client opened no window, and which it cancelled.
    static let wastedResponse = 30
    /// A window in which no response fits.
    static let smallWindow: Int32 = 4096
    static let settings = 20
    static let ping = 5
    static let priority = 2
    static let windowUpdate = 1
    static let emptyFrame = 10
    static let unknownFrame = 2
    static let continuation = 5
    static let closedStream = 2
    /// A 1xx response.
    static let informational = 10
    static let oversizedHead = 50
    /// For each ``amplifiedBytes`` of a head's fields beyond the first, if compressed by a factor of ten or more.
    static let amplifiedHead = 5
    static let amplifiedBytes = 4096

    // Credits: honest clients acknowledge the data they receive, with window updates and pings.
    static let sentData = 2
    static let answered = 5
    /// A request sent to the app causes frames in return.
    static let asked = 20
}
