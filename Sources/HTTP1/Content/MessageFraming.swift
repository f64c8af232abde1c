// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The framing fields of a head (RFC 9112 §6), checked one by one and then together.
struct MessageFraming {
    private(set) var contentLength: UInt64?
    private(set) var isChunked = false

    /// RFC 9110 §8.6: digits only. No sign, no list, no second line even with the same number: parsers differ in which
    /// of them they use.
    mutating func addContentLength(_ value: Span<UInt8>) throws(HTTP1Error) {
        if contentLength != nil { throw .repeatedContentLength }
        guard !value.isEmpty else { throw .invalidContentLength }
        var length: UInt64 = 0
        for index in value.indices {
            let digit = value[index] &- 0x30
            // Lengths are added and compared as Int elsewhere, so they must be below 2^63.
            guard digit < 10, length <= (UInt64(Int64.max) &- UInt64(digit)) / 10 else { throw .invalidContentLength }
            length = length &* 10 &+ UInt64(digit)
        }
        contentLength = length
    }

    /// RFC 9112 §6.1. Only chunked is decoded, so any other coding, or chunked within a list, is rejected rather than
    /// passed on to a parser that may read it differently.
    mutating func addTransferEncoding(_ value: Span<UInt8>) throws(HTTP1Error) {
        if isChunked { throw .repeatedTransferEncoding }
        guard value.equalsIgnoringCase("chunked") else { throw .invalidTransferEncoding }
        isChunked = true
    }

    /// The framing that both fields result in; nil if there is neither.
    func combined(version: Version) throws(HTTP1Error) -> BodyFraming? {
        if isChunked {
            // RFC 9112 §6.3: a message with both is a request smuggling attempt; reject it rather than choose.
            if contentLength != nil { throw .contentLengthWithTransferEncoding }
            // RFC 9112 §6.1: an HTTP/1.0 message with it has faulty framing.
            if version == .http10 { throw .transferEncodingInHTTP10 }
            return .chunked
        }
        return contentLength.map { .length($0) }
    }
}
