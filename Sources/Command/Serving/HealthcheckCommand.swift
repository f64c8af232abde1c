// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Sidecar

struct HealthcheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Queries the health of the gate that runs on this machine.",
        discussion: """
            Requests /healthz at `admin.listen` of the configuration, which may have errors elsewhere. The exit status is 0 \
            when the gate answers 200, else 1, as a container's HEALTHCHECK needs it, without a shell. A gate that runs with \
            another configuration file does not count.
            """)

    @OptionGroup var source: ConfigurationOptions
    @Flag(help: "Requests /readyz: whether the app can be reached, and the gate is not about to stop.")
    var ready = false

    func run() throws {
        let loaded = source.load(purpose: .inspect)
        guard let address = AdminAddress.of(loaded) else {
            StandardError.write("sidegate: `admin.listen` is off or invalid, so there is no address to query")
            throw ExitStatus.badConfiguration
        }
        let path = ready ? "/readyz" : "/healthz"
        switch HealthQuestion(address, of: ConfigurationIdentity(file: loaded.file)).ask(path) {
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
