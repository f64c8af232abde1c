// SPDX-License-Identifier: Apache-2.0

// Comparisons of bytes with ASCII text. HTTP's own words are ASCII, so no Unicode rule applies to them.

extension Span<UInt8> {
    /// Equal to `text`, which must be lower case, when the letters A to Z here are read as lower case.
    public func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        let expected = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        for index in indices {
            // Both bounds are the same count, checked above.
            if unsafe lowercased(self[unchecked: index]) != expected[index] { return false }
        }
        return true
    }

    /// Equal to `text`, byte for byte.
    public func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        let expected = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        for index in indices {
            if unsafe self[unchecked: index] != expected[index] { return false }
        }
        return true
    }
}

/// `byte` in lower case when it is one of A to Z, else itself.
@inline(__always)
public func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}
