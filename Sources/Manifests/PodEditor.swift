// SPDX-License-Identifier: Apache-2.0

/// Changes to a pod's specification, as edits of the text: everything else, comments included, stays byte for byte.
struct PodEditor {
    let text: ManifestText
    let specification: ManifestNode.Entry
    private(set) var edits: [ManifestEdit] = []
    /// For keys that the specification does not have yet.
    private var added: [(name: String, value: Fragment)] = []

    init(_ text: ManifestText, _ specification: ManifestNode.Entry) {
        self.text = text
        self.specification = specification
    }

    /// Sets a key to a single value.
    mutating func set(_ name: String, to value: Fragment) throws(ManifestProblem) {
        guard let entry = try specification.value.entry(name) else {
            added.append((name, value))
            return
        }
        if value.isSame(as: entry.value) { return }
        try entry.value.requireWrittenHere(name)
        let range = entry.value.range
        edits.append(ManifestEdit(range: range, text: (range.isEmpty ? " " : "") + value.json))
    }

    /// The present value that `set` would overwrite with another.
    func overwritten(_ name: String, by value: Fragment) throws(ManifestProblem) -> ManifestNode? {
        guard let present = try specification.value[name], !present.isNull, !value.isSame(as: present) else {
            return nil
        }
        return present
    }

    /// Removes an entry of a mapping inside the specification.
    mutating func remove(_ entry: ManifestNode.Entry, of mapping: ManifestNode) throws(ManifestProblem) {
        let range = entry.key.range.lowerBound..<max(entry.key.range.upperBound, entry.value.range.upperBound)
        if mapping.isFlow {
            edits.append(ManifestEdit(range: withComma(range), text: ""))
            return
        }
        guard text.isFirstInLine(range.lowerBound) else {
            throw ManifestProblem(
                entry.key.place, "`\(entry.key.text ?? "")` cannot be removed in this layout; remove it")
        }
        let end = text.nextLine(text.trimmedEnd(range.upperBound, from: range.lowerBound))
        edits.append(ManifestEdit(range: text.lineStart(range.lowerBound)..<end, text: ""))
    }

    /// Puts the items into the list, replacing those with the same names; new ones come first, the others keep their
    /// places.
    mutating func put(_ items: [(name: String, value: Fragment)], into list: String) throws(ManifestProblem) {
        guard let entry = try specification.value.entry(list) else {
            added.append((list, .list(items.map(\.value))))
            return
        }
        try entry.value.requireWrittenHere(list)
        var missing: [Fragment] = []
        for (name, value) in items {
            guard let present = try Self.item(name, of: entry.value) else {
                missing.append(value)
                continue
            }
            if !value.isSame(as: present) { try replace(present, of: entry.value, by: value) }
        }
        if !missing.isEmpty { try prepend(missing, to: entry, list) }
    }

    /// Removes the item with this name from the list, and the list too if nothing else is in it.
    mutating func remove(_ name: String, from list: String) throws(ManifestProblem) {
        guard let entry = try specification.value.entry(list), let items = entry.value.items,
            let item = try Self.item(name, of: entry.value)
        else { return }
        try entry.value.requireWrittenHere(list)
        if entry.value.isFlow {
            edits.append(ManifestEdit(range: items.count == 1 ? entry.value.range : withComma(item.range), text: ""))
            if items.count == 1 {
                edits.append(ManifestEdit(range: insertion(entry.value.range.upperBound), text: "[]"))
            }
            return
        }
        let end = text.nextLine(text.trimmedEnd(item.range.upperBound, from: item.range.lowerBound))
        let start = items.count == 1 ? entry.key.range.lowerBound : try dash(of: item)
        guard text.isFirstInLine(start) else { throw Self.unreachable(item) }
        edits.append(ManifestEdit(range: text.lineStart(start)..<end, text: ""))
    }

    /// Writes the added keys. To be called once, at the end.
    mutating func finish() throws(ManifestProblem) {
        guard !added.isEmpty else { return }
        let value = specification.value
        if value.isFlow {
            let fields = added.map { "\(Fragment.string($0.name).json): \($0.value.json), " }.joined()
            edits.append(ManifestEdit(range: insertion(value.range.lowerBound + 1), text: fields))
            return
        }
        try insertLines(
            Fragment.mapping(added).lines, after: specification.key, before: value.range.lowerBound, value.place)
    }

    static func item(_ name: String, of list: ManifestNode) throws(ManifestProblem) -> ManifestNode? {
        for item in list.items ?? [] where try item["name"]?.text == name { return item }
        return nil
    }

    private mutating func prepend(
        _ items: [Fragment], to entry: ManifestNode.Entry, _ list: String
    ) throws(ManifestProblem) {
        let value = entry.value
        if value.isNull || value.isEmptyCollection {
            let isInFlow = specification.value.isFlow
            let replacement = (value.range.isEmpty ? " " : "") + Fragment.list(items).json
            guard !isInFlow, text.isFirstInLine(entry.key.range.lowerBound) else {
                edits.append(ManifestEdit(range: value.range, text: replacement))
                return
            }
            // `volumes: []` becomes a block below its key.
            let start = text.trimmedEnd(value.range.lowerBound, from: entry.key.range.upperBound)
            edits.append(ManifestEdit(range: start..<max(start, value.range.upperBound), text: ""))
            let lines = Fragment.list(items).lines
            let indentation = entry.key.place.column - 1 + 2
            edits.append(linesInserted(lines, at: text.nextLine(value.range.upperBound), indentation))
            return
        }
        guard value.items != nil else {
            throw ManifestProblem(value.place, "`\(list)` is a list of objects; this is something else")
        }
        if value.isFlow {
            let fields = items.map { $0.json + ", " }.joined()
            edits.append(ManifestEdit(range: insertion(value.range.lowerBound + 1), text: fields))
        } else {
            try insertLines(Fragment.list(items).lines, after: entry.key, before: value.range.lowerBound, value.place)
        }
    }

    private mutating func replace(
        _ item: ManifestNode, of list: ManifestNode, by value: Fragment
    ) throws(ManifestProblem) {
        if list.isFlow || item.isFlow {
            edits.append(ManifestEdit(range: item.range, text: value.json))
            return
        }
        let start = try dash(of: item)
        guard text.isFirstInLine(start) else { throw Self.unreachable(item) }
        let end = text.trimmedEnd(item.range.upperBound, from: item.range.lowerBound)
        let indentation = String(repeating: " ", count: start - text.lineStart(start))
        let lines = Fragment.list([value]).lines.joined(separator: text.newline + indentation)
        edits.append(ManifestEdit(range: start..<end, text: lines))
    }

    /// Inserts directly below the line of a key, indented like the value that follows there.
    private mutating func insertLines(
        _ lines: [String], after key: ManifestNode, before offset: Int, _ place: ManifestPlace
    ) throws(ManifestProblem) {
        let below = text.nextLine(key.range.upperBound)
        guard below <= offset, text.isFirstInLine(offset) else {
            throw ManifestProblem(place, "this layout cannot be extended; start the value on a line of its own")
        }
        edits.append(linesInserted(lines, at: below, place.column - 1))
    }

    private func linesInserted(_ lines: [String], at offset: Int, _ indentation: Int) -> ManifestEdit {
        let space = String(repeating: " ", count: indentation)
        let block = lines.map { space + $0 + text.newline }.joined()
        // Adds a missing end to the last line.
        let isOpen = offset > 0 && text[offset - 1] != 10
        return ManifestEdit(range: insertion(offset), text: isOpen ? text.newline + block : block)
    }

    private func insertion(_ offset: Int) -> Range<Int> { offset..<offset }

    /// The position of the `-` before an item of a list in block style.
    private func dash(of item: ManifestNode) throws(ManifestProblem) -> Int {
        let end = text.trimmedEnd(item.range.lowerBound, from: 0)
        guard end > 0, text[end - 1] == 45 else { throw Self.unreachable(item) }
        return end - 1
    }

    /// The range of an item of a list or mapping in flow style, with the comma after or before it.
    private func withComma(_ range: Range<Int>) -> Range<Int> {
        let after = text.skipBlank(range.upperBound)
        if text[after] == 44 { return range.lowerBound..<text.skipBlank(after + 1) }
        let before = text.trimmedEnd(range.lowerBound, from: 0)
        return (before > 0 && text[before - 1] == 44 ? before - 1 : range.lowerBound)..<range.upperBound
    }

    private static func unreachable(_ item: ManifestNode) -> ManifestProblem {
        ManifestProblem(item.place, "the existing sidecar cannot be replaced in this layout; remove it first")
    }
}
