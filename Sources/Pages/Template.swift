// SPDX-License-Identifier: Apache-2.0

/// A page template: a small, strict subset of mustache.
///
/// `{{name}}` writes a value, always escaped for HTML; `{{#name}}…{{/name}}` repeats for each item of a list, or shows
/// its content once if the value is neither empty nor false; `{{^name}}…{{/name}}` shows its content otherwise; `{{.}}`
/// is the current item; `{{> name}}` includes another template; `{{! … }}` is a comment. There is no way to write a
/// value unescaped. Anything else is an error with its line, found when the template is parsed.
package struct Template: Sendable {
    private let nodes: [TemplateNode]

    /// - Parameters:
    ///   - source: the text of the template, at most 256 KiB.
    ///   - name: the name used in errors.
    ///   - partials: the templates that `{{> name}}` can include.
    ///   - names: the names that values may have; nil: any.
    package init(
        _ source: String, name: String, partials: [String: String] = [:], names: Set<String>? = nil
    ) throws(TemplateError) {
        var parser = TemplateParser(name: name, source: source, partials: partials, names: names, including: [name])
        nodes = try parser.parse()
    }

    /// The names in the tags `{{> name}}` of a template, which need not be well formed.
    package static func includes(of source: String) -> Set<String> {
        var names: Set<String> = []
        for range in source.ranges(of: "{{>") {
            let word = source[range.upperBound...].drop { $0 == " " || $0 == "\t" }
            names.insert(String(word.prefix { $0 != " " && $0 != "\t" && $0 != "}" }))
        }
        return names
    }

    package func render(_ values: [String: TemplateValue]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(8192)
        var scopes = [values]
        Self.write(nodes, &scopes, &out)
        return out
    }

    /// The template with all values except `name` filled in: the pieces between the occurrences of `name`. `name`
    /// counts as present in sections. For the page that is sent most, so that it costs a copy instead of an evaluation.
    package func pieces(around name: String, _ values: [String: TemplateValue]) -> [[UInt8]] {
        var values = values
        values[name] = .text(Self.hole)
        let bytes = render(values)
        // Two private-use characters that no page contains mark the position of the value.
        let hole = Array(Self.hole.utf8)
        var pieces: [[UInt8]] = []
        var start = 0
        var index = 0
        while index + hole.count <= bytes.count {
            if bytes[index] == hole[0], bytes[index..<index + hole.count].elementsEqual(hole) {
                pieces.append(Array(bytes[start..<index]))
                index += hole.count
                start = index
            } else {
                index += 1
            }
        }
        pieces.append(Array(bytes[start...]))
        return pieces
    }

    private static let hole = "\u{10fffd}\u{10fffd}"

    private static func write(_ nodes: [TemplateNode], _ scopes: inout [[String: TemplateValue]], _ out: inout [UInt8])
    {
        for node in nodes {
            switch node {
            case .text(let bytes):
                out.append(contentsOf: bytes)
            case .value(let name):
                switch look(name, scopes) {
                case .text(let text): HTMLEscape.append(text, to: &out)
                case .field(let text): HTMLEscape.append(field: text, to: &out)
                case .flag, .list, nil: break
                }
            case .section(let name, let content):
                switch look(name, scopes) {
                case .list(let items):
                    for item in items {
                        scopes.append(item)
                        write(content, &scopes, &out)
                        scopes.removeLast()
                    }
                case .text(let text) where !text.isEmpty:
                    scopes.append([".": .text(text)])
                    write(content, &scopes, &out)
                    scopes.removeLast()
                case .flag(true):
                    write(content, &scopes, &out)
                case .flag(false), .text, .field, nil:
                    break
                }
            case .inverted(let name, let content):
                if look(name, scopes)?.isAbsent ?? true { write(content, &scopes, &out) }
            }
        }
    }

    private static func look(_ name: String, _ scopes: [[String: TemplateValue]]) -> TemplateValue? {
        for scope in scopes.reversed() {
            if let value = scope[name] { return value }
        }
        return nil
    }
}

/// The value of a name in a template.
package enum TemplateValue: Equatable, Sendable {
    case text(String)
    case flag(Bool)
    /// Of a form's field, as UTF-8: written so that a browser reads each character as it is.
    case field([UInt8])
    /// Each item is a set of values; missing ones are looked up in the enclosing scope.
    case list([[String: TemplateValue]])

    /// A list of plain texts, each available as `{{.}}`.
    package static func texts(_ texts: [String]) -> TemplateValue {
        .list(texts.map { [".": .text($0)] })
    }

    fileprivate var isAbsent: Bool {
        switch self {
        case .text(let text): text.isEmpty
        case .field(let text): text.isEmpty
        case .flag(let flag): !flag
        case .list(let items): items.isEmpty
        }
    }
}

indirect enum TemplateNode: Sendable {
    case text([UInt8])
    case value(String)
    case section(String, [TemplateNode])
    case inverted(String, [TemplateNode])
}
