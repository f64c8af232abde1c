// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// Forces the process to exit if stopping takes too long.
package enum Deadline {
    /// Ends the process with status 0 after `delay`, whatever the state of the loops, after running `before`.
    package static func exit(after delay: Nanoseconds, before: @escaping @Sendable () -> Void) {
        let wait = Int(clamping: delay.count)
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(wait)) {
            before()
            exitNow()
        }
    }

    /// Ends the process with status 0.
    ///
    /// Skips the libraries' exit handlers (`atexit`): they would free memory, above all libcrypto's, that other threads
    /// still use.
    package static func exitNow() -> Never {
        _exit(0)
    }
}
