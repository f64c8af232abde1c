// SPDX-License-Identifier: Apache-2.0

// Not errors, but `check` and `doctor` report them.

extension LoadedConfiguration {
    /// Warnings about the file as a whole. Without secrets.
    package var advice: [Finding] {
        var advice: [Finding] = []
        if let file, showsSecretsToOthers {
            advice.append(
                .warning(
                    .file(path: file, line: 1, column: 1),
                    "the file holds secrets, and other users can read it; run chmod o-rwx on it, or move the secrets into"
                        + " files of their own"))
        }
        for origin in unfilledLines {
            advice.append(
                .warning(
                    origin,
                    "this line is still what `sidegate init` wrote; fill in your own value, or remove the mark `<== FILL"
                        + " IN` when it is right as it is"))
        }
        return advice.inReadingOrder()
    }

    /// The file itself holds secrets, and every user of this machine can read it.
    package var showsSecretsToOthers: Bool {
        isFileReadableByOthers
            && resolution.entries.values.contains { entry in
                guard entry.origin.path == file else { return false }
                // An address is a secret when it contains a password.
                if case .redisAddress(let address) = entry.value {
                    return !address.password.isEmpty && !Self.hasPasswordFromEnvironment(entry.node)
                }
                return Self.holdsSecret(entry.node, of: entry.row.kind, isSecret: entry.row.isSecret)
            }
    }

    /// A secret is written out in `node`: one that consists of variables of the environment is not.
    private static func holdsSecret(_ node: Node, of kind: ValueKind, isSecret: Bool) -> Bool {
        switch (node.content, kind) {
        case (.null, _): return false
        case (.scalar(let text), _):
            let isElsewhere = node.template.map { Expansion.isOnlyVariables($0[...]) } ?? false
            return isSecret && !text.isEmpty && !isElsewhere
        case (.sequence(let items), .list(let item)):
            return items.contains { holdsSecret($0, of: item, isSecret: isSecret) }
        case (.mapping, .list(let item)):
            return holdsSecret(node, of: item, isSecret: isSecret)
        case (.mapping(let entries), .object(let rows)):
            return entries.contains { entry in
                guard let row = rows.first(where: { $0.name == entry.name }) else { return false }
                return holdsSecret(entry.value, of: row.kind, isSecret: row.isSecret)
            }
        case (.sequence, _), (.mapping, _): return false
        }
    }

    /// `redis://user:${PASSWORD}@host`, or the whole address.
    private static func hasPasswordFromEnvironment(_ node: Node) -> Bool {
        guard let template = node.template else { return false }
        if Expansion.isOnlyVariables(template[...]) { return true }
        guard let start = template.firstRange(of: "://")?.upperBound, let end = template.lastIndex(of: "@"), start < end
        else { return false }
        let credentials = template[start..<end]
        guard let colon = credentials.firstIndex(of: ":") else { return Expansion.isOnlyVariables(credentials) }
        return Expansion.isOnlyVariables(credentials[colon...].dropFirst())
    }

    /// Values that are still those of `init`: paths of options, and where they stand.
    package var blanks: [(path: String, origin: SourceLocation)] {
        let entries = resolution.entries.values.filter { entry in
            let text: String
            switch entry.value {
            case .text(let value): text = value
            case .template(let template): text = template.source
            default: return false
            }
            if text == StarterFile.blank { return true }
            return StarterFile.exampleHosts.contains { text.hasPrefix("https://\($0)/") }
        }
        return entries.map { ($0.row.path, $0.origin) }.sorted { $0.1.lineAndColumn < $1.1.lineAndColumn }
    }
}
