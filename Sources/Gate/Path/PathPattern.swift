// SPDX-License-Identifier: Apache-2.0

import HTTP

/// A path, or the beginning of paths when it ends in `/*`, compared byte for byte.
struct PathPattern: Sendable {
    private let text: [UInt8]
    private let isBeginning: Bool

    init(_ pattern: String) {
        isBeginning = pattern.hasSuffix("/*")
        text = Array(isBeginning ? pattern.utf8.dropLast() : pattern.utf8[...])
    }

    func matches(_ path: Span<UInt8>) -> Bool {
        if !isBeginning { return path.equals(text.span) }
        return path.count >= text.count && path.extracting(0..<text.count).equals(text.span)
    }
}
