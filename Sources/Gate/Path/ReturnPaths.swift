// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The paths to which the identity providers send browsers back, in the order of the providers.
package struct ReturnPaths: Sendable {
    /// Most gates have one provider, so that a request is compared with one path.
    private let first: [UInt8]
    private let others: [[UInt8]]

    /// Without a path, no path is one.
    package init(_ paths: [String]) {
        first = Array((paths.first ?? "").utf8)
        others = paths.dropFirst().map { Array($0.utf8) }
    }

    /// Each of them; an empty one stands for none.
    var all: [[UInt8]] { [first] + others }

    /// Whose path it is, in its one spelling.
    func index(of path: Span<UInt8>) -> Int? {
        if path.equals(first.span) { return 0 }
        guard !others.isEmpty else { return nil }
        return others.firstIndex { path.equals($0.span) }.map { $0 + 1 }
    }

    @inline(__always)
    func contains(_ path: Span<UInt8>) -> Bool {
        path.equals(first.span) || (!others.isEmpty && others.contains { path.equals($0.span) })
    }

    /// Without escapes and the like only case, and dots or a slash at the end, can make another spelling of one of them.
    @inline(__always)
    func resemble(_ path: Span<UInt8>) -> Bool {
        Self.resembles(first, path) || (!others.isEmpty && others.contains { Self.resembles($0, path) })
    }

    @inline(__always)
    private static func resembles(_ own: [UInt8], _ path: Span<UInt8>) -> Bool {
        path.count >= own.count
            ? path.extracting(0..<own.count).equalsFoldingCase(own.span)
            : path.count + 1 == own.count && path.equalsFoldingCase(own.span.extracting(0..<path.count))
    }
}
