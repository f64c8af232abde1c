// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Cryptography
import Sidecar

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the gate.",
        discussion: """
            With a configuration file, or without one: sidegate run --upstream http://127.0.0.1:3000 \
            --login-url 'https://idp.example.com/login?return_url={returnURL}' --secret-file jwt.secret
            """)

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var serving: ServingOptions

    func run() throws {
        let request = source.request(purpose: .serve, options: serving.overrides)
        let loaded = ConfigurationLoader.load(request)
        // When the gate starts, the warnings are lines of its log.
        let settings = try loaded.settings ?? ConfigurationOptions.settings(loaded, unopenable: .cannotOpen)
        // Without a session secret, one that lives as long as this process.
        let fallbackSecret = Random.bytes(32)
        var assembly = GateAssembly(settings, fallbackSecret: fallbackSecret)
        guard let gate = assembly.assemble() else {
            // Loading has assembled it once already, and it was good.
            for finding in assembly.findings { StandardError.write(finding.description) }
            throw ExitStatus.internalError
        }
        let service: Service
        do {
            service = try Service(settings, gate: gate, log: LogWriter(1), version: Version.number, loaded: loaded)
        } catch {
            for finding in loaded.findings { StandardError.write(finding.description) }
            StandardError.write("sidegate: error: \(error)")
            throw ExitStatus.cannotOpen
        }
        service.reload(request, loaded: loaded, fallbackSecret: fallbackSecret)
        service.runUntilStopped()
    }
}
