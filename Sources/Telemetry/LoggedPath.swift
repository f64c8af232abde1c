// SPDX-License-Identifier: Apache-2.0

/// The part of a request's path that may be logged: none of a query, and no token.
package enum LoggedPath {
    /// How many bytes come before a `?` or `#`, since a query can contain a token, and before a token in the path itself:
    /// a provider may append `&jwt=…` to an address that has no query.
    package static func count(of path: Span<UInt8>) -> Int {
        let end = endOfText(path)
        guard end >= leastToken else { return end }
        return startOfToken(path.extracting(0..<end)) ?? end
    }

    private static func endOfText(_ path: Span<UInt8>) -> Int {
        let bytes = unsafe path.bytes
        var index = 0
        while index &+ 8 <= path.count {
            let word = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
            // 0x3f is "?", 0x23 is "#": a byte that is one of them becomes 0, and 0 minus 1 has the high bit.
            let query = word ^ 0x3f3f_3f3f_3f3f_3f3f
            let fragment = word ^ 0x2323_2323_2323_2323
            let ones: UInt64 = 0x0101_0101_0101_0101
            if ((query &- ones) & ~query | (fragment &- ones) & ~fragment) & 0x8080_8080_8080_8080 != 0 { break }
            index &+= 8
        }
        while index < path.count {
            let byte = path[index]
            if byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") { return index }
            index &+= 1
        }
        return path.count
    }

    /// The start of the first three runs of base64url characters with dots between them that are as long as those of a
    /// signed token (RFC 7515 §7.1) at least are.
    private static func startOfToken(_ path: Span<UInt8>) -> Int? {
        // The runs before the current one, if a dot follows each.
        var before: (start: Int, count: Int)?
        var last: (start: Int, count: Int)?
        var start = 0
        for index in path.indices {
            let byte = path[index]
            if isBase64URL(byte) {
                if let before, let last, before.count >= leastPart, last.count >= leastPart,
                    index - start + 1 >= leastSignature
                {
                    return before.start
                }
                continue
            }
            if byte == UInt8(ascii: ".") {
                before = last
                last = (start, index - start)
            } else {
                before = nil
                last = nil
            }
            start = index + 1
        }
        return nil
    }

    private static func isBase64URL(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// `{"alg":""}` and `{"sub":""}` have more.
    private static let leastPart = 12
    /// A MAC of 256 bits.
    private static let leastSignature = 43
    private static let leastToken = 2 * leastPart + leastSignature + 2
}
