// SPDX-License-Identifier: Apache-2.0

import YAML

/// A value to be written into a manifest, in the style of the surrounding text.
indirect enum Fragment: Equatable, Sendable {
    case string(String)
    case integer(Int)
    case boolean(Bool)
    case list([Fragment])
    case mapping([(name: String, value: Fragment)])

    static func == (one: Fragment, other: Fragment) -> Bool { one.json == other.json }

    /// The lines in block style, without indentation.
    var lines: [String] {
        switch self {
        case .string, .integer, .boolean:
            return [scalar]
        case .list(let items):
            if items.isEmpty { return ["[]"] }
            return items.flatMap { item in
                item.lines.enumerated().map { ($0 == 0 ? "- " : "  ") + $1 }
            }
        case .mapping(let entries):
            if entries.isEmpty { return ["{}"] }
            return entries.flatMap { name, value in
                value.isCollection
                    ? ["\(Self.plain(name)):"] + value.lines.map { "  " + $0 }
                    : ["\(Self.plain(name)): \(value.scalar)"]
            }
        }
    }

    /// On one line, as JSON, which flow style allows anywhere.
    var json: String {
        switch self {
        case .string(let text): QuotedScalar.text(text)
        case .integer, .boolean: scalar
        case .list(let items): "[" + items.map(\.json).joined(separator: ", ") + "]"
        case .mapping(let entries):
            "{" + entries.map { "\(QuotedScalar.text($0.name)): \($0.value.json)" }.joined(separator: ", ") + "}"
        }
    }

    /// Whether Kubernetes would read the node as this value.
    func isSame(as node: ManifestNode) -> Bool {
        switch self {
        case .string(let text):
            guard case .scalar(text, let isPlain) = node.content else { return false }
            // A plain `8080` or `true` is not a string.
            return !isPlain || !(Self.reserved.contains(text.lowercased()) || Double(text) != nil)
        case .integer(let number):
            return node.integer == number
        case .boolean(let truth):
            guard case .scalar(let text, true) = node.content else { return false }
            return text == (truth ? "true" : "false")
        case .list(let wanted):
            guard let items = node.items, items.count == wanted.count else { return false }
            return zip(wanted, items).allSatisfy { $0.isSame(as: $1) }
        case .mapping(let wanted):
            guard let entries = node.entries, entries.count == wanted.count else { return false }
            return wanted.allSatisfy { name, value in
                entries.contains { $0.key.text == name && value.isSame(as: $0.value) }
            }
        }
    }

    private var isCollection: Bool {
        switch self {
        case .string, .integer, .boolean: false
        case .list(let items): !items.isEmpty
        case .mapping(let entries): !entries.isEmpty
        }
    }

    private var scalar: String {
        switch self {
        case .string(let text): Self.plain(text)
        case .integer(let number): String(number)
        case .boolean(let truth): truth ? "true" : "false"
        case .list: "[]"
        case .mapping: "{}"
        }
    }

    private static let reserved: Set<String> = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "~", ""]

    /// Without quotes if every YAML parser reads it as a string, else in quotes.
    private static func plain(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let isLetter: (UInt8) -> Bool = { $0 | 0x20 >= 97 && $0 | 0x20 <= 122 }
        let isInside: (UInt8) -> Bool = { byte in
            isLetter(byte) || byte >= 48 && byte <= 57 || [45, 46, 47, 58, 64, 95].contains(byte)
        }
        guard let first = bytes.first, isLetter(first) || first == 47 || text.hasPrefix("--") && bytes.count > 3,
            bytes.last != 58, bytes.allSatisfy(isInside), !Self.reserved.contains(text.lowercased())
        else { return QuotedScalar.text(text) }
        return text
    }
}
