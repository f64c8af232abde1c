// SPDX-License-Identifier: Apache-2.0

// Comparisons of bytes with ASCII text. HTTP's protocol elements are ASCII, so no Unicode rule applies to them.

extension Span<UInt8> {
    /// Whether this equals `text`, which must be lower case, with the letters A to Z compared case-insensitively.
    public func equalsIgnoringCase(_ text: StaticString) -> Bool {
        let count = count
        guard count == text.utf8CodeUnitCount else { return false }
        // Both hold `count` bytes, and nothing below reads beyond them.
        let expected = unsafe Span(_unsafeStart: text.utf8Start, count: count)
        if count >= 8 {
            var index = 0
            while index &+ 8 <= count {
                if ByteWord.lowercased(word(uncheckedAt: index)) != expected.word(uncheckedAt: index) { return false }
                index &+= 8
            }
            // The last eight bytes; some of them are compared a second time.
            let last = count &- 8
            return ByteWord.lowercased(word(uncheckedAt: last)) == expected.word(uncheckedAt: last)
        }
        var index = 0
        while index < count {
            if unsafe lowercased(self[unchecked: index]) != expected[unchecked: index] { return false }
            index &+= 1
        }
        return true
    }

    /// Whether both are equal with the letters A to Z compared case-insensitively.
    public func equalsFoldingCase(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices {
            if unsafe lowercased(self[unchecked: index]) != lowercased(other[unchecked: index]) { return false }
        }
        return true
    }

    /// Whether this equals `text`, byte for byte.
    public func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        let expected = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        for index in indices {
            if unsafe self[unchecked: index] != expected[index] { return false }
        }
        return true
    }
}

/// `byte` in lower case if it is one of A to Z, else unchanged.
@inline(__always)
public func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}
