// SPDX-License-Identifier: Apache-2.0

/// Patterns in another language: they are compared as they stand, and match nothing.
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
        // A parameter of a framework's route.
        if path.contains("/:") { return "a template" }
        return nil
    }

    /// The longest beginning of whole segments without such a pattern, with all below it.
    static func suggestion(_ path: String) -> String {
        var kept: [Substring] = []
        for segment in path.split(separator: "/") {
            guard suspicion("/" + segment) == nil, segment != "*" else { break }
            kept.append(segment)
        }
        return "/" + kept.map { $0 + "/" }.joined() + "*"
    }
}
