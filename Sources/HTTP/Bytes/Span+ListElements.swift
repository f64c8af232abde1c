// SPDX-License-Identifier: Apache-2.0

extension Span<UInt8> {
    /// The next element of a comma-separated list (RFC 9110 §5.6.1) from `position` on, without the white space around
    /// it and possibly empty; nil at the end. Quoted strings are not recognised.
    public func nextListElement(_ position: inout Int) -> Range<Int>? {
        guard position < count else { return nil }
        let comma = firstIndex(of: UInt8(ascii: ","), in: position..<count)
        let element = trimmed(position..<comma)
        position = comma + 1
        return element
    }
}
