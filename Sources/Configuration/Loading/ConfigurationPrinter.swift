// SPDX-License-Identifier: Apache-2.0

import YAML

/// The configuration in force, as YAML that says where each value comes from. Secrets are redacted.
package struct ConfigurationPrinter {
    /// Defaults too, not only what is set.
    private let isEffective: Bool

    package init(isEffective: Bool) { self.isEffective = isEffective }

    package func text(_ resolution: Resolution) -> String {
        var lines: [(text: String, note: String)] = []
        var open: [Substring] = []
        for row in OptionTable.rows {
            guard let entry = resolution.entries[row.path], isEffective || !entry.isDefault else { continue }
            let parts = row.path.split(separator: ".")
            let sections = parts.dropLast()
            // Leave the sections that end here, enter those that begin.
            let common = zip(open, sections).prefix { $0 == $1 }.count
            open = Array(open.prefix(common))
            for section in sections.dropFirst(common) {
                lines.append((indentation(open.count) + section + ":", ""))
                open.append(section)
            }
            let name = indentation(open.count) + row.name + ": "
            lines.append(
                (name + Self.text(entry.node, row.kind, isSecret: row.isSecret && !entry.isDefault), entry.origin.words)
            )
        }
        let width = Swift.min(lines.map { $0.note.isEmpty ? 0 : $0.text.count }.max() ?? 0, 60)
        return lines.map { line in
            if line.note.isEmpty { return line.text + "\n" }
            let gap = Swift.max(width - line.text.count, 0) + 2
            return line.text + String(repeating: " ", count: gap) + "# " + line.note + "\n"
        }.joined()
    }

    private func indentation(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    private static func text(_ node: Node, _ kind: ValueKind?, isSecret: Bool) -> String {
        switch node.content {
        case .null:
            return "null"
        case .scalar(let text):
            return isSecret ? quoted(Secret.placeholder) : scalar(text, kind)
        case .sequence(let items):
            var inner: ValueKind?
            if case .list(let item) = kind { inner = item }
            if case .either(.list(let item), _) = kind { inner = item }
            return "[" + items.map { self.text($0, inner, isSecret: isSecret) }.joined(separator: ", ") + "]"
        case .mapping(let entries):
            if entries.isEmpty { return "{}" }
            let parts = entries.map { entry -> String in
                quotedIfNeeded(entry.name) + ": " + self.text(of: entry, in: kind, isSecret: isSecret)
            }
            return "{ " + parts.joined(separator: ", ") + " }"
        }
    }

    private static func text(of entry: Node.Entry, in kind: ValueKind?, isSecret: Bool) -> String {
        switch kind {
        case .object(let rows):
            // What the table does not know might be a mistyped secret.
            guard let row = rows.first(where: { $0.name == entry.name }) else { return quoted(Secret.placeholder) }
            return text(entry.value, row.kind, isSecret: isSecret || row.isSecret)
        case .either(_, let rows):
            return text(of: entry, in: .object(rows), isSecret: isSecret)
        case .list(let item):
            // One object in place of a list of one.
            return text(of: entry, in: item, isSecret: isSecret)
        case .map(_, let value, _):
            return text(entry.value, value, isSecret: isSecret)
        default:
            return text(entry.value, nil, isSecret: isSecret)
        }
    }

    private static func scalar(_ text: String, _ kind: ValueKind?) -> String {
        switch kind {
        case .boolean, .integer, .fraction: text
        default: quotedIfNeeded(text)
        }
    }

    /// Plain where YAML reads it back as the same text inside a flow collection.
    private static func quotedIfNeeded(_ text: String) -> String {
        let isPlain =
            text.utf8.allSatisfy { byte in
                byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || [0x2D, 0x2E, 0x2F, 0x5F].contains(byte)
            } && text.first?.isLetter == true && !["true", "false", "null"].contains(text.lowercased())
        let isDuration = DurationText.parse(text) != nil || SizeText.parse(text) != nil
        return isPlain || isDuration && !text.isEmpty && Int(text) == nil ? text : quoted(text)
    }

    private static func quoted(_ text: String) -> String {
        // What is printed may be read again as a file.
        QuotedScalar.text(text).replacing("${", with: "$${")
    }
}
