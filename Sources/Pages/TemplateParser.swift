// SPDX-License-Identifier: Apache-2.0

/// Parses the text of one template into nodes.
struct TemplateParser {
    private let name: String
    private let source: [UInt8]
    private let partials: [String: String]
    private let names: Set<String>?
    /// The templates being parsed, outermost first: none may be included again.
    private let including: [String]
    private var position = 0
    private var line = 1

    init(name: String, source: String, partials: [String: String], names: Set<String>?, including: [String]) {
        self.name = name
        self.source = Array(source.utf8)
        self.partials = partials
        self.names = names
        self.including = including
    }

    mutating func parse() throws(TemplateError) -> [TemplateNode] {
        guard source.count <= Self.maximumBytes else { throw error("the template is larger than 256 KiB") }
        return try nodes(until: nil, depth: 0)
    }

    /// An open section, for the error if it is not closed.
    private struct Opening {
        let name: String
        let line: Int
    }

    private mutating func nodes(until opening: Opening?, depth: Int) throws(TemplateError) -> [TemplateNode] {
        guard depth <= Self.maximumDepth else { throw error("sections are nested more than 16 deep") }
        var nodes: [TemplateNode] = []
        while let text = literal() {
            if !text.isEmpty { nodes.append(.text(text)) }
            guard let tag = try tag() else { break }
            switch tag {
            case .comment:
                break
            case .value(let name):
                nodes.append(.value(name))
            case .open(let name):
                nodes.append(.section(name, try self.nodes(until: Opening(name: name, line: line), depth: depth + 1)))
            case .openInverted(let name):
                nodes.append(.inverted(name, try self.nodes(until: Opening(name: name, line: line), depth: depth + 1)))
            case .include(let partial):
                nodes += try include(partial)
            case .close(let name):
                guard let opening else { throw error("{{/\(name)}} closes a section that is not open") }
                guard opening.name == name else {
                    throw error("{{/\(name)}} where {{/\(opening.name)}} of line \(opening.line) is due")
                }
                return nodes
            }
        }
        if let opening { throw error("{{#\(opening.name)}} is never closed", line: opening.line) }
        return nodes
    }

    /// The text up to the next tag or the end; nil at the end.
    private mutating func literal() -> [UInt8]? {
        guard position < source.count else { return nil }
        let start = position
        while position < source.count, !isAt("{{") { advance() }
        return Array(source[start..<position])
    }

    private enum Tag {
        case value(String), open(String), openInverted(String), close(String), include(String), comment
    }

    /// The tag at this position; nil at the end.
    private mutating func tag() throws(TemplateError) -> Tag? {
        guard isAt("{{") else { return nil }
        let start = line
        advance(2)
        guard position < source.count else { throw error("{{ is never closed") }
        let sigil = source[position]
        switch sigil {
        case UInt8(ascii: "!"):
            while !isAt("}}") {
                guard position < source.count else { throw error("a comment is never closed", line: start) }
                advance()
            }
            advance(2)
            return .comment
        case UInt8(ascii: "{"), UInt8(ascii: "&"):
            throw error("values are always escaped: {{{…}}} and {{&…}} do not exist here; write {{…}}")
        case UInt8(ascii: "="):
            throw error("the delimiters cannot be changed")
        case UInt8(ascii: "#"):
            advance()
            return .open(try value())
        case UInt8(ascii: "^"):
            advance()
            return .openInverted(try value())
        case UInt8(ascii: "/"):
            advance()
            return .close(try word())
        case UInt8(ascii: ">"):
            advance()
            return .include(try word())
        default:
            return .value(try value())
        }
    }

    /// The name of a value, which must exist.
    private mutating func value() throws(TemplateError) -> String {
        let word = try word()
        if let names, word != ".", !names.contains(word) {
            throw error("there is no value \"\(word)\"; there are \(names.sorted().joined(separator: ", "))")
        }
        return word
    }

    /// A name and the end of its tag.
    private mutating func word() throws(TemplateError) -> String {
        skipBlanks()
        let start = position
        while position < source.count, Self.isWordByte(source[position]) { advance() }
        let word = String(decoding: source[start..<position], as: UTF8.self)
        skipBlanks()
        guard isAt("}}") else {
            throw error(position < source.count ? "unexpected text in {{…}} after \"\(word)\"" : "{{ is never closed")
        }
        guard !word.isEmpty else { throw error("{{}} names nothing") }
        guard word == "." || !word.utf8.contains(UInt8(ascii: ".")) else {
            throw error("\"\(word)\": names have no parts; only {{.}} has a dot")
        }
        advance(2)
        return word
    }

    private func include(_ partial: String) throws(TemplateError) -> [TemplateNode] {
        guard let text = partials[partial] else {
            throw error(
                "there is no template \"\(partial)\" to include; there are "
                    + partials.keys.sorted().joined(separator: ", "))
        }
        guard !including.contains(partial) else { throw error("\"\(partial)\" includes itself") }
        var parser = TemplateParser(
            name: partial, source: text, partials: partials, names: names, including: including + [partial])
        return try parser.parse()
    }

    private func error(_ message: String, line: Int? = nil) -> TemplateError {
        TemplateError(template: name, line: line ?? self.line, message: message)
    }

    private func isAt(_ text: StaticString) -> Bool {
        guard source.count - position >= text.utf8CodeUnitCount else { return false }
        for offset in 0..<text.utf8CodeUnitCount {
            // Within the static text's bounds.
            if unsafe source[position + offset] != text.utf8Start[offset] { return false }
        }
        return true
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where position < source.count {
            if source[position] == UInt8(ascii: "\n") { line += 1 }
            position += 1
        }
    }

    private mutating func skipBlanks() {
        while position < source.count, source[position] == UInt8(ascii: " ") || source[position] == UInt8(ascii: "\t") {
            position += 1
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static let maximumBytes = 256 * 1024
    private static let maximumDepth = 16
}
