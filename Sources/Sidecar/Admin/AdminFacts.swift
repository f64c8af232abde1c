// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The values of the admin listener's routes that a reload may change.
final class AdminFacts: Sendable {
    struct Values: Sendable {
        var probePaths: [String]
        var probe: AppProbe
        /// The gate is about to stop, and should receive no new requests.
        var isStopping = false
        var certificateEnd: (@Sendable () -> Double?)?
    }

    private let values: Mutex<Values>

    init(_ values: Values) {
        self.values = Mutex(values)
    }

    var current: Values { values.withLock { $0 } }

    func change(_ body: (inout Values) -> Void) {
        values.withLock { body(&$0) }
    }
}
