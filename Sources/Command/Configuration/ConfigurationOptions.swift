// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration

/// The options with which every command finds its configuration.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: [.long, .short],
        help: ArgumentHelp(
            "The configuration file.",
            discussion:
                "Default: $SIDEGATE_CONFIG, ./sidegate.yaml, /etc/sidegate/sidegate.yaml, the first that exists.",
            valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Sets one key, such as token.clockSkew=10s; lists and mappings as JSON. May be repeated.",
            valueName: "key=value"))
    var set: [Assignment] = []

    func request(
        purpose: Purpose, options: [Override] = [], environment: [String: String] = ProcessEnvironment.read()
    ) -> LoadRequest {
        LoadRequest(
            file: config, overrides: options + set.map { .set($0.path, $0.value) }, environment: environment,
            purpose: purpose)
    }

    func load(
        purpose: Purpose, options: [Override] = [], environment: [String: String] = ProcessEnvironment.read()
    ) -> LoadedConfiguration {
        ConfigurationLoader.load(request(purpose: purpose, options: options, environment: environment))
    }

    /// Loads, writes every finding to standard error, and returns the settings or ends the command.
    ///
    /// - Parameter unopenable: the status when the only errors are files that cannot be opened.
    func settings(
        purpose: Purpose, options: [Override] = [], unopenable: ExitStatus = .badConfiguration
    ) throws -> Settings {
        try Self.settings(load(purpose: purpose, options: options), unopenable: unopenable)
    }

    /// Writes every finding to standard error, and returns the settings or ends the command.
    static func settings(_ loaded: LoadedConfiguration, unopenable: ExitStatus) throws -> Settings {
        for finding in loaded.findings { StandardError.write(finding.description) }
        if let settings = loaded.settings { return settings }
        let errors = loaded.findings.filter { $0.severity == .error }
        throw errors.allSatisfy(\.isUnopenable) ? unopenable : .badConfiguration
    }
}

/// `a.b=c`
struct Assignment: ExpressibleByArgument {
    let path: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        path = String(argument[..<equals])
        value = String(argument[equals...].dropFirst())
    }
}

/// The options that suffice without a file.
struct ServingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where the app is: http://host:port or unix:/path.", valueName: "url"))
    var upstream: String?

    @Option(
        help: ArgumentHelp(
            "Where users log in; {returnURL} stands for this gate's return path.", valueName: "url"))
    var loginURL: String?

    @Option(
        help: ArgumentHelp("The file with the secret that tokens are signed with.", valueName: "file"),
        completion: .file())
    var secretFile: String?

    @Option(help: ArgumentHelp("Where to accept connections; may be repeated.", valueName: "address"))
    var listen: [String] = []

    @Option(help: ArgumentHelp("The identity provider's preset.", valueName: "name"))
    var preset: String?

    var overrides: [Override] {
        var result: [Override] = []
        func add(_ label: String, _ path: String, _ value: String?) {
            if let value { result.append(.option(label, path, value)) }
        }
        add("--preset", "identityProvider.preset", preset)
        add("--upstream", "upstream.url", upstream)
        add("--login-url", "identityProvider.loginURL", loginURL)
        add("--secret-file", "token.keys", secretFile.map { "[{\"secretFile\": \(Self.quoted($0))}]" })
        add("--listen", "listen", listen.isEmpty ? nil : "[" + listen.map(Self.quoted).joined(separator: ", ") + "]")
        return result
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
