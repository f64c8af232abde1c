// SPDX-License-Identifier: Apache-2.0

/// Optional white space (RFC 9110 §5.6.3) around values and list elements.
public enum WhiteSpace {
    /// A space or a tab.
    @inlinable @inline(__always)
    public static func contains(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

extension Span<UInt8> {
    /// `range`, which must lie within the span, without the white space at its ends.
    public func trimmed(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, WhiteSpace.contains(self[start]) { start += 1 }
        while start < end, WhiteSpace.contains(self[end - 1]) { end -= 1 }
        return start..<end
    }
}
