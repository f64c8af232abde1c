// SPDX-License-Identifier: Apache-2.0

import Gate

/// A text with `{name}` placeholders, or of fields `{name;separator}` ones. `{{` and `}}` are not special: a brace that belongs to no placeholder is an error.
package struct TextTemplate: Equatable, Sendable {
    package enum Part: Equatable, Sendable {
        case text(String)
        case placeholder(String)
    }

    package let source: String
    package let parts: [Part]

    /// - Parameter hasLists: a placeholder may name what stands between the values of a list.
    package init(_ source: String, hasLists: Bool = false) throws(SyntaxProblem) {
        var parts: [Part] = []
        var rest = Substring(source)
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[brace] == "{", let end = rest[brace...].firstIndex(of: "}") else {
                throw SyntaxProblem("`{` and `}` must come in pairs around a name, such as {name}")
            }
            if brace != rest.startIndex { parts.append(.text(String(rest[..<brace]))) }
            var name = rest[brace..<end].dropFirst()
            if hasLists, let semicolon = name.firstIndex(of: ";") {
                try Self.checkSeparator(name[semicolon...].dropFirst())
                name = name[..<semicolon]
            }
            guard FieldName.isValid(String(name)) else {
                throw SyntaxProblem("between `{` and `}` a name must stand, of letters, digits, `_`, `-` and `.`")
            }
            parts.append(.placeholder(String(name)))
            rest = rest[end...].dropFirst()
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        self.source = source
        self.parts = parts
    }

    private static func checkSeparator(_ text: Substring) throws(SyntaxProblem) {
        do throws(GateConfigurationError) {
            _ = try ListSeparator(text.utf8)
        } catch {
            throw SyntaxProblem(error.description)
        }
    }

    init(parts: [Part]) {
        self.parts = parts
        source = parts.map { part in
            switch part {
            case .text(let text): text
            case .placeholder(let name): "{\(name)}"
            }
        }.joined()
    }

    static let empty = TextTemplate(parts: [])

    package var placeholders: [String] {
        parts.compactMap { if case .placeholder(let name) = $0 { name } else { nil } }
    }
}

/// The name of a field that `token.claims` fills.
enum FieldName {
    static func isValid(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy {
                $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
            }
    }
}
