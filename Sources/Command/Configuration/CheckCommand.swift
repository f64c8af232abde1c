// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Sidecar

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Reports what is wrong with a configuration, and how to fix it.",
        discussion: """
            Reads everything that `run` would read: the file, the environment, keys, secrets and templates. All errors \
            are reported at once, as FILE:LINE:COLUMN: error: …; the exit status is 1 if there is one, else 0.
            """)

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var serving: ServingOptions

    func run() throws {
        let loaded = source.load(purpose: .serve, options: serving.overrides)
        for finding in loaded.advice { StandardError.write(finding.description) }
        let settings = try ConfigurationOptions.settings(loaded, unopenable: .badConfiguration)
        let findings = TLSTrial.findings(settings)
        for finding in findings { StandardError.write(finding.description) }
        guard findings.isEmpty else { throw ExitStatus.badConfiguration }
        print("\(settings.file ?? "the configuration"): good")
    }
}
