// SPDX-License-Identifier: Apache-2.0

/// Patterns that are written in a language which is not ours: they are compared as they stand, and match nothing.
enum LiteralPattern {
    /// What a path looks like, in words; nil when it looks like a path.
    static func suspicion(_ path: String) -> String? {
        let text = Array(path.utf8)
        if text.contains(where: { Array("()|[]^".utf8).contains($0) }) || path.hasSuffix("$") || path.contains(".+")
            || path.contains("\\")
        {
            return "a regular expression"
        }
        if text.contains(where: { $0 == 0x7B || $0 == 0x7D }) { return "a template" }
        // Frameworks write a parameter so.
        if path.contains("/:") { return "a template" }
        return nil
    }

    /// The longest beginning of whole segments that is meant literally, with all below it.
    static func suggestion(_ path: String) -> String {
        var kept: [Substring] = []
        for segment in path.split(separator: "/") {
            guard suspicion("/" + segment) == nil, segment != "*" else { break }
            kept.append(segment)
        }
        return "/" + kept.map { $0 + "/" }.joined() + "*"
    }
}
