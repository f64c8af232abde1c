// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Field names as app servers may see them: CGI and its successors map `A-B`, `a_b` and, in some cases, `a.b` to one
/// name.
enum FieldName {
    static func folded(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        default: UInt8(ascii: "-")
        }
    }

    static func folded(_ name: String) -> [UInt8] {
        name.utf8.map { folded($0) }
    }

    /// Whether `name`, when folded, equals `other`, which is folded.
    static func folds(_ name: Span<UInt8>, to other: Span<UInt8>) -> Bool {
        name.count == other.count && folds(name, toStartWith: other)
    }

    static func folds(_ name: Span<UInt8>, toStartWith prefix: Span<UInt8>) -> Bool {
        guard name.count >= prefix.count else { return false }
        for index in prefix.indices where folded(name[index]) != prefix[index] { return false }
        return true
    }

    static func folds(_ name: Span<UInt8>, toStartWith prefix: StaticString) -> Bool {
        guard name.count >= prefix.utf8CodeUnitCount else { return false }
        return prefix.withUTF8Buffer { prefix in
            for index in prefix.indices where unsafe folded(name[index]) != prefix[index] { return false }
            return true
        }
    }

    /// Whether the name is a variant of a framing field's, such as `Content_Length`. Here it is a different name, but
    /// not to every app server, and it has no legitimate use.
    @inline(__always)
    static func couldBeTakenForFraming(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 14: folds(name, toStartWith: "content-length")
        case 17: folds(name, toStartWith: "transfer-encoding")
        default: false
        }
    }
}
