// SPDX-License-Identifier: Apache-2.0

/// One source of values (a preset, the file, the environment, the command line): which keys it sets, to what.
struct Layer {
    struct Assignment {
        var key: Key
        var nameOrigin: Origin
        var node: Node

        /// The first key in it whose value is a secret: itself, or one of an object's.
        var nameOfSecret: String? {
            if key.isSecret { return key.path }
            guard case .list(.object(let parts)) = key.kind else { return nil }
            var items = [node]
            if case .sequence(let nodes) = node.content { items = nodes }
            for case .mapping(let entries) in items.map(\.content) {
                if let name = parts.first(where: { part in part.isSecret && entries.contains { $0.name == part.name } })
                {
                    return name.name
                }
            }
            return nil
        }
    }

    private(set) var assignments: [String: Assignment] = [:]
    private(set) var findings: [Finding] = []
    /// The file's text is no YAML: nobody knows what it sets.
    private(set) var isUnreadable = false

    /// A preset's defaults.
    static func preset(_ preset: Preset) -> Layer {
        var layer = Layer()
        let origin = Origin.preset(preset.name)
        for (path, value) in preset.defaults {
            guard let key = KeyTable.key(path), let node = YAMLReader.read(value, at: origin).root else { continue }
            layer.assign(key, node, nameOrigin: origin)
        }
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
            if let key = KeyTable.key(path) {
                assign(key, entry.value, nameOrigin: entry.nameOrigin)
            } else if let known = KeyTable.section(path) {
                enter(known, entry)
            } else {
                // Of a file that is none of ours the first hundred are enough.
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
            if let name = section.shorthand, let key = KeyTable.key("\(section.path).\(name)") {
                assign(key, entry.value, nameOrigin: entry.nameOrigin)
            } else {
                let known = KeyTable.names(in: section.path).map { "`\($0)`" }
                findings.append(
                    .error(
                        entry.value.origin,
                        "`\(section.path)` expects a mapping with \(Quoted.choices(known, joining: "or")),"
                            + " not \(entry.value.kindInWords)"))
            }
        }
    }

    // MARK: - Environment

    /// Variables named `SIDEGATE_…`.
    static func environment(_ environment: [String: String]) -> Layer {
        var layer = Layer()
        var names: [String: (key: Key, path: String)] = [:]
        for key in KeyTable.keys { names[key.environmentName] = (key, key.path) }
        for section in KeyTable.sections {
            guard let shorthand = section.shorthand, let key = KeyTable.key("\(section.path).\(shorthand)") else {
                continue
            }
            names["SIDEGATE_" + section.path.uppercased()] = (key, section.path)
        }
        for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("SIDEGATE_") {
            let origin = Origin.environment(name)
            guard let (key, _) = names[name] else {
                layer.noteUnknownVariable(name, known: names.keys)
                continue
            }
            // Compose files and charts hand over empty variables for what is not set.
            if text.isEmpty { continue }
            layer.assign(key, text: text, at: origin)
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
        let isOfASection = KeyTable.sections.contains { name.hasPrefix("SIDEGATE_\($0.path.uppercased())_") }
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
        let origin = Origin.flag(override.label)
        let path = override.path
        let shorthand = KeyTable.section(path)?.shorthand.map { "\(path).\($0)" }
        if let key = KeyTable.key(path) ?? shorthand.flatMap(KeyTable.key) {
            assign(key, text: override.value, at: origin)
            if override.isVisible, let name = assignments[key.path]?.nameOfSecret {
                findings.append(
                    .warning(origin, "every user of this machine sees the command line; use `\(name)File`"))
            }
            return
        }
        // An entry of a mapping with names of the user's choice.
        for key in KeyTable.keys where path.hasPrefix(key.path + ".") {
            guard case .map(_, let kind, _) = key.kind else {
                findings.append(
                    .error(origin, "`\(key.path)` has no parts; give it whole: --set \(key.path)=VALUE, lists as JSON"))
                return
            }
            guard let value = node(override.value, of: kind, at: origin) else { return }
            let name = String(path.dropFirst(key.path.count + 1))
            let entry = Node.Entry(name: name, nameOrigin: origin, value: value)
            var entries: [Node.Entry] = []
            if case .mapping(let others)? = assignments[key.path]?.node.content {
                entries = others.filter { $0.name != name }
            }
            assign(key, Node(.mapping(entries + [entry]), at: origin), nameOrigin: origin)
            return
        }
        if KeyTable.section(path) != nil {
            let known = KeyTable.names(in: path).map { "`\(path).\($0)`" }
            findings.append(.error(origin, "names a section; set one of \(Quoted.choices(known, joining: "or"))"))
            return
        }
        findings.append(Self.unknown(path, at: origin))
    }

    // MARK: - All

    private mutating func assign(_ key: Key, text: String, at origin: Origin) {
        if let node = node(text, of: key.kind, at: origin) { assign(key, node, nameOrigin: origin) }
    }

    private mutating func assign(_ key: Key, _ node: Node, nameOrigin: Origin) {
        if node.isNull { return }
        assignments[key.path] = Assignment(key: key, nameOrigin: nameOrigin, node: node)
    }

    /// A single value is taken as it is; lists and mappings are JSON.
    private mutating func node(_ text: String, of kind: ValueKind, at origin: Origin) -> Node? {
        switch kind {
        case .list(let item):
            // `[::]:8080` is an address, `["a"]` a list, and so is an object where a list of objects is expected.
            if text.hasPrefix("[") && text.hasSuffix("]") { return json(text, at: origin) }
            if case .object = item { return json(text, at: origin) }
            if case .anything = item { return json(text, at: origin) }
            return Node(.scalar(text), at: origin)
        case .map, .object, .anything:
            return json(text, at: origin)
        default:
            return Node(.scalar(text), at: origin)
        }
    }

    private mutating func json(_ text: String, at origin: Origin) -> Node? {
        let (root, problems) = YAMLReader.read(text, at: origin)
        guard problems.isEmpty else {
            findings += problems.map { .error(origin, "expects JSON: \($0.message)") }
            return nil
        }
        return root
    }

    private static let maximumFindings = 100

    private static func unknown(_ path: String, at origin: Origin) -> Finding {
        .error(origin, "unknown key `\(Quoted.plain(path, limit: 80))`; \(KeyTable.suggestion(for: path))")
    }
}

/// A value from the command line.
package struct Override: Sendable {
    /// The option as typed, without the value.
    package let label: String
    /// The key it sets.
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
