// SPDX-License-Identifier: Apache-2.0

import Configuration
import JWT
import Sidecar

/// A running gate, as `sessions` and `sign-out` ask it. What goes wrong ends the command, with the fix.
struct GateAccess {
    private let client: AdminClient
    private let address: ListenAddress

    init(_ source: ConfigurationOptions) throws {
        let loaded = source.load(purpose: .inspect)
        let access = AdminAccess(loaded, environment: ProcessEnvironment.read(), readsToken: true)
        guard let address = access.address else {
            StandardError.write("sidegate: `admin.listen` is off or invalid, so there is no gate to ask")
            throw ExitStatus.badConfiguration
        }
        for finding in access.findings { StandardError.write(finding.description) }
        if access.findings.hasErrors { throw ExitStatus.badConfiguration }
        self.address = address
        client = AdminClient(address, access, of: ConfigurationIdentity(file: loaded.file))
    }

    /// The gate's answer.
    func ask(_ target: String, form: [(name: StaticString, value: String)]? = nil) throws -> JSONValue {
        // Redis may have to be read, or waited for.
        switch client.send(target, form: form, patience: 15) {
        case .failure(let problem):
            StandardError.write("sidegate: \(problem.description); is the gate running?")
            throw ExitStatus.badConfiguration
        case .success(let response):
            let json = try? JSONParser.parse(response.body.span)
            if response.status == 200, let json { return json }
            let message = json?["message"]?.string ?? "the gate answers \(response.status)"
            let hint = response.status == 404 && json == nil ? "; is it an older version?" : ""
            StandardError.write("sidegate: \(address): \(message)\(hint)")
            throw ExitStatus.refused
        }
    }
}
