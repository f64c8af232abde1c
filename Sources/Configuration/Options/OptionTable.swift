// SPDX-License-Identifier: Apache-2.0

/// Every key there is, found by path; the rows are in `OptionTable+Rows.swift`.
package enum OptionTable {
    package static let keys: [ConfigurationOption] = rows
    package static let sections: [Section] = sectionRows

    private static let keysByPath = Dictionary(keys.map { ($0.path, $0) }) { first, _ in first }
    private static let sectionsByPath = Dictionary(sections.map { ($0.path, $0) }) { first, _ in first }

    package static func key(_ path: String) -> ConfigurationOption? { keysByPath[path] }

    package static func section(_ path: String) -> Section? { sectionsByPath[path] }

    /// The names of keys and sections directly below the section `path`; `""` is the top.
    static func names(in path: String) -> [String] {
        let prefix = path.isEmpty ? "" : path + "."
        return (sections.map(\.path) + keys.map(\.path)).compactMap { candidate in
            guard candidate.hasPrefix(prefix) else { return nil }
            let name = candidate.dropFirst(prefix.count)
            return name.isEmpty || name.contains(".") ? nil : String(name)
        }
    }

    /// The other keys that cannot be set together with `key`.
    static func rivals(of key: ConfigurationOption) -> [ConfigurationOption] {
        guard let group = key.group else { return [] }
        return keys.filter { $0.group == group && $0.path != key.path }
    }

    /// What to say of a path that is not in the table: the key that was probably meant.
    static func suggestion(for path: String) -> String {
        let parts = path.split(separator: ".", omittingEmptySubsequences: false)
        let section = parts.dropLast().joined(separator: ".")
        let name = parts.last.map(String.init) ?? ""
        if let near = Suggestion.nearest(to: name, among: names(in: section)) {
            return "did you mean `\(near)`?"
        }
        if let near = Suggestion.nearest(to: path, among: keys.map(\.path)) {
            return "did you mean `\(near)`?"
        }
        // The right name in the wrong place.
        if let near = keys.first(where: { $0.name == name })
            ?? keys.first(where: {
                Suggestion.nearest(to: name, among: [$0.name]) != nil
            })
        {
            return "did you mean `\(near.path)`?"
        }
        let known = names(in: section).map { "`\($0)`" }
        return section.isEmpty
            ? "`sidegate config schema` lists all keys"
            : "`\(Quoted.plain(section, limit: 60))` has \(Quoted.choices(known, joining: "and"))"
    }
}
