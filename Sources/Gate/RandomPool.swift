// SPDX-License-Identifier: Apache-2.0

/// Small portions of random bytes for identifiers, drawn in bulk. Not for keys or nonces.
struct RandomPool {
    private let source: (Int) -> [UInt8]
    private var bytes: [UInt8] = []
    private var used = 0

    private static let portion = 1024

    init(_ source: @escaping (Int) -> [UInt8]) {
        self.source = source
    }

    /// Appends twice as many lower-case hexadecimal digits.
    mutating func appendHex(bytes count: Int, to out: inout [UInt8]) {
        if used + count > bytes.count {
            bytes = source(max(Self.portion, count))
            used = 0
        }
        for byte in bytes[used..<min(used + count, bytes.count)] {
            out.append(Self.digit(byte >> 4))
            out.append(Self.digit(byte & 15))
        }
        used += count
    }

    private static func digit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") &+ nibble : UInt8(ascii: "a") &- 10 &+ nibble
    }
}
