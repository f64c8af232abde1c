// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import Sidecar
import Synchronization
import Testing

@Suite("Failed accepts are reported")
struct AcceptFailuresTests {
    @Test("at once, and then once in an interval with their number")
    func storm() {
        let time = Mutex(MonotonicTime(nanoseconds: 0))
        let reports = Mutex<[Int]>([])
        let failures = AcceptFailures(interval: .seconds(60), now: { time.withLock { $0 } }) { error, attempts in
            #expect(error == SystemError("accept", EMFILE))
            reports.withLock { $0.append(attempts) }
        }
        // Twenty in a second, for three minutes.
        for _ in 0..<3600 {
            failures.note(SystemError("accept", EMFILE))
            time.withLock { $0 = $0.advanced(by: .milliseconds(50)) }
        }
        #expect(reports.withLock { $0 } == [1, 1200, 1200])
        time.withLock { $0 = $0.advanced(by: .seconds(3600)) }
        failures.note(SystemError("accept", EMFILE))
        #expect(reports.withLock { $0 } == [1, 1200, 1200, 1200])
    }
}
