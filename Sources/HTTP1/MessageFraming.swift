// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What the framing fields of a head say (RFC 9112 §6), judged one after the other and then together.
struct MessageFraming {
    private(set) var contentLength: UInt64?
    private(set) var isChunked = false

    /// RFC 9110 §8.6: digits alone. No sign, no list, no second line even with the same number: parsers differ in
    /// which of them they believe.
    mutating func addContentLength(_ value: Span<UInt8>) throws(HTTP1Error) {
        if contentLength != nil { throw .repeatedContentLength }
        guard !value.isEmpty else { throw .invalidContentLength }
        var length: UInt64 = 0
        for index in value.indices {
            let digit = value[index] &- 0x30
            // Lengths are added and compared as Int elsewhere, so 2^63 is beyond the end.
            guard digit < 10, length <= (UInt64(Int64.max) &- UInt64(digit)) / 10 else { throw .invalidContentLength }
            length = length &* 10 &+ UInt64(digit)
        }
        contentLength = length
    }

    /// RFC 9112 §6.1. We decode no coding but chunked, so any other, or chunked within a list, is refused rather than
    /// passed on for another parser to read in its own way.
    mutating func addTransferEncoding(_ value: Span<UInt8>) throws(HTTP1Error) {
        if isChunked { throw .repeatedTransferEncoding }
        guard value.equalsIgnoringCase("chunked") else { throw .invalidTransferEncoding }
        isChunked = true
    }

    /// The framing both fields together give; nil when there is neither.
    func combined(version: Version) throws(HTTP1Error) -> BodyFraming? {
        if isChunked {
            // RFC 9112 §6.3: both lengths present is how requests are smuggled; refuse rather than choose.
            if contentLength != nil { throw .contentLengthWithTransferEncoding }
            // RFC 9112 §6.1: a message of HTTP/1.0 with it has faulty framing.
            if version == .http10 { throw .transferEncodingInHTTP10 }
            return .chunked
        }
        return contentLength.map { .length($0) }
    }
}
