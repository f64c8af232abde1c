// SPDX-License-Identifier: Apache-2.0

/// The destination of log lines. Each call contains complete lines; calls come from any thread.
package protocol LogSink: Sendable {
    func write(_ bytes: [UInt8])
}
