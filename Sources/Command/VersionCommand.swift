// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

enum Version {
    static let number = "0.1.0"
    static let text = "sidegate \(number)"
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")

    func run() { print(Version.text) }
}
