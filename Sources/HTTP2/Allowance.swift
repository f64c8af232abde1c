// SPDX-License-Identifier: Apache-2.0

/// How much bother one connection may be: what costs us more than it costs the peer is charged for, time and honest use
/// fill the allowance up again, and who has spent it is asked to calm down.
///
/// One budget for all kinds of floods, so that a mixture of them gets no further than one alone (CVE-2019-9512 to 9518,
/// CVE-2023-44487, CVE-2024-27316, CVE-2025-8671).
package struct Allowance: Sendable {
    private var left: Int
    /// Monotonic nanoseconds up to which time was counted.
    private var countedTo: UInt64

    package init(now: UInt64) {
        left = Self.capacity
        countedTo = now
    }

    /// Time has passed.
    package mutating func refill(now: UInt64) {
        guard now > countedTo else { return }
        let units = (now - countedTo) / Self.nanosecondsPerUnit
        guard units > 0 else { return }
        countedTo += units * Self.nanosecondsPerUnit
        earn(Int(min(units, UInt64(Self.capacity))))
    }

    /// False when the peer has overdone it.
    package mutating func charge(_ cost: Int) -> Bool {
        left -= cost
        return left >= 0
    }

    package mutating func earn(_ units: Int) {
        left = min(left + units, Self.capacity)
    }

    package static let capacity = 2000
    /// 200 units each second.
    private static let nanosecondsPerUnit: UInt64 = 5_000_000

    // What things cost. A page of a hundred images that is left at once costs half of the capacity; a client that does
    // nothing else may do so twenty times a second.
    static let reset = 10
    /// We had to reset a stream because of what the peer did: the same attack, the other way round (CVE-2025-8671).
    static let streamError = 20
    static let refusedStream = 5
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
    /// For each ``amplifiedBytes`` that a head's fields have beyond the first, when they came compressed tenfold.
    static let amplifiedHead = 5
    static let amplifiedBytes = 4096

    // What is earned back: honest clients acknowledge what they are sent, with window updates and pings.
    static let sentData = 2
    static let answered = 5
    /// A request that we send brings frames of the app's with it.
    static let asked = 20
}
