// SPDX-License-Identifier: Apache-2.0

/// A row of the table of options without its type: what parser, reference and schema need of it.
package struct OptionRow: Sendable {
    /// `token.clockSkew`; in a mapping that is an item of a list, the name alone.
    package let path: String
    package let kind: ValueKind
    /// The default as a file would have it; nil: none.
    package let defaultText: String?
    package let summary: String
    /// Never printed; has a `…File` twin.
    package var isSecret = false
    /// At most one option of a group may be set at a time, and one set nearer to the command line displaces the others.
    var group: String?
    /// There is no default that could work.
    var isRequired = false
    /// nil: a reload applies every change.
    var startOnly: StartOnly?

    init(_ path: String, _ kind: ValueKind, defaultText: String?, _ summary: String) {
        self.path = path
        self.kind = kind
        self.defaultText = defaultText
        self.summary = summary
    }

    /// The last part of the path.
    package var name: String {
        path.lastIndex(of: ".").map { String(path[$0...].dropFirst()) } ?? path
    }

    /// All but the last part of the path; empty at the top.
    var section: String {
        path.lastIndex(of: ".").map { String(path[..<$0]) } ?? ""
    }

    /// `SIDEGATE_TOKEN_CLOCKSKEW`
    package var environmentName: String {
        "SIDEGATE_" + String(path.map { $0 == "." ? "_" : $0 }).uppercased()
    }

    /// The summary, and what follows from the other columns.
    var documentation: String {
        startOnly.map { summary + " " + $0.note } ?? summary
    }

    /// The default, parsed.
    var defaultValue: ParsedValue? {
        guard let defaultText, let node = YAMLReader.read(defaultText, at: .builtIn).root else { return nil }
        var parser = ValueParser(path)
        return parser.parse(node, as: kind)
    }
}

/// That a change of an option takes effect at the next start only.
struct StartOnly: Sendable {
    /// A sentence for the documentation.
    let note: String
    /// The change from the running settings to the wanted ones waits for the next start.
    let isChanged: @Sendable (_ running: Settings, _ wanted: Settings) -> Bool

    static let note = "Takes effect at the next start, not at a reload."
}

/// A mapping of options.
package struct Section: Sendable {
    package let path: String
    package let summary: String
    /// The option that a single value in place of the mapping sets: `upstream: http://…` is `upstream.url`.
    package let shorthand: String?

    init(_ path: String, _ summary: String, shorthand: String? = nil) {
        self.path = path
        self.summary = summary
        self.shorthand = shorthand
    }
}
