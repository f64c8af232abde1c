// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The four forms of a request target (RFC 9112 §3.2).
///
/// Its bytes are already known to be visible ASCII without `#`. Beyond that, characters that browsers send unencoded
/// although RFC 3986 requires encoding (`|`, `"`, `[`, …) are kept.
enum RequestTarget {
    /// Sets the head's target form, path, query and, from the target, authority. An absolute target without a path
    /// leaves `path` empty. `queryMark` is the position of the first `?`, if any.
    static func read(
        _ bytes: Span<UInt8>, in head: inout RequestHead, queryMark: Int?, limits: borrowing HTTP1Limits
    ) throws(HTTP1Error) {
        let range = head.target.range
        let pathEnd = queryMark ?? range.upperBound
        let first = bytes[range.lowerBound]
        if head.method == .connect {
            guard limits.allowsConnect else { throw .connectNotSupported }
            guard Authority.isValid(bytes.extracting(range), needsPort: true) else { throw .targetFormNotAllowed }
            head.targetForm = .authority
            head.authority = head.target
            return
        }
        if let queryMark { head.query = ByteRange(queryMark + 1..<range.upperBound) }
        switch first {
        case UInt8(ascii: "/"):
            head.targetForm = .origin
            head.path = ByteRange(range.lowerBound..<pathEnd)
        case UInt8(ascii: "*"):
            guard range.count == 1 else { throw .invalidTarget }
            guard head.method == .options else { throw .targetFormNotAllowed }
            head.targetForm = .asterisk
            head.path = head.target
        default:
            head.targetForm = .absolute
            head.authority = try authority(ofAbsolute: bytes, range.lowerBound..<pathEnd)
            head.path = ByteRange(head.authority.upperBound..<pathEnd)
        }
    }

    /// RFC 9110 §4.2: http and https have an authority with a host; §4.2.4: user information can be used to disguise
    /// the host.
    private static func authority(ofAbsolute bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTP1Error) -> ByteRange {
        let text = bytes.extracting(range)
        let start: Int
        if text.count >= 7, text.extracting(0..<7).equalsIgnoringCase("http://") {
            start = 7
        } else if text.count >= 8, text.extracting(0..<8).equalsIgnoringCase("https://") {
            start = 8
        } else {
            throw .invalidTarget
        }
        let end = text.firstIndex(of: UInt8(ascii: "/"), in: start..<text.count)
        let authority = text.extracting(start..<end)
        if authority.firstIndex(of: UInt8(ascii: "@"), in: 0..<authority.count) < authority.count {
            throw .userInformationInTarget
        }
        guard Authority.isValid(authority) else { throw .invalidTarget }
        return ByteRange(range.lowerBound + start..<range.lowerBound + end)
    }
}
