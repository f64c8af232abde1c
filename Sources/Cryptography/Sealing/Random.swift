// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Unpredictable bytes from libcrypto's generator, which is seeded by the system.
package enum Random {
    package static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, count))
        fill(&bytes)
        return bytes
    }

    static func fill(_ bytes: inout [UInt8]) {
        let done = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            OpenSSL.call { unsafe RAND_bytes(buffer.baseAddress, Int32(clamping: buffer.count)) }
        }
        // Without randomness every session could be forged, so the process must end.
        guard done == 1 else { preconditionFailure("the random generator failed") }
    }
}

/// Unpredictable bytes in small portions: the generator is called for 1 KiB at a time.
///
/// One for each event loop, and confined to it. A byte is used once and overwritten.
package final class RandomSource {
    private var buffer = [UInt8](repeating: 0, count: 1024)
    private var used = 1024

    package init() {}

    /// Appends `count` bytes.
    package func append(_ count: Int, to output: inout [UInt8]) {
        var missing = count
        while missing > 0 {
            if used == buffer.count {
                Random.fill(&buffer)
                used = 0
            }
            let portion = min(missing, buffer.count - used)
            for index in used..<used + portion {
                output.append(buffer[index])
                buffer[index] = 0
            }
            used += portion
            missing -= portion
        }
    }

    package func bytes(_ count: Int) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(max(0, count))
        append(count, to: &output)
        return output
    }
}
