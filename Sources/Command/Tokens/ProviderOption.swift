// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration

/// `--provider NAME`, for commands that are about one of several providers.
struct ProviderOption: ParsableArguments {
    @Option(
        name: .customLong("provider"),
        help: ArgumentHelp("One of `identityProviders`, by its name.", valueName: "name"))
    var name: String?

    /// The settings as if that provider were the only one; without the option, the first.
    func only(_ settings: Settings) throws -> Settings {
        let found = settings.eachProvider.first { name == nil || $0.providers[0].name == name }
        guard let found else {
            let known = settings.providers.map(\.name).filter { !$0.isEmpty }.joined(separator: ", ")
            StandardError.write(
                "sidegate: error: --provider \(name ?? ""): "
                    + (known.isEmpty ? "the configuration has no `identityProviders`" : "the providers are \(known)"))
            throw ExitStatus.badConfiguration
        }
        return found
    }
}
