// SPDX-License-Identifier: Apache-2.0

/// One source of values (a preset, the file, the environment, the command line): which options it sets, to what.
struct Layer {
    struct Assignment {
        var row: OptionRow
        var nameOrigin: SourceLocation
        var node: Node

        /// The first option in it whose value is a secret: itself, or one of a mapping's.
        var nameOfSecret: String? {
            row.isSecret ? row.path : Self.nameOfSecret(in: node, of: row.kind)
        }

        private static func nameOfSecret(in node: Node, of kind: ValueKind) -> String? {
            switch (kind, node.content) {
            case (.list(let item), .sequence(let nodes)):
                return nodes.lazy.compactMap { nameOfSecret(in: $0, of: item) }.first
            case (.list(let item), _):
                return nameOfSecret(in: node, of: item)
            case (.object(let parts), .mapping(let entries)):
                for entry in entries {
                    guard let part = parts.first(where: { $0.name == entry.name }) else { continue }
                    if part.isSecret { return part.name }
                    if let name = nameOfSecret(in: entry.value, of: part.kind) { return name }
                }
                return nil
            default: return nil
            }
        }
    }

    private(set) var assignments: [String: Assignment] = [:]
    private(set) var findings: [Finding] = []
    /// The file's text is no YAML, so what it sets is unknown.
    private(set) var isUnreadable = false

    /// A preset's defaults.
    static func preset(_ preset: Preset) -> Layer {
        var layer = Layer()
        let origin = SourceLocation.preset(preset.name)
        for (path, value) in preset.defaults {
            guard let row = OptionTable.row(path), let node = YAMLReader.read(value, at: origin).root else { continue }
            layer.assign(row, node, nameOrigin: origin)
        }
        return layer
    }

    /// A preset's defaults about the provider and its tokens alone.
    static func presetOfProvider(_ preset: Preset) -> Layer {
        var layer = Layer.preset(preset)
        layer.assignments = layer.assignments.filter { path, _ in
            path.hasPrefix("identityProvider.") || path.hasPrefix("token.")
        }
        return layer
    }

    /// What an item of `identityProviders` sets, as if it stood at the top. It was parsed before, so it is well formed.
    static func provider(_ item: Node) -> Layer {
        var layer = Layer()
        guard case .mapping(let entries) = item.content else { return layer }
        let sections = ["identityProvider": "identityProvider", "token": "token", "users": "access.users"]
        for entry in entries {
            guard let section = sections[entry.name], case .mapping(let values) = entry.value.content else { continue }
            layer.walk(values, below: section)
        }
        return layer
    }

    /// A default that is not the same for all.
    static func standard(_ row: OptionRow, _ text: String) -> Layer {
        var layer = Layer()
        layer.assign(row, Node(.scalar(text), at: .builtIn), nameOrigin: .builtIn)
        return layer
    }

    // MARK: - File

    /// A file's text.
    static func file(_ text: [UInt8], path: String, environment: [String: String]) -> Layer {
        var layer = Layer()
        let (root, findings) = YAMLReader.read(text, file: path)
        layer.findings = findings
        layer.isUnreadable = root == nil && findings.hasErrors
        guard var root else { return layer }
        root = Expansion(environment: environment).expand(root, into: &layer.findings)
        switch root.content {
        case .null: break
        case .mapping(let entries): layer.walk(entries, below: "")
        case .scalar, .sequence:
            layer.findings.append(
                .error(root.origin, "expects keys at the top, such as `listen: 0.0.0.0:8080`, not \(root.kindInWords)"))
        }
        return layer
    }

    private mutating func walk(_ entries: [Node.Entry], below section: String) {
        for entry in entries {
            let path = section.isEmpty ? entry.name : "\(section).\(entry.name)"
            if let row = OptionTable.row(path) {
                assign(row, entry.value, nameOrigin: entry.nameOrigin)
            } else if let known = OptionTable.section(path) {
                enter(known, entry)
            } else {
                // For a file of something else the first hundred are enough.
                guard findings.count < Self.maximumFindings else { return }
                findings.append(Self.unknown(path, at: entry.nameOrigin))
            }
        }
    }

    private mutating func enter(_ section: Section, _ entry: Node.Entry) {
        switch entry.value.content {
        case .null:
            break
        case .mapping(let entries):
            walk(entries, below: section.path)
        case .scalar, .sequence:
            if let name = section.shorthand, let row = OptionTable.row("\(section.path).\(name)") {
                assign(row, entry.value, nameOrigin: entry.nameOrigin)
            } else {
                let known = OptionTable.names(in: section.path).map { "`\($0)`" }
                findings.append(
                    .error(
                        entry.value.origin,
                        "`\(section.path)` expects a mapping with \(Quoted.choices(known, joining: "or")),"
                            + " not \(entry.value.kindInWords)"))
            }
        }
    }

    // MARK: - Environment

    /// What systemd sets for a unit (systemd.exec(5)).
    static func serviceManager(_ environment: [String: String]) -> Layer {
        var layer = Layer()
        // Several are separated by colons.
        guard let directory = environment["STATE_DIRECTORY"]?.split(separator: ":").first else { return layer }
        layer.assign(StateOptions.directory.row, text: String(directory), at: .environment("STATE_DIRECTORY"))
        return layer
    }

    /// Variables named `SIDEGATE_…`.
    static func environment(_ environment: [String: String]) -> Layer {
        var layer = Layer()
        var names: [String: OptionRow] = [:]
        for row in OptionTable.rows { names[row.environmentName] = row }
        for section in OptionTable.sections {
            guard let shorthand = section.shorthand, let row = OptionTable.row("\(section.path).\(shorthand)") else {
                continue
            }
            names["SIDEGATE_" + section.path.uppercased()] = row
        }
        for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("SIDEGATE_") {
            let origin = SourceLocation.environment(name)
            guard let row = names[name] else {
                layer.noteUnknownVariable(name, known: names.keys)
                continue
            }
            // Compose files and charts set empty variables for what is not set.
            if text.isEmpty { continue }
            layer.assign(row, text: text, at: origin)
        }
        return layer
    }

    private mutating func noteUnknownVariable(_ name: String, known: some Sequence<String>) {
        // `SIDEGATE_CONFIG` names the file. Kubernetes sets the others for a service called sidegate or sidegate-….
        if name == "SIDEGATE_CONFIG" { return }
        if ["_SERVICE_HOST", "_PORT"].contains(where: name.hasSuffix) || name.contains("_SERVICE_PORT") { return }
        if name.contains("_PORT_"), ["_TCP", "_UDP", "_PROTO", "_ADDR"].contains(where: name.hasSuffix) { return }
        let fix = Suggestion.nearest(to: name, among: known.sorted()).map { "did you mean \($0)?" }
        let message = "no key of the configuration has this name; "
        let isOfASection = OptionTable.sections.contains { name.hasPrefix("SIDEGATE_\($0.path.uppercased())_") }
        if let fix, isOfASection {
            findings.append(.error(.environment(name), message + fix))
        } else {
            findings.append(.warning(.environment(name), message + (fix ?? "remove it")))
        }
    }

    // MARK: - Command line

    static func flags(_ overrides: [Override]) -> Layer {
        var layer = Layer()
        for override in overrides { layer.apply(override) }
        return layer
    }

    private mutating func apply(_ override: Override) {
        let origin = SourceLocation.flag(override.label)
        let path = override.path
        let shorthand = OptionTable.section(path)?.shorthand.map { "\(path).\($0)" }
        if let row = OptionTable.row(path) ?? shorthand.flatMap(OptionTable.row) {
            assign(row, text: override.value, at: origin)
            if override.isVisible, let name = assignments[row.path]?.nameOfSecret {
                findings.append(
                    .warning(origin, "every user of this machine sees the command line; use `\(name)File`"))
            }
            return
        }
        // An entry of a mapping with names of the user's choice.
        for row in OptionTable.rows where path.hasPrefix(row.path + ".") {
            guard case .map(_, let kind, _) = row.kind else {
                findings.append(
                    .error(origin, "`\(row.path)` has no parts; give it whole: --set \(row.path)=VALUE, lists as JSON"))
                return
            }
            guard let value = node(override.value, of: kind, at: origin) else { return }
            let name = String(path.dropFirst(row.path.count + 1))
            let entry = Node.Entry(name: name, nameOrigin: origin, value: value)
            var entries: [Node.Entry] = []
            if case .mapping(let others)? = assignments[row.path]?.node.content {
                entries = others.filter { $0.name != name }
            }
            assign(row, Node(.mapping(entries + [entry]), at: origin), nameOrigin: origin)
            return
        }
        if OptionTable.section(path) != nil {
            let known = OptionTable.names(in: path).map { "`\(path).\($0)`" }
            findings.append(.error(origin, "names a section; set one of \(Quoted.choices(known, joining: "or"))"))
            return
        }
        findings.append(Self.unknown(path, at: origin))
    }

    // MARK: - All

    private mutating func assign(_ row: OptionRow, text: String, at origin: SourceLocation) {
        if let node = node(text, of: row.kind, at: origin) { assign(row, node, nameOrigin: origin) }
    }

    private mutating func assign(_ row: OptionRow, _ node: Node, nameOrigin: SourceLocation) {
        if node.isNull { return }
        assignments[row.path] = Assignment(row: row, nameOrigin: nameOrigin, node: node)
    }

    /// A single value is taken as it is; lists and mappings are JSON.
    private mutating func node(_ text: String, of kind: ValueKind, at origin: SourceLocation) -> Node? {
        switch kind {
        case .list(let item):
            // `[::]:8080` is an address, `["a"]` a list, and so is an object where a list of objects is expected.
            if text.hasPrefix("[") && text.hasSuffix("]") { return json(text, at: origin) }
            if case .object = item { return json(text, at: origin) }
            return Node(.scalar(text), at: origin)
        case .either(let short, _):
            return text.hasPrefix("{") ? json(text, at: origin) : node(text, of: short, at: origin)
        case .map, .object:
            return json(text, at: origin)
        default:
            return Node(.scalar(text), at: origin)
        }
    }

    private mutating func json(_ text: String, at origin: SourceLocation) -> Node? {
        let (root, problems) = YAMLReader.read(text, at: origin)
        guard problems.isEmpty else {
            findings += problems.map { .error(origin, "expects JSON: \($0.message)") }
            return nil
        }
        return root
    }

    private static let maximumFindings = 100

    private static func unknown(_ path: String, at origin: SourceLocation) -> Finding {
        .error(origin, "unknown key `\(Quoted.plain(path, limit: 80))`; \(OptionTable.suggestion(for: path))")
    }
}

/// A value from the command line.
package struct Override: Sendable {
    /// The option as typed, without the value.
    package let label: String
    /// The option of the configuration that it sets.
    package let path: String
    package let value: String
    /// The value itself stands on the command line, rather than being the name of a file.
    let isVisible: Bool

    /// `--set PATH=VALUE`
    package static func set(_ path: String, _ value: String) -> Override {
        Override(label: "--set \(path)", path: path, value: value, isVisible: true)
    }

    /// An option with a name of its own, such as `--upstream URL`.
    package static func option(_ label: String, _ path: String, _ value: String) -> Override {
        Override(label: label, path: path, value: value, isVisible: false)
    }
}
