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
