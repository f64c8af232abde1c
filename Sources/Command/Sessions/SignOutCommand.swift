// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Glibc
import JWT

struct SignOutCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign-out",
        abstract: "Ends sessions at a running gate: those of a user, one, or all.",
        discussion: """
            The sessions end at once, with their WebSockets, event streams and requests in progress, and so does the use of \
            bearer tokens that were issued before; with Redis on every replica within a second. Who signs in afterwards has \
            a new session. The audit trail says who asked.

            Without Redis sessions end in this process only: a cookie is valid again after a restart, and was never ended on \
            other replicas. A new `session.secret` ends all for good.

            The exit status is 0 when the sessions have ended; 1 when no gate answers, or it is not known whether the other \
            replicas were reached; 2 when the gate refuses, as with a wrong token or an ID that is not listed.
            """)

    @OptionGroup var source: ConfigurationOptions
    @Option(help: "Ends all sessions of this user: the name that `sessions` shows, or the e-mail address.")
    var user: String?
    @Option(help: "With --user: of the users of this identity provider alone.")
    var provider: String?
    @Option(help: ArgumentHelp("Ends one session, by the ID that `sessions` shows.", valueName: "id"))
    var session: String?
    @Flag(help: "Ends all sessions of all users.")
    var all = false
    @Flag(help: "With --all: does not ask.")
    var yes = false

    func validate() throws {
        let count = [user != nil, session != nil, all].count { $0 }
        guard count == 1 else { throw ValidationError("name one of --user USER, --session ID and --all") }
        if provider != nil, user == nil { throw ValidationError("--provider goes with --user") }
        if user?.isEmpty ?? false { throw ValidationError("--user is empty") }
        if all, !yes, isatty(0) == 0 { throw ValidationError("--all needs --yes where nobody can be asked") }
    }

    func run() throws {
        let gate = try GateAccess(source)
        var form: [(name: StaticString, value: String)] = []
        if let user { form.append(("user", user)) }
        if let provider { form.append(("provider", provider)) }
        if let session { form.append(("session", session)) }
        if all {
            guard yes || Self.isConfirmed() else {
                StandardError.write("sidegate: nothing was done")
                throw ExitStatus.refused
            }
            form.append(("all", "true"))
        }
        let answer = try gate.ask("/api/sign-out", form: form)
        let count = answer["ended"]?.number?.integer ?? 0
        StandardOutput.write(count == 1 ? "1 session ended\n" : "\(count) sessions ended\n")
        if answer["scope"]?.string == "process" {
            let isKept = answer["outlastsRestart"]?.bool ?? false
            StandardError.write(
                "sidegate: warning: without Redis they have ended in this process only; cookies are valid "
                    + (isKept ? "on other replicas" : "again after its restart, and on other replicas")
                    + ": a new `session.secret` ends all sessions for good")
        }
        guard answer["confirmed"]?.bool ?? false else {
            StandardError.write(
                "sidegate: warning: not confirmed: "
                    + (answer["scope"]?.string == "replicas"
                        ? "Redis did not answer; other replicas follow when it does, while this gate runs"
                        : "there was no room to remember it; a new `session.secret` ends all sessions for good"))
            throw ExitStatus.badConfiguration
        }
    }

    private static func isConfirmed() -> Bool {
        StandardOutput.write("This ends all sessions of all users. Continue? [y/N] ")
        let line = readLine()?.lowercased() ?? ""
        return line == "y" || line == "yes"
    }
}
