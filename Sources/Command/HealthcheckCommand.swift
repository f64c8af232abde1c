// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Sidecar

struct HealthcheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Asks the gate that runs on this machine how it is.",
        discussion: """
            Asks for /healthz at `admin.listen` of the configuration, which need not be good otherwise. The exit status is \
            0 when the gate answers 200, else 1: what a container's HEALTHCHECK needs, without a shell.
            """)

    @OptionGroup var source: ConfigurationOptions
    @Flag(help: "Ask for /readyz: whether the app can be reached, and the gate is not about to stop.")
    var ready = false

    func run() throws {
        guard let address = AdminAddress.of(source.load(purpose: .inspect)) else {
            StandardError.write("sidegate: `admin.listen` is off; there is nobody to ask")
            throw ExitStatus.badConfiguration
        }
        let path = ready ? "/readyz" : "/healthz"
        switch HealthQuestion(address).ask(path) {
        case .success(200): print("\(address)\(path): 200")
        case .success(let status):
            StandardError.write("sidegate: \(address)\(path): \(status)")
            throw ExitStatus.badConfiguration
        case .failure(let problem):
            StandardError.write("sidegate: \(problem.description)")
            throw ExitStatus.badConfiguration
        }
    }
}
