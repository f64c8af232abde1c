// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A moment on the monotonic clock, in nanoseconds, used by all timers and unaffected by the wall clock.
package struct MonotonicTime: Comparable, Hashable, Sendable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static let distantFuture = MonotonicTime(nanoseconds: .max)

    package static func current() -> MonotonicTime {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    /// Seconds since the clock's start.
    package var seconds: Double { Double(nanoseconds) / 1e9 }

    /// Later by `duration`; never past `distantFuture`.
    package func advanced(by duration: Nanoseconds) -> MonotonicTime {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.count)
        return overflow ? .distantFuture : MonotonicTime(nanoseconds: sum)
    }

    /// The time passed since `earlier`; zero if that is later.
    package func since(_ earlier: MonotonicTime) -> Nanoseconds {
        Nanoseconds(count: nanoseconds > earlier.nanoseconds ? nanoseconds &- earlier.nanoseconds : 0)
    }

    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }
}

/// A duration.
package struct Nanoseconds: Comparable, Hashable, Sendable {
    package var count: UInt64

    package init(count: UInt64) {
        self.count = count
    }

    package static func seconds(_ seconds: Double) -> Nanoseconds {
        guard seconds > 0 else { return Nanoseconds(count: 0) }
        let nanoseconds = seconds * 1e9
        // Beyond 2^63 a Double no longer converts; that is 292 years.
        return Nanoseconds(count: nanoseconds < 9.2e18 ? UInt64(nanoseconds) : UInt64(Int64.max))
    }

    package static func milliseconds(_ milliseconds: UInt64) -> Nanoseconds {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return Nanoseconds(count: overflow ? .max : product)
    }

    package var seconds: Double { Double(count) / 1e9 }

    package static func < (left: Nanoseconds, right: Nanoseconds) -> Bool { left.count < right.count }
}

/// The wall clock: seconds since 1970.
package func wallClockNow() -> Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
