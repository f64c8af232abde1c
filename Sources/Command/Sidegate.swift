// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Glibc

@main
struct Sidegate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sidegate",
        abstract: "JWT redirect single sign-on for a web app that has none.",
        discussion: """
            A reverse proxy that runs beside the app: it sends browsers without a session to the identity provider, \
            verifies the token they come back with, and from then on forwards their requests with identity headers.

            Begin with `sidegate demo`, which needs no configuration.

            A running gate has a console at `admin.listen`, by default http://127.0.0.1:9180/: whether people can sign in \
            and work, who is signed in, why somebody cannot, certificates, the last reload. It needs a token \
            (`admin.tokenFile`), and says there how to switch it on. `sidegate sessions` and `sidegate sign-out` are \
            its commands.
            """,
        version: Version.text,
        subcommands: [
            RunCommand.self, DemoCommand.self, InitCommand.self, CheckCommand.self, DoctorCommand.self,
            HealthcheckCommand.self, SessionsCommand.self, SignOutCommand.self,
            ConfigCommand.self, SecretCommand.self, MintCommand.self, ExplainCommand.self, InjectCommand.self,
            WebhookCommand.self, VersionCommand.self,
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let status as ExitStatus {
            status.exit()
        } catch {
            refuseUnknownCommand()
            // Help, version and bad usage are ArgumentParser's (0 and 64); what else comes here is our own mistake.
            let code = exitCode(for: error)
            if code == .success || code == .validationFailure { exit(withError: error) }
            StandardError.write("sidegate: \(message(for: error))")
            ExitStatus.internalError.exit()
        }
    }

    /// The parser suggests options but no commands.
    private static func refuseUnknownCommand() {
        let names = configuration.subcommands.map { $0._commandName } + ["help"]
        guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"), !names.contains(word) else {
            return
        }
        let fix = Suggestion.nearest(to: word, among: names).map { "did you mean `sidegate \($0)`?" }
        StandardError.write(
            "sidegate: no such command: \(word.prefix(60)); " + (fix ?? "`sidegate --help` lists all"))
        exit(withError: ExitCode.validationFailure)
    }
}
