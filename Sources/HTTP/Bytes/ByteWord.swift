// SPDX-License-Identifier: Apache-2.0

/// Eight bytes processed in one step, the first in the lowest bits.
///
/// The tests return a mask in which bit 7 of a byte means a match. A match can cause false matches in the bytes after
/// it, so only the first is reliable: ``firstByte(_:)``.
public enum ByteWord {
    /// `byte` eight times.
    @inlinable @inline(__always)
    public static func all(_ byte: UInt8) -> UInt64 { 0x0101_0101_0101_0101 &* UInt64(byte) }

    @inlinable @inline(__always)
    public static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ all(byte)
        return (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
    }

    /// Bytes below `bound`, which is at most 128.
    @inlinable @inline(__always)
    public static func below(_ word: UInt64, _ bound: UInt8) -> UInt64 {
        (word &- all(bound)) & ~word & 0x8080_8080_8080_8080
    }

    /// Bytes of 128 or more.
    @inlinable @inline(__always)
    public static func notASCII(_ word: UInt64) -> UInt64 { word & 0x8080_8080_8080_8080 }

    /// The letters A to Z as a to z, all other bytes unchanged. Exact for every byte: no sum carries into the next
    /// byte.
    @inlinable @inline(__always)
    public static func lowercased(_ word: UInt64) -> UInt64 {
        let ascii = word & all(0x7f)
        let upper = (ascii &+ all(0x80 - 0x41)) & ~(ascii &+ all(0x80 - 0x5b)) & ~word & all(0x80)
        return word | upper &>> 2
    }

    /// The number of bytes before the first match in `mask`, which is not 0.
    @inlinable @inline(__always)
    public static func firstByte(_ mask: UInt64) -> Int { mask.trailingZeroBitCount &>> 3 }
}

extension Span<UInt8> {
    /// The eight bytes from `index` on. The caller ensures that `index + 8 <= count`.
    @inlinable @inline(__always)
    public func word(uncheckedAt index: Int) -> UInt64 {
        UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
    }

    /// The first position of `byte` in `range`, which must lie within the span; the range's end if there is none.
    public func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var index = range.lowerBound
        let end = range.upperBound
        while index &+ 8 <= end {
            let found = ByteWord.equal(word(uncheckedAt: index), byte)
            if found != 0 { return index &+ ByteWord.firstByte(found) }
            index &+= 8
        }
        while index < end {
            // Within the range, which was checked above.
            if unsafe self[unchecked: index] == byte { return index }
            index &+= 1
        }
        return end
    }

    /// The first position of `text`, which is not empty, at `start` or behind it; nil if there is none.
    public func firstIndex(of text: Span<UInt8>, from start: Int = 0) -> Int? {
        let end = count - text.count + 1
        var index = start
        while index < end {
            index = firstIndex(of: text[0], in: index..<end)
            guard index < end else { return nil }
            var length = 1
            while length < text.count, self[index + length] == text[length] { length += 1 }
            if length == text.count { return index }
            index += 1
        }
        return nil
    }
}
