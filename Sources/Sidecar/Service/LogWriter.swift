// SPDX-License-Identifier: Apache-2.0

import Reactor
import Telemetry

/// Writes log lines to a descriptor without ever blocking a loop.
package struct LogWriter: LogSink {
    private let writer: SerialWriter

    /// - Parameter descriptor: standard output or error.
    package init(_ descriptor: Int32) {
        writer = SerialWriter(descriptor, label: "sidegate.log")
    }

    package func write(_ bytes: [UInt8]) {
        writer.write(bytes)
    }

    /// Bytes of lines that were dropped, since the reader of the output is slower than the log.
    var droppedByteCount: UInt64 { UInt64(clamping: writer.droppedByteCount) }

    /// Waits until all lines are written.
    package func flush() {
        writer.flush()
    }
}
