// SPDX-License-Identifier: Apache-2.0

/// A type or an extension that a file declares, as far as its braces and first words show.
struct Declaration: Sendable, Equatable {
    /// `class`, `struct`, `enum`, `protocol`, `actor` or `extension`.
    let kind: String
    let name: String
    /// Nothing encloses it.
    let isTopLevel: Bool
    /// Other files cannot name it.
    var isPrivate = false
    /// The stored variables of a class that other files can change.
    fileprivate(set) var openVariables: [String] = []
    /// The stored constants of a class that other files can read.
    fileprivate(set) var openConstants: [String] = []

    static let kinds: Set<Substring> = ["class", "struct", "enum", "protocol", "actor", "extension"]
}

extension SourceFile {
    /// What the file declares, in its order.
    var declarations: [Declaration] {
        var found: [Declaration] = []
        // The declarations that enclose the line, each with the depth of its own line.
        var enclosing: [(index: Int, depth: Int)] = []
        var depth = 0
        for line in Self.withoutStrings(lines) {
            let words = line.split { $0 == " " || $0 == "\t" }
            if let declaration = Self.declaration(words, isTopLevel: depth == 0) {
                enclosing.append((found.count, depth))
                found.append(declaration)
            } else if let (index, outer) = enclosing.last, depth == outer + 1, found[index].kind == "class",
                !found[index].isPrivate, let (property, isVariable) = Self.openProperty(words, line)
            {
                if isVariable {
                    found[index].openVariables.append(property)
                } else {
                    found[index].openConstants.append(property)
                }
            }
            for character in line where character == "{" || character == "}" { depth += character == "{" ? 1 : -1 }
            while let last = enclosing.last, depth <= last.depth, line.contains("}") { enclosing.removeLast() }
        }
        return found
    }

    private static func declaration(_ words: [Substring], isTopLevel: Bool) -> Declaration? {
        guard let at = words.firstIndex(where: { Declaration.kinds.contains($0) }), at + 1 < words.count,
            words[..<at].allSatisfy({ isModifier($0) })
        else { return nil }
        let name = words[at + 1].prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
        // `class func` and `class var` are members.
        guard !name.isEmpty, name != "func", name != "var" else { return nil }
        return Declaration(
            kind: String(words[at]), name: String(name), isTopLevel: isTopLevel,
            isPrivate: words[..<at].contains { $0 == "private" || $0 == "fileprivate" })
    }

    /// The name of the stored property that the line declares, unless it is private, or private to write, or static.
    private static func openProperty(_ words: [Substring], _ line: String) -> (String, isVariable: Bool)? {
        guard let at = words.firstIndex(where: { $0 == "var" || $0 == "let" }), at + 1 < words.count,
            words[..<at].allSatisfy({ isModifier($0) }), !words[..<at].contains("static"),
            !words[..<at].contains(where: { $0.hasPrefix("private") || $0.hasPrefix("fileprivate") })
        else { return nil }
        if words[at] == "var", let brace = line.firstIndex(of: "{") {
            // A computed property's brace follows its type; an observer or a value may have braces as well.
            let isStored = line[..<brace].contains("=") || line.contains("didSet") || line.contains("willSet")
            guard isStored else { return nil }
        }
        return (String(words[at + 1].prefix { $0.isLetter || $0.isNumber || $0 == "_" }), words[at] == "var")
    }

    private static func isModifier(_ word: Substring) -> Bool {
        word.hasPrefix("@") || modifiers.contains(word.prefix { $0 != "(" })
    }

    private static let modifiers: Set<Substring> = [
        "public", "package", "internal", "private", "fileprivate", "final", "static", "lazy", "weak", "unowned",
        "nonisolated", "indirect", "borrowing", "override", "open",
    ]

    /// The lines with the contents of their strings left out.
    private static func withoutStrings(_ lines: [Substring]) -> [String] {
        var isInBlock = false
        return lines.map { line in
            if line.contains("\"\"\"") {
                // Nothing but the text's own lines lies between the two marks.
                let opens = !isInBlock && line.split(separator: "\"\"\"", omittingEmptySubsequences: false).count == 2
                let result = isInBlock ? "" : String(line.prefix { $0 != "\"" })
                isInBlock = opens
                return result
            }
            return isInBlock ? "" : withoutStrings(line)
        }
    }

    private static func withoutStrings(_ line: Substring) -> String {
        var result = ""
        var inString = false
        var interpolation = 0
        var previous: Character = " "
        for character in line {
            switch (inString, character) {
            case (false, "\""): inString = true
            case (true, "\"") where previous != "\\" && interpolation == 0: inString = false
            case (true, "(") where previous == "\\" || interpolation > 0: interpolation += 1
            case (true, ")") where interpolation > 0: interpolation -= 1
            case (false, _): result.append(character)
            default: break
            }
            previous = previous == "\\" && character == "\\" ? " " : character
        }
        return result
    }
}
