// SPDX-License-Identifier: Apache-2.0

// Numbers and fixed texts, written directly into the line: no String, no allocation. Eight bytes are stored at a time,
// of which the last may be unused, so each of these needs eight bytes of room more than it fills.

extension OutputSpan<UInt8> {
    mutating func append(_ value: UInt64) {
        guard value < 100_000_000 else {
            append(value / 100_000_000)
            append(value % 100_000_000, width: 8)
            return
        }
        var rest = value
        var word: UInt64 = 0
        var count = 0
        repeat {
            // The last digit first, each shifted up by the next: the first digit ends in the lowest byte.
            word = word << 8 | (rest % 10 | 0x30)
            rest /= 10
            count &+= 1
        } while rest > 0
        append(word: word, count: count)
    }

    /// The last `width` digits of `value`, with leading zeros; `width` is at most 8.
    @inline(__always)
    mutating func append(_ value: UInt64, width: Int) {
        var rest = value
        var word: UInt64 = 0
        for _ in 0..<width {
            word = word << 8 | (rest % 10 | 0x30)
            rest /= 10
        }
        append(word: word, count: width)
    }

    /// Sixteen lower-case hexadecimal digits.
    mutating func append(hex word: UInt64) {
        append(word: Self.digits(UInt32(truncatingIfNeeded: word >> 32)), count: 8)
        append(word: Self.digits(UInt32(truncatingIfNeeded: word)), count: 8)
    }

    /// Eight digits, the first in the lowest byte: spreads the nibbles, then turns 10 to 15 into a to f.
    @inline(__always)
    private static func digits(_ half: UInt32) -> UInt64 {
        var spread = UInt64(half)
        spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f
        let isLetter = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        // 39 lie between "9" and "a".
        return (spread &+ 0x3030_3030_3030_3030 &+ isLetter &* 39).byteSwapped
    }

    /// A duration in seconds, to the microsecond. Negative values and NaN become 0; more than 10^9 seconds become 10^9.
    mutating func append(seconds: Double) {
        let bounded = seconds > 0 ? min(seconds, 1e9) : 0
        let micros = UInt64(bounded * 1e6 + 0.5)
        append(micros / 1_000_000)
        append(UInt8(ascii: "."))
        append(micros % 1_000_000, width: 6)
    }

    /// Fixed text: never untrusted, so not escaped. Inlined, so that a literal becomes a few stores.
    @inline(__always)
    mutating func append(_ text: StaticString) {
        let size = text.utf8CodeUnitCount
        precondition(size <= freeCapacity)
        guard size > 0 else { return }
        unsafe withUnsafeMutableBufferPointer { buffer, count in
            // `size` bytes are free, checked above; so the buffer has a base address.
            unsafe UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped + count)
                .copyMemory(from: text.utf8Start, byteCount: size)
            count &+= size
        }
    }

    /// The lowest `length` bytes of `word`, the lowest first.
    @inline(__always)
    mutating func append(word: UInt64, count length: Int) {
        precondition(freeCapacity >= 8 && length <= 8)
        unsafe withUnsafeMutableBufferPointer { buffer, count in
            // Eight bytes are free, checked above.
            unsafe UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped + count)
                .storeBytes(of: word.littleEndian, as: UInt64.self)
            count &+= length
        }
    }
}
