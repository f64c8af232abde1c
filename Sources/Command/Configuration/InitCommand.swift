// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Cryptography

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Writes a commented configuration to start from, with fresh secrets.",
        discussion: """
            It passes `sidegate check` as it is; lines that need a value of yours are marked, with the names that the \
            vendor's settings page uses. The file is readable by its owner alone, and by the directory's group where the \
            directory has the set-group-ID bit, as /etc/sidegate has, so that the service can read it. An existing file is \
            only replaced with --force, which keeps its owner and mode, and the old content in FILE.old.

            \(Preset.served.map { "\($0.name): \($0.summary)" }.joined(separator: "\n"))
            """)

    @Option(help: ArgumentHelp("The identity provider's preset.", valueName: "name"))
    var preset: PresetArgument

    @Option(
        name: [.long, .short], help: ArgumentHelp("The file to write. Default: standard output.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var output: String?

    @Flag(help: "Replaces an existing file; its old content is kept in FILE.old.")
    var force = false

    func run() throws {
        let file = StarterFile(
            preset: preset.preset, tokenSecret: Self.secret(), sessionSecret: Self.secret(),
            provisioningSecret: Self.secret())
        let path = output == "-" ? nil : output
        if let path {
            do throws(FileRefusal) {
                try PrivateFile(path).write(file.text, isReplacing: force)
            } catch {
                StandardError.write("sidegate: error: \(path): \(error.words)")
                throw ExitStatus.cannotOpen
            }
            StandardError.write("Wrote \(path).")
        } else {
            StandardOutput.write(file.text)
        }
        StandardError.write(String(file.nextSteps(file: path).dropLast()))
    }

    private static func secret() -> String { Base64URL.encodeToString(Random.bytes(32)) }
}

/// The name of a preset.
struct PresetArgument: ExpressibleByArgument {
    let preset: Preset

    init?(argument: String) {
        guard let preset = Preset.named(argument) else { return nil }
        self.preset = preset
    }

    static var allValueStrings: [String] { Preset.served.map(\.name) }
}
