// SPDX-License-Identifier: Apache-2.0

import Reactor

/// When spans are sent again after a collector did not take them. A pure value.
package struct ExportSchedule {
    /// What follows from a failure.
    package struct Step: Equatable {
        /// The spans are given up, and the next ones are sent after the pause.
        package let givesUp: Bool
        package let pause: Nanoseconds
    }

    /// Without a success in between.
    private var failures = 0
    /// To send the spans at hand.
    private var attempts = 0

    package init() {}

    /// - Parameters:
    ///   - pause: seconds that the collector asks for; nil: it does not.
    ///   - jitter: 0 to 1, so that gates do not try at the same moment.
    package mutating func failed(pause: Double?, jitter: Double) -> Step {
        failures = min(failures + 1, Self.mostDoublings)
        attempts += 1
        let own = Double(1 << (failures - 1)) * (0.75 + 0.5 * min(max(jitter, 0), 1))
        let seconds = pause.map { min(max($0, 0), Self.longestPause) } ?? own
        let givesUp = attempts >= Self.mostAttempts
        if givesUp { attempts = 0 }
        return Step(givesUp: givesUp, pause: .seconds(seconds))
    }

    /// They were taken, or refused for good.
    package mutating func settled(isSuccess: Bool) {
        attempts = 0
        if isSuccess { failures = 0 }
    }

    package static let mostAttempts = 5
    /// Up to 32 seconds.
    private static let mostDoublings = 6
    /// However long the collector asks for.
    package static let longestPause = 300.0
}
