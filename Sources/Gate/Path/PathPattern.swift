// SPDX-License-Identifier: Apache-2.0

import HTTP

/// A path, or the beginning of paths when it ends in `/*`.
struct PathPattern: Sendable {
    private let text: [UInt8]
    private let isBeginning: Bool
    /// Without a slash at the end.
    private let stem: [UInt8]

    init(_ pattern: String) {
        isBeginning = pattern.hasSuffix("/*")
        text = Array(isBeginning ? pattern.utf8.dropLast() : pattern.utf8[...])
        stem = text.last == UInt8(ascii: "/") ? text.dropLast() : text
    }

    /// Byte for byte.
    func matches(_ path: Span<UInt8>) -> Bool {
        if !isBeginning { return path.equals(text.span) }
        return path.count >= text.count && path.extracting(0..<text.count).equals(text.span)
    }

    /// Without regard to case and to a slash at the end, as apps may; a beginning is also the path above what it begins.
    func matchesLoosely(_ path: Span<UInt8>) -> Bool {
        guard path.count >= stem.count, path.extracting(0..<stem.count).equalsFoldingCase(stem.span) else {
            return false
        }
        guard path.count > stem.count else { return true }
        return path[stem.count] == UInt8(ascii: "/") && (isBeginning || path.count == stem.count + 1)
    }
}
