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
            exitNow()
        }
    }

    /// Ends the process with status 0.
    ///
    /// Without a word to the libraries (`atexit`): their memory would go while other threads still use it, libcrypto's
    /// above all.
    package static func exitNow() -> Never {
        _exit(0)
    }
}
