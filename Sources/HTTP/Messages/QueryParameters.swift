// SPDX-License-Identifier: Apache-2.0

/// The `name=value` parameters of a query or of a form body (`application/x-www-form-urlencoded`), as byte ranges.
public enum QueryParameters {
    /// Calls `body` with the position within `bytes` of each parameter's name and value in `range`, in order. Only `&`
    /// separates them. Empty parts are skipped; a part without `=` is a name with an empty value. Names and values are
    /// passed as sent, still encoded: compare names with ``PercentEncoding/decodes(_:to:plusIsSpace:)``.
    public static func forEach(
        in bytes: Span<UInt8>, _ range: Range<Int>, _ body: (_ name: Range<Int>, _ value: Range<Int>) -> Void
    ) {
        var start = range.lowerBound
        while start < range.upperBound {
            let end = bytes.firstIndex(of: UInt8(ascii: "&"), in: start..<range.upperBound)
            if start < end {
                let equals = bytes.firstIndex(of: UInt8(ascii: "="), in: start..<end)
                body(start..<equals, min(equals + 1, end)..<end)
            }
            start = end + 1
        }
    }
}

extension RequestHead {
    /// Calls `body` with the position of each parameter of the query.
    public func forEachQueryParameter(_ body: (_ name: ByteRange, _ value: ByteRange) -> Void) {
        guard let query else { return }
        QueryParameters.forEach(in: bytes.span, query.range) { body(ByteRange($0), ByteRange($1)) }
    }
}
