// SPDX-License-Identifier: Apache-2.0

/// The `name=value` parameters of a query or of a form body (`application/x-www-form-urlencoded`), as places.
package enum QueryParameters {
    /// Calls `body` with the place of each parameter's name and value within `bytes`, in order. Empty parts are
    /// skipped; a part without `=` is a name with an empty value. Names and values are as sent, still encoded.
    package static func forEach(
        in bytes: Span<UInt8>, _ range: Range<Int>, _ body: (_ name: Range<Int>, _ value: Range<Int>) -> Void
    ) {}
}

extension RequestHead {
    /// Calls `body` with the place of each parameter of the query.
    package func forEachQueryParameter(_ body: (_ name: ByteRange, _ value: ByteRange) -> Void) {
        guard let query else { return }
        QueryParameters.forEach(in: bytes.span, query.range) { body(ByteRange($0), ByteRange($1)) }
    }
}

/// `%XX` (RFC 3986 §2.1).
package enum PercentEncoding {
    /// Appends `text` decoded; false, with `output` as it was, when a `%` is not followed by two hexadecimal digits.
    package static func decode(_ text: Span<UInt8>, plusIsSpace: Bool, into output: inout [UInt8]) -> Bool { false }

    /// Whether `text` decodes to `plain`, without decoding it anywhere.
    package static func decodes(_ text: Span<UInt8>, to plain: Span<UInt8>, plusIsSpace: Bool) -> Bool { false }
}
