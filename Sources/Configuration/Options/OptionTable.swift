// SPDX-License-Identifier: Apache-2.0

/// All options, found by path; `Sections` declares them.
package enum OptionTable {
    /// In the order of the reference.
    package static let rows: [OptionRow] =
        AddressOptions.rows + UpstreamOptions.rows + AppOptions.list.rows + TLSOptions.rows + ProxyOptions.rows
        + IdentityProviderOptions.rows + TokenOptions.rows + ProviderOptions.rows + SessionOptions.rows
        + RedisOptions.rows
        + ReplayOptions.rows + StateOptions.rows + IdentityOptions.rows + AssertionOptions.rows + AccessOptions.rows
        + NativeLoginOptions.rows + ProvisioningOptions.rows + LimitOptions.rows + HTTP2Options.rows
        + WorkerOptions.rows + AdminOptions.rows + LogOptions.rows + TelemetryOptions.rows + PageOptions.rows

    package static let sections: [Section] = [
        Section("upstream", "The app. A single value is its `url`.", shorthand: "url"),
        Section("upstream.tls", "TLS towards the app, when its address is https."),
        Section("tls", "TLS towards browsers, on every address of `listen` but those that redirect."),
        Section("identityProvider", "The service where users log in, and how the browser gets there and back."),
        Section("identityProvider.tls", "TLS towards an OpenID provider."),
        Section("token", "Which tokens are accepted."),
        Section("session", "The session after sign-in."),
        Section("redis", "The store that replicas share."),
        Section("replay", "Where single use of tokens is remembered."),
        Section("state", "What outlives a restart."),
        Section("assertion", "A signed statement about the user for the app."),
        Section("access", "Which users may see what."),
        Section("access.users", "Registered users only."),
        Section("nativeLogin", "The app's own login page without single sign-on, for emergencies."),
        Section("provisioning", "Notifying the app of a user before the first visit."),
        Section("limits", "Limits on what clients may ask for."),
        Section("http2", "HTTP/2 towards browsers."),
        Section("admin", "Health, metrics, and the console with its commands ([who is signed in](console.md))."),
        Section("admin.tls", "TLS on `admin.listen`. Empty: plain HTTP."),
        Section("log", "What is logged."),
        Section("telemetry", "Traces by OpenTelemetry."),
        Section("pages", "The pages that Sidegate itself shows."),
    ]

    private static let rowsByPath = Dictionary(rows.map { ($0.path, $0) }) { first, _ in first }
    private static let sectionsByPath = Dictionary(sections.map { ($0.path, $0) }) { first, _ in first }

    package static func row(_ path: String) -> OptionRow? { rowsByPath[path] }

    package static func section(_ path: String) -> Section? { sectionsByPath[path] }

    /// The options whose change from `running` to `wanted` takes effect at the next start only, by path.
    package static func waitingForStart(_ running: Settings, _ wanted: Settings) -> [String] {
        rows.filter { $0.startOnly?.isChanged(running, wanted) ?? false }.map(\.path)
    }

    /// The names of options and sections directly below the section `path`; `""` is the top.
    static func names(in path: String) -> [String] {
        let prefix = path.isEmpty ? "" : path + "."
        return (sections.map(\.path) + rows.map(\.path)).compactMap { candidate in
            guard candidate.hasPrefix(prefix) else { return nil }
            let name = candidate.dropFirst(prefix.count)
            return name.isEmpty || name.contains(".") ? nil : String(name)
        }
    }

    /// The other options that cannot be set together with `row`.
    static func rivals(of row: OptionRow) -> [OptionRow] {
        guard let group = row.group else { return [] }
        return rows.filter { $0.group == group && $0.path != row.path }
    }

    /// The message about a path that is not in the table: the option that was probably meant.
    static func suggestion(for path: String) -> String {
        let parts = path.split(separator: ".", omittingEmptySubsequences: false)
        let section = parts.dropLast().joined(separator: ".")
        let name = parts.last.map(String.init) ?? ""
        if let near = Suggestion.nearest(to: name, among: names(in: section)) {
            return "did you mean `\(near)`?"
        }
        if let near = Suggestion.nearest(to: path, among: rows.map(\.path)) {
            return "did you mean `\(near)`?"
        }
        // The right name in the wrong place.
        if let near = rows.first(where: { $0.name == name })
            ?? rows.first(where: {
                Suggestion.nearest(to: name, among: [$0.name]) != nil
            })
        {
            return "did you mean `\(near.path)`?"
        }
        let known = names(in: section).map { "`\($0)`" }
        return section.isEmpty
            ? "`sidegate config schema` lists all keys"
            : "`\(Quoted.plain(section, limit: 60))` has \(Quoted.choices(known, joining: "and"))"
    }
}
