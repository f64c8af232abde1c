// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Plays both ends at once, for what does not fit the kernel's buffers.
enum Player {
    /// Sends the rest of `total` bytes, of which `already` are sent, while the other end takes them all.
    static func transfer(from sender: Wire, to receiver: Wire, already: Int, total: Int) throws {
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 65536)
        var sent = already
        var received = 0
        while received < total {
            var progress = 0
            if sent < total {
                progress = try sender.sendSome(block.prefix(total - sent))
                sent += progress
            }
            if let bytes = try receiver.receiveNow(65536) {
                if bytes.isEmpty { throw Wire.Failure.ended }
                received += bytes.count
                progress += bytes.count
            }
            if progress == 0 {
                var waits = [(receiver.descriptor, POLLIN)]
                if sent < total { waits.append((sender.descriptor, POLLOUT)) }
                try Wire.wait(waits)
            }
        }
    }
}
