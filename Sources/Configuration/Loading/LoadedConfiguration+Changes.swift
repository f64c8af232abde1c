// SPDX-License-Identifier: Apache-2.0

extension LoadedConfiguration {
    /// What differs from `old`, for people: the names of options, and the files whose contents alone have changed. Never a
    /// value, which could be a secret.
    package func changes(since old: LoadedConfiguration) -> [String] {
        var found: [String] = []
        for row in OptionTable.rows {
            let (before, after) = (old.resolution.entries[row.path]?.value, resolution.entries[row.path]?.value)
            found += Self.differences(row.path, before, after)
        }
        // Files that only one of the two reads are named by an option that has changed.
        for path in files where path != file {
            if let before = old.contents[path], let after = contents[path], before != after {
                found.append("contents of \(path)")
            }
        }
        return found
    }

    private static func differences(_ path: String, _ old: ParsedValue?, _ new: ParsedValue?) -> [String] {
        guard old != new else { return [] }
        switch (old, new) {
        case (.list(let old)?, .list(let new)?) where old.count == new.count:
            let items = zip(old, new).enumerated()
            guard items.allSatisfy({ $0.element.0.value.hasParts && $0.element.1.value.hasParts }) else {
                return [path]
            }
            return items.flatMap { index, pair in
                differences("\(path)[\(pair.1.value.itemName ?? String(index))]", pair.0.value, pair.1.value)
            }
        case (.map(let old)?, .map(let new)?):
            let names = old.map(\.name) + new.map(\.name).filter { name in !old.contains { $0.name == name } }
            let found = names.flatMap { name in
                differences(
                    "\(path).\(name)", old.first { $0.name == name }?.value, new.first { $0.name == name }?.value)
            }
            // Their order alone.
            return found.isEmpty ? [path] : found
        case (.object(let old)?, .object(let new)?):
            let names = Set(old.names).union(new.names).sorted()
            return names.flatMap { differences("\(path).\($0)", old.entry($0)?.value, new.entry($0)?.value) }
        default: return [path]
        }
    }
}

extension ParsedValue {
    /// It has options of its own.
    fileprivate var hasParts: Bool {
        if case .object = self { true } else { false }
    }

    /// How an item of a list is called, if it has a name.
    fileprivate var itemName: String? {
        guard case .object(let values) = self, case .text(let name)? = values.entry("name")?.value else { return nil }
        return name.isEmpty ? nil : name
    }
}
