// SPDX-License-Identifier: Apache-2.0

/// Where a configuration is to come from.
package struct LoadRequest: Sendable {
    /// `--config`; nil: looked for.
    package var file: String?
    /// From the command line, the later the stronger.
    package var overrides: [Override]
    package var environment: [String: String]
    package var purpose: Purpose
    /// Where a file is looked for when none is named.
    package var candidates = LoadRequest.usualFiles

    package init(
        file: String? = nil, overrides: [Override] = [], environment: [String: String], purpose: Purpose = .serve
    ) {
        self.file = file
        self.overrides = overrides
        self.environment = environment
        self.purpose = purpose
    }

    package static let usualFiles = ["./sidegate.yaml", "/etc/sidegate/sidegate.yaml"]
}

/// What came of loading: everything there is to say, and the settings when none of it is an error.
package struct LoadedConfiguration: Sendable {
    package let settings: Settings?
    /// In reading order.
    package let findings: [Finding]
    package let resolution: Resolution
    /// nil: no file was found or named.
    package let file: String?
    /// Users other than its owner and group may read the file.
    var isFileReadableByOthers = false
    /// Lines of the file that `init` marked, and that are still as it wrote them.
    var unfilledLines: [Origin] = []
    /// All that was read, or should have been, the configuration's file first: when one of these changes, so may the
    /// settings.
    package var files: [String] = []
    /// Stands for everything that was read: another one, another configuration.
    package var digest: [UInt8] = []
}

// What no error is, but `check` and `doctor` ask about.
extension LoadedConfiguration {
    /// Warnings about the file as a whole, for somebody who asks what is wrong with it. Without secrets.
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

    /// Secrets stand in the file itself, and anyone on this machine may read it.
    package var showsSecretsToOthers: Bool {
        isFileReadableByOthers
            && resolution.entries.values.contains { entry in
                guard entry.origin.path == file else { return false }
                // An address is a secret when it carries a password.
                if case .redisAddress(let address) = entry.value { return !address.password.isEmpty }
                if entry.key.isSecret { return entry.value != .text("") && entry.value != .list([]) }
                guard case .list(let items) = entry.value, entry.key.path == "token.keys" else { return false }
                return items.contains { item in
                    if case .object(let parts) = item.value { parts["secret"] != nil } else { false }
                }
            }
    }

    /// Values that are still those of `init`: paths of keys, and where they stand.
    package var blanks: [(path: String, origin: Origin)] {
        let entries = resolution.entries.values.filter { entry in
            guard case .text(let text) = entry.value else { return false }
            if text == StarterFile.blank { return true }
            return StarterFile.exampleHosts.contains { text.hasPrefix("https://\($0)/") }
        }
        return entries.map { ($0.key.path, $0.origin) }.sorted { $0.1.lineAndColumn < $1.1.lineAndColumn }
    }
}

/// Defaults ← preset ← file ← environment ← command line.
package enum ConfigurationLoader {
    package static func load(_ request: LoadRequest) -> LoadedConfiguration {
        var findings: [Finding] = []
        let file = discover(request)
        var isReadableByOthers = false
        var unfilledLines: [Origin] = []
        var layers: [Layer] = []
        let log = ReadLog()
        if let file {
            do {
                let contents = try FileReader.read(file, limit: YAMLReader.maximumSize)
                log.note(file, contents.bytes)
                isReadableByOthers = contents.isReadableByOthers
                unfilledLines = StarterFile.unfilledLines(contents.bytes).map {
                    .file(path: file, line: $0.line, column: $0.column)
                }
                layers.append(.file(contents.bytes, path: file, environment: request.environment))
            } catch {
                let fix = error.isMissing ? "correct the path, or create it" : "correct the path or its permissions"
                findings.append(
                    .error(
                        .file(path: file, line: 1, column: 1), "cannot read the configuration: \(error.words); \(fix)")
                )
                return LoadedConfiguration(
                    settings: nil, findings: findings, resolution: Resolution([]), file: file, files: [file],
                    digest: Array(error.words.utf8))
            }
        }
        layers.append(.environment(request.environment))
        layers.append(.flags(request.overrides))

        let resolution = Resolution([preset(in: layers)] + layers)
        if layers.contains(where: \.isUnreadable) {
            // What seems to be missing may well be there.
            return LoadedConfiguration(
                settings: nil, findings: resolution.findings.inReadingOrder().limited(), resolution: resolution,
                file: file,
                files: log.paths, digest: log.digest)
        }
        var builder = SettingsBuilder(
            resolution, file: file, purpose: request.purpose, environment: request.environment)
        let settings = builder.build()
        findings += resolution.findings + builder.findings
        if request.purpose == .serve, !findings.hasErrors {
            // What the gate itself would refuse is told now, with its place.
            var assembly = GateAssembly(settings, fallbackSecret: [])
            _ = assembly.assemble()
            findings += assembly.findings
        }
        if file == nil, request.purpose == .serve, builder.findings.hasErrors {
            findings.append(noFile(request))
        }
        findings = findings.inReadingOrder().limited()
        log.append(builder.files.log)
        return LoadedConfiguration(
            settings: findings.hasErrors ? nil : settings, findings: findings, resolution: resolution, file: file,
            isFileReadableByOthers: isReadableByOthers, unfilledLines: unfilledLines, files: log.paths,
            digest: log.digest)
    }

    /// `--config`, `$SIDEGATE_CONFIG`, `./sidegate.yaml`, `/etc/sidegate/sidegate.yaml`: the first that exists. One that
    /// is named is used whether it exists or not, so that a wrong name is told.
    private static func discover(_ request: LoadRequest) -> String? {
        if let file = request.file { return file }
        if let file = request.environment["SIDEGATE_CONFIG"], !file.isEmpty { return file }
        return request.candidates.first { FileReader.exists($0) }
    }

    /// The preset is itself a value of the layers; the strongest one that names it decides.
    private static func preset(in layers: [Layer]) -> Layer {
        let path = "identityProvider.preset"
        for layer in layers.reversed() {
            guard case .scalar(let name)? = layer.assignments[path]?.node.content else { continue }
            return Preset.served.first { $0.name == name }.map(Layer.preset) ?? Layer()
        }
        return Preset.served.first.map(Layer.preset) ?? Layer()
    }

    private static func noFile(_ request: LoadRequest) -> Finding {
        let places = ["$SIDEGATE_CONFIG"] + request.candidates
        return .error(
            .builtIn,
            "no configuration file was found (\(places.joined(separator: ", "))); name one with --config FILE,"
                + " or use --upstream URL --login-url URL --secret-file FILE")
    }
}
