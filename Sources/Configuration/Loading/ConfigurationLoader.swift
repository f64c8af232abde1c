// SPDX-License-Identifier: Apache-2.0

/// Where a configuration comes from.
package struct LoadRequest: Sendable {
    /// `--config`; nil: looked for.
    package var file: String?
    /// From the command line; later ones win.
    package var overrides: [Override]
    package var environment: [String: String]
    package var purpose: Purpose
    /// Where a file is looked for when none is named.
    package var candidates = LoadRequest.usualFiles
    /// Where systemd's units are.
    package var unitDirectories = ServiceCredentials.usualDirectories

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

/// The result of loading: all findings, and the settings when none of them is an error.
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
    var unfilledLines: [SourceLocation] = []
    /// All that was read, or should have been, the configuration's file first: when one of these changes, so may the
    /// settings.
    package var files: [String] = []
    /// Of everything that was read: it differs when the configuration does.
    package var digest: [UInt8] = []
    /// Digests of what was read, by file.
    var contents: [String: [UInt8]] = [:]
}

/// Defaults ← preset ← file ← environment ← command line.
package enum ConfigurationLoader {
    package static func load(_ request: LoadRequest) -> LoadedConfiguration {
        var findings: [Finding] = []
        let file = discover(request)
        var isReadableByOthers = false
        var unfilledLines: [SourceLocation] = []
        var layers: [Layer] = [.serviceManager(request.environment)]
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
                let fix =
                    error.isMissing
                    ? "correct the path, or create it" : "correct the path or its permissions, or run this as root"
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
            // What seems to be missing may well be in the file.
            return LoadedConfiguration(
                settings: nil, findings: resolution.findings.inReadingOrder().limited(), resolution: resolution,
                file: file,
                files: log.paths, digest: log.digest)
        }
        var builder = SettingsBuilder(
            resolution, file: file, purpose: request.purpose,
            files: NamedFile(
                environment: request.environment,
                serviceCredentials: ServiceCredentials(for: file, in: request.unitDirectories)))
        let settings = builder.build()
        findings += resolution.findings + builder.findings
        if request.purpose == .serve, !findings.hasErrors {
            // What the gate itself would refuse is reported now, with its place.
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
            digest: log.digest, contents: log.contents)
    }

    /// `--config`, `$SIDEGATE_CONFIG`, `./sidegate.yaml`, `/etc/sidegate/sidegate.yaml`: the first that exists. One that
    /// is named is used whether it exists or not, so that a wrong name is reported.
    private static func discover(_ request: LoadRequest) -> String? {
        if let file = request.file { return file }
        if let file = request.environment["SIDEGATE_CONFIG"], !file.isEmpty { return file }
        return request.candidates.first { FileReader.exists($0) }
    }

    /// The preset is itself a value of the layers; the strongest layer that names one decides.
    private static func preset(in layers: [Layer]) -> Layer {
        let path = IdentityProviderOptions.preset.path
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
