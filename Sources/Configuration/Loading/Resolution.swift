// SPDX-License-Identifier: Apache-2.0

/// All layers laid over each other: for every key the value in force and where it comes from.
package struct Resolution: Sendable {
    package struct Entry: Sendable {
        package let key: ConfigurationOption
        package let value: Value
        /// What was written, for printing.
        package let node: Node
        package let nameOrigin: SourceLocation

        package var origin: SourceLocation { node.origin }
        package var isDefault: Bool { nameOrigin == .builtIn }
    }

    /// By path. A key without a default that nobody sets is absent.
    package private(set) var entries: [String: Entry] = [:]
    package private(set) var findings: [Finding] = []
    /// Keys that were given something that was refused: what is wrong with them is said already.
    private(set) var refusedPaths: Set<String> = []

    /// `layers` from the weakest to the strongest.
    init(_ layers: [Layer]) {
        for key in OptionTable.keys {
            if let text = key.fallback, let node = YAMLReader.read(text, at: .builtIn).root {
                take(Layer.Assignment(key: key, nameOrigin: .builtIn, node: node))
            }
        }
        for layer in layers {
            findings += layer.findings
            refuseRivals(in: layer)
            for (_, assignment) in layer.assignments.sorted(by: { $0.key < $1.key }) {
                for rival in OptionTable.rivals(of: assignment.key) where layer.assignments[rival.path] == nil {
                    entries[rival.path] = nil
                }
                take(assignment)
            }
        }
    }

    /// Two keys of one group in one layer: nothing says which was meant.
    private mutating func refuseRivals(in layer: Layer) {
        for (path, assignment) in layer.assignments {
            for rival in OptionTable.rivals(of: assignment.key) {
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
        let key = assignment.key
        var parser = ValueParser(key.path, isSecret: key.isSecret)
        let parsed = parser.parse(assignment.node, as: key.kind)
        findings += parser.findings
        guard var value = parsed else {
            refusedPaths.insert(key.path)
            return
        }
        var node = assignment.node
        if case .map(_, _, keepsDefaults: true) = key.kind, let weaker = entries[key.path] {
            value = Self.merge(weaker.value, value)
            node = Self.merge(weaker.node, node)
        }
        entries[key.path] = Entry(key: key, value: value, node: node, nameOrigin: assignment.nameOrigin)
    }

    private static func merge(_ weaker: Value, _ stronger: Value) -> Value {
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

// What the settings are made from. A path or kind that is not in the table is a mistake of ours, which every load shows.
extension Resolution {
    func boolean(_ path: String) -> Bool {
        guard case .boolean(let value)? = entries[path]?.value else { preconditionFailure("\(path) is no boolean") }
        return value
    }

    func integer(_ path: String) -> Int {
        guard case .integer(let value)? = entries[path]?.value else { preconditionFailure("\(path) is no number") }
        return value
    }

    func duration(_ path: String) -> Duration {
        guard case .duration(let value)? = entries[path]?.value else { preconditionFailure("\(path) is no duration") }
        return value
    }

    func text(_ path: String) -> String {
        guard case .text(let value)? = entries[path]?.value else { preconditionFailure("\(path) is no text") }
        return value
    }

    func list(_ path: String) -> [Located] {
        guard case .list(let items)? = entries[path]?.value else { preconditionFailure("\(path) is no list") }
        return items
    }

    func texts(_ path: String) -> [String] {
        list(path).compactMap { if case .text(let text) = $0.value { text } else { nil } }
    }

    func map(_ path: String) -> [Value.MapEntry] {
        guard case .map(let entries)? = entries[path]?.value else { preconditionFailure("\(path) is no mapping") }
        return entries
    }

    /// For keys without a default.
    func textIfSet(_ path: String) -> (text: String, origin: SourceLocation)? {
        guard let entry = entries[path], case .text(let text) = entry.value else { return nil }
        return (text, entry.origin)
    }

    func origin(_ path: String) -> SourceLocation { entries[path]?.origin ?? .builtIn }
}
