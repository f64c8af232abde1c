// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import Testing

@Suite("The deadline of a stop", .timeLimit(.minutes(5)))
struct DeadlineTests {
    @Test("a process that does not end is ended, after its last action")
    func exits() async throws {
        let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
            let loop = EventLoop(.batched)
            // The loop is blocked: nothing reads.
            let (_, far) = try Link.socketPair.join()
            loop.submit { _ = try? far.read() }
            let start = MonotonicTime.current()
            Deadline.exit(after: .milliseconds(50)) {
                let waited = MonotonicTime.current().since(start) >= .milliseconds(50)
                let words = Array("last words \(waited)\n".utf8)
                _ = unsafe write(1, words, words.count)
            }
            while true { pause() }
        }
        let output = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        #expect(output.contains("last words true"))
    }
}
