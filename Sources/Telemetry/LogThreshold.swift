// SPDX-License-Identifier: Apache-2.0

package import Logging
import Synchronization

/// The minimum level that is logged, for all loggers that share it; can be changed while they are in use.
package final class LogThreshold: Sendable {
    private let place: Atomic<Int>

    package init(_ level: Logger.Level) {
        place = Atomic(Self.place(of: level))
    }

    package var level: Logger.Level {
        get {
            let place = place.load(ordering: .relaxed)
            return Logger.Level.allCases.indices.contains(place) ? Logger.Level.allCases[place] : .info
        }
        set { place.store(Self.place(of: newValue), ordering: .relaxed) }
    }

    private static func place(of level: Logger.Level) -> Int {
        Logger.Level.allCases.firstIndex(of: level) ?? 0
    }
}
