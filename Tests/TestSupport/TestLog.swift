// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import Telemetry

/// Records log lines.
package final class TestLog: LogSink {
    private let lines = Mutex<[UInt8]>([])
    private let news = Mailbox<String>()

    package init() {}

    package func write(_ bytes: [UInt8]) {
        lines.withLock { $0 += bytes }
        news.send(String(decoding: bytes, as: UTF8.self))
    }

    /// Waits for a line that contains `text`; earlier ones are skipped.
    package func wait(for text: String) async throws {
        while !(try await news.next()).contains(text) {}
    }

    package var text: String { lines.withLock { String(decoding: $0, as: UTF8.self) } }

    package var logger: Logger {
        Logger(label: "test") { SidegateLogHandler(label: $0, level: .debug, format: .json, sink: self) }
    }
}
