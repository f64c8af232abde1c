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
        let access = AdminAccess(loaded, environment: ProcessEnvironment.read(), readsToken: false)
        guard let address = access.address else {
            StandardError.write("sidegate: `admin.listen` is off or invalid, so there is no address to query")
            throw ExitStatus.badConfiguration
        }
        let path = ready ? "/readyz" : "/healthz"
        switch AdminClient(address, access, of: ConfigurationIdentity(file: loaded.file)).send(path) {
        case .success(let response) where response.status == 200: print("\(address)\(path): 200")
        case .success(let response):
            StandardError.write("sidegate: \(address)\(path): \(response.status)")
            throw ExitStatus.badConfiguration
        case .failure(let problem):
            StandardError.write("sidegate: \(problem.description)")
            throw ExitStatus.badConfiguration
        }
    }
}
