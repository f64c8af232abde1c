// SPDX-License-Identifier: Apache-2.0

import HTTP

/// `HTTP/1.1` and the end of the request line, or the start of the status line (RFC 9112 §2.3).
enum VersionText {
    /// "HTTP/1.1" as a little-endian word.
    private static let http11: UInt64 = 0x312e_312f_5054_5448

    /// Reads a version that starts at `start` and the CRLF after it, from `next` on; nil if the input is incomplete.
    static func read(_ bytes: Span<UInt8>, from start: Int, next: inout Int) throws(HTTP1Error) -> Version? {
        guard let version = try readVersion(bytes, from: start, next: &next) else { return nil }
        while next < bytes.count {
            let byte = bytes[next]
            if next &- start == 8 {
                guard byte == ByteClass.carriageReturn else {
                    throw byte == ByteClass.lineFeed ? .bareLF : .invalidVersion
                }
            } else {
                guard byte == ByteClass.lineFeed else { throw .bareCR }
                next &+= 1
                return version
            }
            next &+= 1
        }
        return nil
    }

    /// Reads the eight bytes of a version, from `next` on; nil if the input is incomplete.
    static func readVersion(_ bytes: Span<UInt8>, from start: Int, next: inout Int) throws(HTTP1Error) -> Version? {
        let end = start &+ 8
        if next == start, end <= bytes.count, bytes.word(uncheckedAt: start) == http11 {
            next = end
            return .http11
        }
        while next < end {
            guard next < bytes.count else { return nil }
            guard isExpected(bytes[next], at: next &- start) else { throw .invalidVersion }
            next &+= 1
        }
        switch (bytes[start &+ 5], bytes[start &+ 7]) {
        case (UInt8(ascii: "1"), UInt8(ascii: "1")): return .http11
        case (UInt8(ascii: "1"), UInt8(ascii: "0")): return .http10
        case (UInt8(ascii: "2")..., _): throw .unsupportedVersion
        default: throw .invalidVersion
        }
    }

    private static func isExpected(_ byte: UInt8, at offset: Int) -> Bool {
        switch offset {
        case 0: byte == UInt8(ascii: "H")
        case 1, 2: byte == UInt8(ascii: "T")
        case 3: byte == UInt8(ascii: "P")
        case 4: byte == UInt8(ascii: "/")
        case 6: byte == UInt8(ascii: ".")
        default: ByteClass.isDigit(byte)
        }
    }
}
