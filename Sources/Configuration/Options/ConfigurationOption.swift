// SPDX-License-Identifier: Apache-2.0

/// One key of the configuration: a row of the table from which everything else about it is derived.
package struct ConfigurationOption: Sendable {
    /// `token.clockSkew`; in an object of a list, the name alone.
    package let path: String
    package let kind: ValueKind
    /// The default, as one would write it in the file; nil: none, not set.
    package let fallback: String?
    package let summary: String
    /// Never printed; has a `…File` twin.
    package var isSecret = false
    /// At most one key of a group may be set at a time, and one set nearer to the command line displaces the others.
    package var group: String?
    /// Must be given: there is no default that could work.
    package var isRequired = false

    package init(_ path: String, _ kind: ValueKind, _ fallback: String?, _ summary: String) {
        self.path = path
        self.kind = kind
        self.fallback = fallback
        self.summary = summary
    }

    /// The last part of the path.
    package var name: String {
        path.lastIndex(of: ".").map { String(path[$0...].dropFirst()) } ?? path
    }

    /// All but the last part of the path; empty at the top.
    var section: String {
        path.lastIndex(of: ".").map { String(path[..<$0]) } ?? ""
    }

    /// `SIDEGATE_TOKEN_CLOCKSKEW`
    package var environmentName: String {
        "SIDEGATE_" + String(path.map { $0 == "." ? "_" : $0 }).uppercased()
    }

    func required() -> ConfigurationOption { with { $0.isRequired = true } }

    func inGroup(_ group: String) -> ConfigurationOption { with { $0.group = group } }

    /// The key, and the twin that reads it from a file.
    func secret(twinSummary: String = "one trailing newline is dropped") -> [ConfigurationOption] {
        let group = self.group ?? path
        let twin = ConfigurationOption(
            path + "File", .text(.file), nil, "A file that holds `\(name)`; \(twinSummary).")
        return [
            with {
                $0.isSecret = true
                $0.group = group
            },
            twin.with { $0.group = group },
        ]
    }

    private func with(_ change: (inout ConfigurationOption) -> Void) -> ConfigurationOption {
        var copy = self
        change(&copy)
        return copy
    }
}

/// A mapping of keys.
package struct Section: Sendable {
    package let path: String
    package let summary: String
    /// The key that a single value in place of the mapping stands for: `upstream: http://…` is `upstream.url`.
    package let shorthand: String?

    init(_ path: String, _ summary: String, shorthand: String? = nil) {
        self.path = path
        self.summary = summary
        self.shorthand = shorthand
    }
}
