// SPDX-License-Identifier: Apache-2.0

/// The reference of all keys as Markdown: `docs/configuration.md`.
package enum OptionReference {
    package static func text() -> String {
        var text = introduction
        for section in [""] + OptionTable.sections.map(\.path) {
            let rows = OptionTable.rows.filter { $0.section == section }
            if rows.isEmpty { continue }
            text += "\n## " + (section.isEmpty ? "At the top" : "`\(section)`") + "\n\n"
            if let known = OptionTable.section(section) { text += known.summary + "\n\n" }
            text += tableHead
            for row in rows {
                text += line(row)
                if case .list(.object(let parts)) = row.kind {
                    for part in parts { text += line(part, below: row.path + "[].") }
                }
                if case .map(_, .either(_, let parts), _) = row.kind {
                    for part in parts { text += line(part, below: row.path + ".NAME.") }
                }
            }
        }
        return text + presets()
    }

    /// What each preset sets.
    private static func presets() -> String {
        var text =
            "\n## Presets\n\nWhat `identityProvider.preset` sets; each of these keys can be set to another value.\n"
        for preset in Preset.served where !preset.defaults.isEmpty {
            text += "\n### `\(preset.name)`\n\n\(preset.summary)\n\n| key | value |\n|---|---|\n"
            for (path, value) in preset.defaults { text += "| `\(path)` | `\(escaped(value))` |\n" }
        }
        return text
    }

    private static func line(_ row: OptionRow, below prefix: String = "") -> String {
        let standard = row.defaultText.map { $0.isEmpty ? "" : "`\($0)`" } ?? ""
        var summary = escaped(row.documentation)
        if row.isRequired { summary += " **Required.**" }
        let choices = choices(row.kind)
        if !choices.isEmpty { summary += " One of " + choices + "." }
        return "| `\(prefix)\(row.path)` | \(kind(row.kind)) | \(escaped(standard)) | \(summary) |\n"
    }

    private static func escaped(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }

    private static func kind(_ kind: ValueKind) -> String {
        switch kind {
        case .boolean: "true or false"
        case .integer, .fraction: "number"
        case .duration: "duration"
        case .size: "size"
        case .choice: "word"
        case .text(.file): "path"
        case .text(.urlTemplate): "URL with placeholders"
        case .text(.url): "URL"
        case .text(.email): "e-mail address"
        case .text(.emailDomain): "domain"
        case .text(.requestPath), .text(.rootedPath), .text(.pathPattern): "path of a request"
        case .text: "text"
        case .listenAddress, .listenAddressOrOff, .server: "address"
        case .upstreamAddress, .redisAddress: "URL"
        case .origin: "origin"
        case .network: "address block"
        case .list(.object): "list of mappings"
        case .list(let item): "list: " + self.kind(item)
        case .map(_, let value, _): "mapping: " + self.kind(value)
        case .object: "mapping"
        case .either(let kind, _): self.kind(kind) + ", or a mapping"
        }
    }

    private static func choices(_ kind: ValueKind) -> String {
        switch kind {
        case .choice(let names): names.map { "`\($0)`" }.joined(separator: ", ")
        case .list(let item): choices(item)
        default: ""
        }
    }

    private static let tableHead = "| key | takes | default | what it means |\n|---|---|---|---|\n"

    private static let introduction = """
        # Configuration

        All keys, from the table that the program itself uses (`sidegate config reference` prints this page,
        `sidegate config schema` a JSON Schema for editors, `sidegate config print --effective` the values in force and
        where each comes from).

        Values come from the file, the environment and the command line. The command line overrides the environment, the
        environment overrides the file, and all of them override a preset's defaults.

        - File: YAML, one document. `--config FILE`, else `$SIDEGATE_CONFIG`, `./sidegate.yaml`,
          `/etc/sidegate/sidegate.yaml`, the first that exists. Without a file the environment and the command line
          suffice. `${NAME}` in a value reads the environment and is an error when unset; `${NAME:-default}` has a default
          for what is unset or empty; `$${` stands for `${`. Anchors, aliases and tags are refused, and so is a key that
          is set twice.
        - Environment: `SIDEGATE_` and the path in capitals, dots as `_`: `token.clockSkew` is
          `SIDEGATE_TOKEN_CLOCKSKEW=10s`. Lists and mappings as JSON: `SIDEGATE_TOKEN_REQUIRED='["email"]'`; a list of one
          may be given as it is. An empty variable counts as unset.
        - Command line: `--set token.clockSkew=10s`, lists and mappings as JSON; one entry of a mapping:
          `--set token.claims.user='["email"]'`.

        Durations: `250ms`, `30s`, `5m`, `12h`, `7d`, `1h30m`. Sizes: bytes, or `64KiB`, `10MiB`, `1GiB`. Where a list is
        expected, a single value is a list of one.

        Every secret `NAME` has a twin `NAMEFile` that names a file with it. One trailing newline is dropped, of the file and
        of a value from the environment or from YAML alike; other white space at an end counts, and causes a warning. So does
        a file that other users can read, unless it is mounted read-only in memory, as containers get their secrets. A
        relative path is looked for in `$CREDENTIALS_DIRECTORY` first; then, if the configuration is that of the system service,
        among the credentials of sidegate.service (`LoadCredential=`); then beside the configuration file (from the environment
        or the command line: in the working directory). Of a secret's keys one may be set at a time; one set nearer to the
        command line replaces the others.

        `sidegate check` reports all errors at once, as `FILE:LINE:COLUMN: error: …`, and exits with 1 if there is one. Among them
        are addresses that lead back to Sidegate: `upstream` or one of `upstreams` that is an address of `listen` or
        `admin.listen`, by any name of this machine, and `admin.listen` among `listen`.

        Warnings (`FILE:LINE:COLUMN: warning: …`) are about what is well formed and probably not intended: `trustedProxies` that
        contain most of the Internet; one secret for two purposes; paths that look like regular expressions or templates, which are compared as
        they are written; rules for paths that Sidegate answers itself; lines that are still as `sidegate init` wrote them; secrets in a
        file that other users can read.

        """
}
