// SPDX-License-Identifier: Apache-2.0

/// Where values of options are found: the whole configuration, or one mapping of a list.
protocol OptionSource: Sendable {
    func entry(_ path: String) -> OptionEntry?
}

/// A value with its two locations.
package struct OptionEntry: Sendable {
    let value: ParsedValue
    /// Of the option's name.
    let nameOrigin: SourceLocation
    /// Of the value.
    let origin: SourceLocation
}

extension OptionSource {
    /// The value in force; the default where nothing sets the option.
    subscript<Value>(option: Option<Value>) -> Value {
        option.value(entry(option.path)?.value ?? option.row.defaultValue)
    }

    /// The value with its location; nil when the option has none.
    func given<Value>(_ option: Option<Value?>) -> Located<Value>? {
        guard let entry = entry(option.path), let value = option.value(entry.value) else { return nil }
        return Located(value: value, origin: entry.origin)
    }

    /// The items of a list, each with its location.
    func items<Item>(_ option: Option<[Item]>) -> [Located<Item>] {
        guard case .list(let items)? = entry(option.path)?.value else { return [] }
        return items.flatMap { item in
            option.value(.list([item])).map { Located(value: $0, origin: item.origin) }
        }
    }

    func items<Item>(_ option: Option<[Item]?>) -> [Located<Item>] {
        guard case .list(let items)? = entry(option.path)?.value else { return [] }
        return items.flatMap { item in
            (option.value(.list([item])) ?? []).map { Located(value: $0, origin: item.origin) }
        }
    }

    /// The location of the value.
    func origin<Value>(_ option: Option<Value>) -> SourceLocation { entry(option.path)?.origin ?? .builtIn }

    /// The value differs from the default.
    func isChanged(_ row: OptionRow) -> Bool {
        guard let value = entry(row.path)?.value else { return false }
        return value != .text("") && value != row.defaultValue
    }
}

/// The options of one mapping that is an item of a list, such as one of `token.keys`.
package struct OptionValues: Equatable, Sendable, OptionSource {
    private let entries: [String: OptionEntry]

    init(_ entries: [String: OptionEntry]) {
        self.entries = entries
    }

    package func entry(_ path: String) -> OptionEntry? { entries[path] }

    /// Those that have a value.
    var names: [String] { Array(entries.keys) }

    /// Locations do not count.
    package static func == (left: OptionValues, right: OptionValues) -> Bool {
        left.entries.mapValues(\.value) == right.entries.mapValues(\.value)
    }
}
