// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The patterns of rules that hold characters beyond ASCII, for apps that see no difference between canonically equivalent
/// texts (`é` as one character or as two), fold case fully (`ς` and `Σ` are `σ`, `ß` is `SS`), or normalise for
/// compatibility (`𝛼` is `α`, `ｶ` is `カ`).
struct FoldedPatterns: Sendable {
    /// Rules by their folded patterns, ascending. Equal strings are canonically equivalent.
    private var exact: [String: [Int]] = [:]
    private var subtree: [String: [Int]] = [:]
    /// How many segments the longest pattern has. What follows them in a path decides nothing, and costs nothing.
    private var depth = 0

    /// - Parameter rules: each with its patterns, in order.
    init(_ rules: [(rule: Int, patterns: [RulePath])]) {
        for (index, patterns) in rules {
            for pattern in patterns where pattern.segments.contains(where: Self.isBeyondASCII) {
                var segments = pattern.segments[...]
                if segments.last?.isEmpty ?? false { segments.removeLast() }
                let key = segments.reduce("") { $0 + "/" + Self.fold($1) }
                depth = max(depth, segments.count)
                if pattern.isSubtree {
                    subtree[key, default: []].append(index)
                } else {
                    exact[key, default: []].append(index)
                }
            }
        }
    }

    var isEmpty: Bool { depth == 0 }

    static func isBeyondASCII(_ text: [UInt8]) -> Bool { text.contains { $0 >= 0x80 } }

    /// As NFKC_Casefold has it: without case, by the full mappings of Unicode, which may lengthen a text; with
    /// compatibility mappings; and without characters that are ignorable. Equal strings are canonically equivalent.
    static func fold(_ text: [UInt8]) -> String {
        let visible = DroppedCharacters.withoutIgnorables(text) ?? text
        var mapped = String.UnicodeScalarView()
        for scalar in String(decoding: visible, as: UTF8.self).unicodeScalars {
            if scalar.isASCII {
                mapped.append(scalar)
            } else if let ascii = LookAlikes.compatible(scalar) {
                mapped.append(contentsOf: ascii.map { Unicode.Scalar($0) })
            } else if !CompatibilityTable.characters.append(scalar, to: &mapped) {
                mapped.append(scalar)
            }
        }
        // Some capitals have a capital of their own only when they are small (`ẞ`).
        return String(mapped).lowercased().uppercased().lowercased()
    }

    /// The first rule with a pattern that `path` matches and that `applies`.
    func first(matching path: [UInt8], where applies: (Int) -> Bool) -> Int? {
        all(matching: path).first(where: applies)
    }

    /// All of them, ascending.
    func all(matching path: [UInt8]) -> [Int] {
        var parts = path.dropFirst().split(
            separator: UInt8(ascii: "/"), maxSplits: depth, omittingEmptySubsequences: false)
        if parts.last?.isEmpty ?? false { parts.removeLast() }
        var found: [Int] = []
        var key = ""
        for part in parts.prefix(depth) {
            key += "/" + Self.fold(Array(part))
            found += subtree[key] ?? []
        }
        if parts.count <= depth { found += exact[key] ?? [] }
        return found.sorted()
    }
}
