// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// The last resort of a stop that takes too long.
package enum Deadline {
    /// Ends the process with status 0 after `delay`, whatever the loops do, once `before` has run.
    package static func exit(after delay: Nanoseconds, before: @escaping @Sendable () -> Void) {
        let wait = Int(clamping: delay.count)
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(wait)) {
            before()
            // Not exit(3): the loops still run, on what it would take away from under them.
            _exit(0)
        }
    }
}
