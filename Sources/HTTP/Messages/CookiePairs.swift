// SPDX-License-Identifier: Apache-2.0

extension RequestHead {
    /// Calls `body` with the position of each cookie's name and value, over all Cookie fields, in order (RFC 6265
    /// §4.2.1).
    ///
    /// Nothing is rejected: white space around a name or a value is dropped, an empty pair is skipped, and text without
    /// `=` is passed as the value of a cookie without a name, which is how browsers send those. Quotes stay.
    public func forEachCookie(_ body: (_ name: ByteRange, _ value: ByteRange) -> Void) {
        let bytes = bytes.span
        for field in fields where field.known == .cookie {
            CookiePairs.forEach(in: bytes, field.value.range, body)
        }
    }
}

/// See ``RequestHead/forEachCookie(_:)``.
public func forEachCookie(in head: borrowing RequestHead, _ body: (_ name: ByteRange, _ value: ByteRange) -> Void) {
    head.forEachCookie(body)
}

/// The pairs of one Cookie field's value.
public enum CookiePairs {
    /// Calls `body` with the position within `bytes` of each name and value in `range`, which lies within `bytes`.
    public static func forEach(
        in bytes: Span<UInt8>, _ range: Range<Int>, _ body: (_ name: ByteRange, _ value: ByteRange) -> Void
    ) {
        var start = range.lowerBound
        while start < range.upperBound {
            let end = bytes.firstIndex(of: UInt8(ascii: ";"), in: start..<range.upperBound)
            let pair = bytes.trimmed(start..<end)
            if !pair.isEmpty {
                let equals = bytes.firstIndex(of: UInt8(ascii: "="), in: pair)
                if equals == pair.upperBound {
                    body(ByteRange(pair.lowerBound..<pair.lowerBound), ByteRange(pair))
                } else {
                    body(
                        ByteRange(bytes.trimmed(pair.lowerBound..<equals)),
                        ByteRange(bytes.trimmed(equals + 1..<pair.upperBound)))
                }
            }
            start = end + 1
        }
    }
}
