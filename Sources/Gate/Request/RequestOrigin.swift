// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Scheme and host of a request as the browser sees them, in the form that costs nothing: ``PublicOrigin`` is made of it
/// when the whole origin is needed.
///
/// `publicURL` decides, otherwise the connection and Host. X-Forwarded-Proto and -Host count only from a trusted
/// proxy (CVE-2026-40575), and of several values the last, which that proxy itself added.
struct RequestOrigin {
    let isSecure: Bool
    /// The host's place in the head.
    let host: ByteRange

    /// Of no request.
    init() {
        isSecure = false
        host = .empty
    }

    init(_ request: borrowing RequestHead, _ context: RequestContext, _ rules: RequestRules) {
        var isSecure = context.isSecure
        var host = request.authority
        if context.isTrustedPeer {
            let bytes = request.bytes.span
            for index in request.fields.indices {
                let field = request.fields[index]
                switch field.known {
                case .xForwardedProto: isSecure = Self.scheme(field.value, bytes) ?? isSecure
                case .xForwardedHost:
                    let last = Self.lastElement(field.value, bytes)
                    if !last.isEmpty { host = last }
                default: break
                }
            }
        }
        self.isSecure = rules.publicURL?.isSecure ?? isSecure
        self.host = host
    }

    /// Whether X-Forwarded-Proto says https; nil: it says nothing. It counts from a trusted proxy only.
    static func forwardedScheme(_ request: RequestHead) -> Bool? {
        var isSecure: Bool?
        for field in request.fields where field.known == .xForwardedProto {
            isSecure = scheme(field.value, request.bytes.span) ?? isSecure
        }
        return isSecure
    }

    private static func scheme(_ value: ByteRange, _ bytes: Span<UInt8>) -> Bool? {
        let value = bytes.extracting(lastElement(value, bytes).range)
        if value.equalsIgnoringCase("https") || value.equalsIgnoringCase("wss") { return true }
        if value.equalsIgnoringCase("http") || value.equalsIgnoringCase("ws") { return false }
        return nil
    }

    /// The text behind the last comma.
    private static func lastElement(_ value: ByteRange, _ bytes: Span<UInt8>) -> ByteRange {
        guard value.upperBound <= bytes.count else { return .empty }
        var start = value.upperBound
        while start > value.lowerBound, bytes[start - 1] != UInt8(ascii: ",") { start -= 1 }
        var end = value.upperBound
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return ByteRange(start..<end)
    }
}
