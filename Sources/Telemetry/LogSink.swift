// SPDX-License-Identifier: Apache-2.0

/// Where lines go. Each call holds whole lines; calls come from any thread.
package protocol LogSink: Sendable {
    func write(_ bytes: [UInt8])
}
