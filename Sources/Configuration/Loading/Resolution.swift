// SPDX-License-Identifier: Apache-2.0

/// All layers merged: for every option the value in force and where it comes from.
package struct Resolution: Sendable {
    package struct Entry: Sendable {
        package let row: OptionRow
        package let value: ParsedValue
        /// What was written, for printing.
        package let node: Node
        package let nameOrigin: SourceLocation

        package var origin: SourceLocation { node.origin }
        package var isDefault: Bool { nameOrigin == .builtIn }
    }

    /// By path. An option without a default that nothing sets is absent.
    package private(set) var entries: [String: Entry] = [:]
    package private(set) var findings: [Finding] = []
    /// Options whose value was refused, which a finding says already.
    private var refusedPaths: Set<String> = []

    /// `layers` from the weakest to the strongest.
    init(_ layers: [Layer]) {
        for row in OptionTable.rows {
            if let text = row.defaultText, let node = YAMLReader.read(text, at: .builtIn).root {
                take(Layer.Assignment(row: row, nameOrigin: .builtIn, node: node))
            }
        }
        for layer in layers {
            findings += layer.findings
            refuseRivals(in: layer)
            take(layer)
        }
    }

    private mutating func take(_ layer: Layer) {
        for (_, assignment) in layer.assignments.sorted(by: { $0.key < $1.key }) {
            for rival in OptionTable.rivals(of: assignment.row) where layer.assignments[rival.path] == nil {
                entries[rival.path] = nil
            }
            take(assignment)
        }
    }

    /// With `layers` over these values, from the weakest to the strongest, and the default in place of each value that
    /// `isReset` names. Without findings: the values were read before.
    func with(_ layers: [Layer], resetting isReset: (Entry) -> Bool) -> Resolution {
        var result = self
        for entry in entries.values where !entry.isDefault && isReset(entry) {
            result.entries[entry.row.path] = nil
            if let text = entry.row.defaultText, let node = YAMLReader.read(text, at: .builtIn).root {
                result.take(Layer.Assignment(row: entry.row, nameOrigin: .builtIn, node: node))
            }
        }
        for layer in layers { result.take(layer) }
        result.findings = []
        return result
    }

    /// Two options of one group in one layer: which was meant is unknown.
    private mutating func refuseRivals(in layer: Layer) {
        for (path, assignment) in layer.assignments {
            for rival in OptionTable.rivals(of: assignment.row) {
                guard let other = layer.assignments[rival.path], path > rival.path else { continue }
                findings.append(
                    .error(
                        assignment.nameOrigin,
                        "`\(path)` and `\(rival.path)` (\(other.nameOrigin.label)) exclude each other;"
                            + " keep one of the two"))
            }
        }
    }

    private mutating func take(_ assignment: Layer.Assignment) {
        let row = assignment.row
        var parser = ValueParser(row.path, isSecret: row.isSecret)
        let parsed = parser.parse(assignment.node, as: row.kind)
        findings += parser.findings
        guard var value = parsed else {
            refusedPaths.insert(row.path)
            return
        }
        var node = assignment.node
        if case .map(_, _, keepsDefaults: true) = row.kind, let weaker = entries[row.path] {
            value = Self.merge(weaker.value, value)
            node = Self.merge(weaker.node, node)
        }
        entries[row.path] = Entry(row: row, value: value, node: node, nameOrigin: assignment.nameOrigin)
    }

    private static func merge(_ weaker: ParsedValue, _ stronger: ParsedValue) -> ParsedValue {
        guard case .map(var entries) = weaker, case .map(let changes) = stronger else { return stronger }
        for change in changes {
            if let index = entries.firstIndex(where: { $0.name == change.name }) {
                entries[index] = change
            } else {
                entries.append(change)
            }
        }
        return .map(entries.filter { $0.value != .list([]) })
    }

    private static func merge(_ weaker: Node, _ stronger: Node) -> Node {
        guard case .mapping(var entries) = weaker.content, case .mapping(let changes) = stronger.content else {
            return stronger
        }
        for change in changes {
            if let index = entries.firstIndex(where: { $0.name == change.name }) {
                entries[index] = change
            } else {
                entries.append(change)
            }
        }
        return Node(.mapping(entries), at: stronger.origin)
    }
}

// What the settings are made from.
extension Resolution: OptionSource {
    func entry(_ path: String) -> OptionEntry? {
        entries[path].map { OptionEntry(value: $0.value, nameOrigin: $0.nameOrigin, origin: $0.origin) }
    }

    /// Something other than the built-in default gives the value.
    func isSet<Value>(_ option: Option<Value>) -> Bool {
        entries[option.path].map { !$0.isDefault } ?? false
    }

    /// One of the two options is set.
    func isSet<Value>(_ option: SecretOption<Value>) -> Bool { isSet(option.inline) || isSet(option.file) }

    /// The value was refused for one of these.
    func refused(_ options: any OptionDeclaration...) -> Bool {
        options.contains { option in option.rows.contains { refusedPaths.contains($0.path) } }
    }
}
