// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Field names as app servers could see them: CGI and its heirs make one name of `A-B`, `a_b` and, some, `a.b`.
enum FieldName {
    static func folded(_ byte: UInt8) -> UInt8 {
        byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") ? UInt8(ascii: "-") : lowercased(byte)
    }

    static func folded(_ name: String) -> [UInt8] {
        name.utf8.map { folded($0) }
    }

    /// Whether `name`, folded, is `other`, which is folded.
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

    /// `Content_Length` and `Transfer_Encoding` and their like are names of their own to us, but not to every app
    /// server; nobody sends them in good faith.
    @inline(__always)
    static func couldBeTakenForFraming(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 14: folds(name, toStartWith: "content-length")
        case 17: folds(name, toStartWith: "transfer-encoding")
        default: false
        }
    }
}
