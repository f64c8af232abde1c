// SPDX-License-Identifier: Apache-2.0

/// `${NAME}` and `${NAME:-default}` in the values of a file, read from the environment.
///
/// As in a shell, the default applies when the variable is unset or empty. `$${` stands for a literal `${`. The value of
/// a variable is not expanded again, and is one value: it cannot add options or list items.
struct Expansion {
    let environment: [String: String]

    /// `node` with every scalar below it expanded; names of keys stay as they are.
    func expand(_ node: Node, into findings: inout [Finding]) -> Node {
        switch node.content {
        case .null:
            return node
        case .scalar(let text):
            guard text.utf8.contains(UInt8(ascii: "$")) else { return node }
            var expanded = Node(.scalar(expand(text, at: node.origin, into: &findings)), at: node.origin)
            expanded.template = text
            return expanded
        case .sequence(let items):
            return Node(.sequence(items.map { expand($0, into: &findings) }), at: node.origin)
        case .mapping(let entries):
            return Node(
                .mapping(
                    entries.map {
                        Node.Entry(
                            name: $0.name, nameOrigin: $0.nameOrigin, value: expand($0.value, into: &findings))
                    }), at: node.origin)
        }
    }

    private func expand(_ text: String, at origin: SourceLocation, into findings: inout [Finding]) -> String {
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result += "${"
                rest = rest.dropFirst(3)
                continue
            }
            guard rest.hasPrefix("${") else {
                result += "$"
                rest = rest.dropFirst()
                continue
            }
            guard let end = rest.firstIndex(of: "}") else {
                findings.append(
                    .error(origin, "`${` without `}`; write ${NAME} or ${NAME:-default}, or $${ for the characters"))
                return result
            }
            result += value(of: rest[..<end].dropFirst(2), at: origin, into: &findings)
            rest = rest[end...].dropFirst()
        }
        return result + rest
    }

    /// `template` holds nothing of its own: variables alone, without defaults.
    static func isOnlyVariables(_ template: Substring) -> Bool {
        var rest = template
        while rest.hasPrefix("${"), let end = rest.firstIndex(of: "}") {
            let reference = rest[..<end]
            if let mark = reference.firstRange(of: ":-"), mark.upperBound != end { return false }
            rest = rest[end...].dropFirst()
        }
        return rest.isEmpty
    }

    private func value(of reference: Substring, at origin: SourceLocation, into findings: inout [Finding]) -> String {
        let nameEnd = reference.firstIndex { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")) }
        let name = reference[..<(nameEnd ?? reference.endIndex)]
        let tail = reference[name.endIndex...]
        guard let first = name.first, !first.isNumber, tail.isEmpty || tail.hasPrefix(":-") else {
            findings.append(
                .error(origin, "`${…}` takes a name; write ${NAME} or ${NAME:-default}, or $${ for the characters"))
            return ""
        }
        let found = environment[String(name)]
        if tail.isEmpty {
            if let found { return found }
            findings.append(
                .error(
                    origin,
                    "the environment variable \(name) is not set; set it, or give a default: ${\(name):-default}"))
            return ""
        }
        if let found, !found.isEmpty { return found }
        return String(tail.dropFirst(2))
    }
}
