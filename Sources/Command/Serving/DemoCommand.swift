// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Demo
import Sidecar

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract:
            "Runs a demo without a configuration: an identity provider, an app, and the gate between them.")

    @Option(help: ArgumentHelp("Where to accept connections.", valueName: "address"))
    var listen = "127.0.0.1:8080"

    func run() throws {
        let address = try ListenAddress(option: listen)
        let demo: DemoService
        do {
            demo = try DemoService(listen: address, log: LogWriter(1))
        } catch {
            StandardError.write("sidegate: error: \(error)")
            throw ExitStatus.cannotOpen
        }
        StandardOutput.write(Self.introduction(demo))
        demo.runUntilStopped()
    }

    private static func introduction(_ demo: DemoService) -> String {
        let width = DemoUser.all.map(\.name.count).max() ?? 0
        let users = DemoUser.all.map { user in
            "      \(user.name)\(String(repeating: " ", count: width - user.name.count))   \(user.note)"
        }
        let ways = demo.hasOpenID ? ",\nby a redirect with ?jwt= or by OpenID Connect, as you choose." : "."
        return """
            The Sidegate demo runs. Open in a browser:

                \(demo.url)

            The gate sends you to the demo's identity provider (\(demo.providerURL))\(ways)
            Sign in there, without a password, as

            \(users.joined(separator: "\n"))

            and the demo's app shows what it learns from the gate about you. The app itself (\(demo.appURL)) has no sign-in.
            Also try:

              - a deep link:          \(demo.url)/some/page?q=1 leads back there after the sign-in
              - an API call:          curl -i -H 'Accept: application/json' \(demo.url)/api gets a 401
              - a forged identity:    curl -i -H 'X-Forwarded-User: ada' \(demo.url)/ changes nothing
              - a bad token:          the login page can send expired and forged ones on request
              - signing out:          \(demo.url)/.sidegate/logout

            Ctrl-C ends it. `sidegate run --help` describes how to run a gate of your own.

            """
    }
}
