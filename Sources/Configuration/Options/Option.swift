// SPDX-License-Identifier: Apache-2.0

/// One option of the configuration: its row of the table, and the type of its value.
///
/// The row says how the value is parsed, its default, its documentation and schema, and whether a reload applies a change.
struct Option<Value: Sendable>: Sendable {
    private(set) var row: OptionRow
    private let read: @Sendable (ParsedValue) -> Value?
    /// The value while nothing sets the option; only an optional one has it, all others have a default in the row.
    private let unset: Value?

    /// - Parameter defaultText: as a file would have it.
    init(_ path: String, _ kind: Kind<Value>, default defaultText: String, _ summary: String) {
        row = OptionRow(path, kind.untyped, defaultText: defaultText, summary)
        read = kind.read
        unset = nil
    }

    /// An option without a default.
    init(_ path: String, _ kind: Kind<Value>, _ summary: String) where Value: ExpressibleByNilLiteral {
        row = OptionRow(path, kind.untyped, defaultText: nil, summary)
        read = kind.read
        unset = .some(nil)
    }

    init<Wrapped>(_ path: String, _ kind: Kind<Wrapped>, _ summary: String) where Value == Wrapped? {
        row = OptionRow(path, kind.untyped, defaultText: nil, summary)
        read = { parsed in kind.read(parsed).map { Optional($0) } }
        unset = .some(nil)
    }

    var path: String { row.path }
    var name: String { row.name }

    /// Always of the right type, since the row's kind parsed it. An option that is missing in the table is a programming
    /// error, which every load detects.
    func value(_ parsed: ParsedValue?) -> Value {
        guard let parsed else {
            guard let unset else { preconditionFailure("\(path) has neither a value nor a default") }
            return unset
        }
        guard let value = read(parsed) else { preconditionFailure("\(path) is of another kind") }
        return value
    }

    // MARK: - Columns

    func required() -> Option { with { $0.isRequired = true } }

    func inGroup(_ group: String) -> Option { with { $0.group = group } }

    /// A change of what `setting` reads takes effect at the next start.
    func atStart<Setting: Equatable & Sendable>(
        note: String = StartOnly.note, _ setting: @escaping @Sendable (Settings) -> Setting
    ) -> Option {
        with { $0.startOnly = StartOnly(note: note) { setting($0) != setting($1) } }
    }

    /// The same within a part of the settings; other options report that the part appears or disappears.
    func atStart<Part, Setting: Equatable & Sendable>(
        within part: @escaping @Sendable (Settings) -> Part?, _ setting: @escaping @Sendable (Part) -> Setting
    ) -> Option {
        with { row in
            row.startOnly = StartOnly(note: StartOnly.note) { running, wanted in
                guard let running = part(running), let wanted = part(wanted) else { return false }
                return setting(running) != setting(wanted)
            }
        }
    }

    /// The option, and its twin that reads the value from a file.
    func secret(twinSummary: String = "one trailing newline is dropped") -> SecretOption<Value> {
        let group = row.group ?? path
        let twin = Option<String?>(path + "File", .text(.file), "A file that holds `\(name)`; \(twinSummary).")
        return SecretOption(
            inline: with {
                $0.isSecret = true
                $0.group = group
            },
            file: twin.with { $0.group = group })
    }

    private func with(_ change: (inout OptionRow) -> Void) -> Option {
        var copy = self
        change(&copy.row)
        return copy
    }
}

/// A secret: the option that holds it, and the one that names a file with it. One of the two may be set.
struct SecretOption<Value: Sendable>: Sendable {
    let inline: Option<Value>
    let file: Option<String?>
}

/// What stands in the table: one row or several.
protocol OptionDeclaration {
    var rows: [OptionRow] { get }
}

extension Option: OptionDeclaration {
    var rows: [OptionRow] { [row] }
}

extension SecretOption: OptionDeclaration {
    var rows: [OptionRow] { [inline.row, file.row] }
}

extension OptionRow: OptionDeclaration {
    var rows: [OptionRow] { [self] }

    static func of(_ options: any OptionDeclaration...) -> [OptionRow] { options.flatMap(\.rows) }
}
