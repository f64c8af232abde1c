// SPDX-License-Identifier: Apache-2.0

import HTTP

/// A path of `access.rules`: one path, or with `/*` at the end it and all below it.
///
/// It is written as it stands decoded; `*` has its meaning at the end alone.
package struct RulePath: Sendable, Equatable, CustomStringConvertible {
    let segments: [[UInt8]]
    /// All below counts too.
    let isSubtree: Bool
    package let description: String

    package init(_ text: String) throws(GateConfigurationError) {
        guard text.hasPrefix("/") else {
            throw GateConfigurationError("a path begins with a slash; write \"/\(text)\"")
        }
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f || Self.special.contains($0) }) else {
            throw GateConfigurationError(
                "a path has no query, fragment, backslash, semicolon, percent-encoding or white space; write the path itself"
            )
        }
        var parts = Array(text.utf8).dropFirst()
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { Array($0) }
        isSubtree = parts.last?.elementsEqual("*".utf8) ?? false
        if isSubtree { parts.removeLast() }
        guard !parts.contains(where: { $0.contains(UInt8(ascii: "*")) }) else {
            throw GateConfigurationError("* stands at the end only, after a slash, as in \"/admin/*\"")
        }
        guard !parts.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }),
            !parts.dropLast().contains([])
        else { throw GateConfigurationError("a path has no dot segments and no doubled slashes") }
        segments = parts
        description = text
    }

    /// `/*`
    private init() {
        segments = []
        isSubtree = true
        description = "/*"
    }

    package static let all = RulePath()

    /// Every path is below it.
    var isAll: Bool { isSubtree && segments.isEmpty }

    /// The path, or all that it stands for, begins with the segments of `prefix`.
    package func isBelow(_ prefix: String) -> Bool {
        guard !prefix.isEmpty else { return true }
        let wanted = prefix.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return segments.count >= wanted.count
            && zip(segments, wanted).allSatisfy { $0.elementsEqual($1) }
    }

    private static let special: [UInt8] = Array("?#\\;%".utf8)
}

/// Finds the first of many patterns that a path matches. What it costs grows with the path, not with the patterns: a
/// tree of segments, each step one look into a table.
struct PathMatcher: Sendable {
    private struct Node: Sendable {
        var children: [Int: [(segment: [UInt8], node: Int)]] = [:]
        /// Rules for exactly this path, and for all below; ascending.
        var exact: [Int] = []
        var subtree: [Int] = []
    }

    private var nodes = [Node()]
    private let isLenient: Bool

    /// - Parameters:
    ///   - rules: each with its patterns, in order.
    ///   - isLenient: A to Z are the same as a to z, and a slash at the end and ignorable characters do not count. The
    ///     paths that are looked up have none of them.
    init(_ rules: [[RulePath]], isLenient: Bool) {
        self.init(rules.enumerated().map { (rule: $0.offset, patterns: $0.element) }, isLenient: isLenient)
    }

    /// - Parameter rules: some of all rules, with their numbers, ascending.
    init(_ rules: [(rule: Int, patterns: [RulePath])], isLenient: Bool) {
        self.isLenient = isLenient
        for (index, patterns) in rules {
            for pattern in patterns {
                insert(pattern.segments, isSubtree: pattern.isSubtree, rule: index)
                // The canonical form of a path has such characters percent-encoded.
                guard pattern.segments.contains(where: { $0.contains { $0 >= 0x80 } }) else { continue }
                insert(pattern.segments.map(Self.encoded), isSubtree: pattern.isSubtree, rule: index)
            }
        }
    }

    private mutating func insert(_ pattern: [[UInt8]], isSubtree: Bool, rule: Int) {
        var current = 0
        var segments = pattern
        if isLenient, segments.last?.isEmpty ?? false { segments.removeLast() }
        for segment in segments {
            let segment = isLenient ? Self.lenient(segment) : segment
            let hash = Self.hash(segment.span)
            if let known = nodes[current].children[hash]?.first(where: { $0.segment == segment })?.node {
                current = known
            } else {
                nodes.append(Node())
                nodes[current].children[hash, default: []].append((segment, nodes.count - 1))
                current = nodes.count - 1
            }
        }
        if isSubtree {
            if nodes[current].subtree.last != rule { nodes[current].subtree.append(rule) }
        } else if nodes[current].exact.last != rule {
            nodes[current].exact.append(rule)
        }
    }

    /// With every byte that is not ASCII percent-encoded.
    private static func encoded(_ segment: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        for byte in segment {
            if byte < 0x80 { text.append(byte) } else { text.appendPercentEncoded(byte: byte) }
        }
        return text
    }

    /// As it stands in the reading in which most is replaced and dropped.
    private static func lenient(_ segment: [UInt8]) -> [UInt8] {
        let visible = DroppedCharacters.withoutIgnorables(segment) ?? segment
        return (LookAlikes.fold(visible) ?? visible).map(lowercased)
    }

    /// The first rule with a pattern that `path` matches and that `applies`.
    ///
    /// - Parameter path: begins with a slash; empty where that is the slash at the end which does not count.
    func first(matching path: Span<UInt8>, where applies: (Int) -> Bool) -> Int? {
        var best: Int?
        func consider(_ rules: [Int]) {
            for rule in rules {
                if let best, rule >= best { return }
                if applies(rule) {
                    best = rule
                    return
                }
            }
        }
        walk(path) { consider($0) }
        return best
    }

    /// All rules with a pattern that `path` matches, in no order.
    func all(matching path: Span<UInt8>) -> [Int] {
        var found: [Int] = []
        walk(path) { found += $0 }
        return found
    }

    /// Along `path`, the rules that match it.
    @inline(__always)
    private func walk(_ path: Span<UInt8>, _ visit: ([Int]) -> Void) {
        var current: Int? = 0
        var start = 1
        while let node = current {
            visit(nodes[node].subtree)
            guard start <= path.count else {
                visit(nodes[node].exact)
                break
            }
            var end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            current = child(of: node, path.extracting(min(start, path.count)..<end))
            start = end + 1
        }
    }

    private func child(of node: Int, _ segment: Span<UInt8>) -> Int? {
        guard !nodes[node].children.isEmpty, let entries = nodes[node].children[Self.hash(segment)] else { return nil }
        for entry in entries where entry.segment.span.equals(segment) { return entry.node }
        return nil
    }

    /// FNV-1a. The table holds the configuration's segments alone, so no client can make it slow.
    private static func hash(_ segment: Span<UInt8>) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in segment.indices {
            hash = (hash ^ UInt64(segment[index])) &* 0x0000_0100_0000_01b3
        }
        return Int(truncatingIfNeeded: hash)
    }
}
