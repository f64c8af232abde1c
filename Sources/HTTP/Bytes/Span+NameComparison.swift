// SPDX-License-Identifier: Apache-2.0

extension Span<UInt8> {
    /// Whether this equals `text` in any case, where `text` is lower case, has at least two bytes and is known at
    /// compile time, and the caller has compared the counts: everything is inlined to comparisons with constants.
    @inline(__always)
    func isName(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard self.count == count else { return false }
        // Both hold `count` bytes, and nothing below reads beyond them.
        let expected = unsafe Span(_unsafeStart: text.utf8Start, count: count)
        if count >= 8 {
            var difference = differenceOfNames(word(uncheckedAt: 0), expected.word(uncheckedAt: 0))
            if count > 16 { difference |= differenceOfNames(word(uncheckedAt: 8), expected.word(uncheckedAt: 8)) }
            difference |= differenceOfNames(word(uncheckedAt: count &- 8), expected.word(uncheckedAt: count &- 8))
            return difference == 0
        }
        if count >= 4 {
            return differenceOfNames(ends(count), expected.ends(count)) == 0
        }
        for index in 0..<count {
            if unsafe lowercased(self[unchecked: index]) != expected[unchecked: index] { return false }
        }
        return true
    }

    /// The first four and the last four of 4 to 7 bytes.
    @inline(__always)
    private func ends(_ count: Int) -> UInt64 {
        let first = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt32.self)
        let last = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: count &- 4, as: UInt32.self)
        return UInt64(first) | UInt64(last) &<< 32
    }
}

/// The bits in which `word` differs from `expected`, which is lower case, ignoring the case of letters.
@inline(__always)
private func differenceOfNames(_ word: UInt64, _ expected: UInt64) -> UInt64 {
    let ascii = expected & ByteWord.all(0x7f)
    let letters = (ascii &+ ByteWord.all(0x80 - 0x61)) & ~(ascii &+ ByteWord.all(0x80 - 0x7b)) & ByteWord.all(0x80)
    return (word ^ expected) & ~(letters &>> 2)
}
