// SPDX-License-Identifier: Apache-2.0

/// The binary form of what is sealed: counted texts and big-endian numbers, short, and read without trust in itself.
extension [UInt8] {
    /// Four bytes of length, then the text.
    package mutating func appendCounted(_ text: some Collection<UInt8>) {
        appendNumber(UInt64(text.count), bytes: 4)
        append(contentsOf: text)
    }

    package mutating func appendNumber(_ number: UInt64, bytes count: Int) {
        // The last bytes of the eight.
        unsafe Swift.withUnsafeBytes(of: number.bigEndian) { bytes in
            unsafe append(
                contentsOf: UnsafeRawBufferPointer(rebasing: bytes[(8 - Swift.min(Swift.max(count, 0), 8))...]))
        }
    }

    /// Seconds since 1970, to the millisecond.
    mutating func appendTime(_ seconds: Double) {
        appendNumber(Self.milliseconds(seconds), bytes: 8)
    }

    /// The same between a version and a length of four bytes, in fewer writes.
    mutating func appendTime(_ seconds: Double, after version: UInt8, before count: UInt32) {
        let time = Self.milliseconds(seconds)
        appendNumber(UInt64(version) << 56 | time >> 8, bytes: 8)
        appendNumber((time & 0xff) << 32 | UInt64(count), bytes: 5)
    }

    private static func milliseconds(_ seconds: Double) -> UInt64 {
        UInt64(Swift.max(0, Swift.min(seconds * 1000, 9e15)))
    }
}

/// Reads the same back; nil wherever the text ends too early.
package struct SealedReader {
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package var isAtEnd: Bool { position == bytes.count }

    package mutating func number(bytes count: Int) -> UInt64? {
        guard bytes.count - position >= count else { return nil }
        var number: UInt64 = 0
        for byte in bytes[position..<position + count] { number = number << 8 | UInt64(byte) }
        position += count
        return number
    }

    package mutating func byte() -> UInt8? {
        number(bytes: 1).map { UInt8(truncatingIfNeeded: $0) }
    }

    package mutating func time() -> Double? {
        number(bytes: 8).map { Double($0) / 1000 }
    }

    package mutating func text(count: Int) -> [UInt8]? {
        guard count >= 0, bytes.count - position >= count else { return nil }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// What is left.
    package mutating func rest() -> [UInt8] {
        text(count: bytes.count - position) ?? []
    }

    package mutating func counted() -> [UInt8]? {
        guard let count = number(bytes: 4) else { return nil }
        return text(count: Int(count))
    }
}
