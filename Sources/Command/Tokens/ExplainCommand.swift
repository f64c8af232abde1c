// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Gate
import Glibc
import HTTP
import JWT
import Sidecar

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Reports check by check why a token, or a request, is accepted or refused.",
        discussion: """
            The token is not consumed, and no connection is made except, with --fetch, to fetch key sets. Instead of the \
            token, a whole return URL, a form or an Authorization header can be given; a gate of the same configuration judges \
            it, as from a browser without a session. The address of an OpenID provider's response is examined without redeeming \
            its code. \
            With --request it reports which of access.rules decides about a request, and why. \
            The exit status is 0 when the token would be accepted or the request let in, 2 when it would be refused.
            """)

    @OptionGroup var source: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "The time at which to check it: seconds since 1970, or 2026-03-01T12:00:00Z. Default: now.",
            valueName: "time"))
    var at: Instant?

    @Argument(help: ArgumentHelp("The token; - or nothing reads it from standard input.", valueName: "token"))
    var token: String?

    @OptionGroup var provider: ProviderOption

    @Flag(help: "Fetches the key sets of jwksURL first; without it, explain makes no connection.")
    var fetch = false

    @Option(
        help: ArgumentHelp(
            "A request to check instead of a token: 'GET /admin/x', or with a whole URL.", valueName: "request"))
    var request: String?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "With --request: the signed-in user, as fields: user=ada,email=ada@example.com,groups=admins,staff.",
            valueName: "fields"))
    var user: String?

    @Option(
        name: [.customLong("client"), .customLong("from")],
        help: ArgumentHelp(
            "With --request: the client's address, for rules with from. Default: not known.", valueName: "address"))
    var client: String?

    func validate() throws {
        if request == nil, client != nil {
            throw ValidationError("--client names the client of a request; add --request.")
        }
        if let client, IPAddress(text: client) == nil {
            throw ValidationError("--client takes an address, such as 192.0.2.1.")
        }
        if request == nil, user != nil { throw ValidationError("--as names the user of a request; add --request.") }
        if request != nil, token != nil { throw ValidationError("Either a token or --request, not both.") }
        if let request, ExplainedRequest(request) == nil {
            throw ValidationError("--request takes a method and a path, such as 'GET /admin/x'.")
        }
        if let user, FieldsArgument.parse(user) == nil {
            throw ValidationError("--as takes fields, such as user=ada,groups=admins.")
        }
    }

    func run() throws {
        let settings = try source.settings(purpose: .inspect)
        if let request = request.flatMap({ ExplainedRequest($0) }) {
            let explanation = RequestExplanation(
                of: request, from: client.flatMap { IPAddress(text: $0) },
                as: user.flatMap { FieldsArgument.parse($0) }, settings)
            print(explanation.text, terminator: "")
            if !explanation.isLetIn { throw ExitStatus.refused }
            return
        }
        let text = try read()
        let now = (at ?? .now()).seconds
        // As the gate does with a bearer token: the first provider that accepts it; else what each of them says.
        let candidates = try provider.name == nil ? settings.eachProvider : [provider.only(settings)]
        if let response = ResponseExplanation(of: text, candidates) {
            print(response.text, terminator: "")
            if response.isRefused { throw ExitStatus.refused }
            return
        }
        let explanations = candidates.map { settings in
            let fetched = fetch ? Self.keys(of: settings) : []
            return (settings.providers[0].name, Explanation(of: text, settings, fetched: fetched, at: now))
        }
        let accepted = explanations.first { $0.1.isLetIn }
        for (name, explanation) in accepted.map({ [$0] }) ?? explanations {
            if !name.isEmpty { print("provider \(name)") }
            print(explanation.text, terminator: "")
        }
        if accepted == nil { throw ExitStatus.refused }
    }

    private static func keys(of settings: Settings) -> [FetchedKeys] {
        let network = DoctorNetwork()
        let provider = settings.identityProvider.openID.map { [keys($0.issuer, network.keys(of: $0))] } ?? []
        return provider + settings.token.remoteKeys.map { keys($0.url, network.keys($0)) }
    }

    private static func keys(_ url: String, _ result: Result<KeySet, DoctorProblem>) -> FetchedKeys {
        switch result {
        case .success(let set):
            let keys = set.keys.map { "\($0.keyID ?? "no kid") (\($0.summary))" }
            return FetchedKeys(url: url, keys: set, summary: keys.joined(separator: ", "))
        case .failure(let problem):
            return FetchedKeys(url: url, keys: nil, summary: "cannot be fetched: \(problem)")
        }
    }

    private func read() throws -> [UInt8] {
        if let token, token != "-" { return Array(token.utf8) }
        // Longer than any token; what is longer is refused as too large.
        let limit = 65_536
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(0, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw ExitStatus.cannotOpen }
            if count == 0 { break }
            bytes += chunk.prefix(count)
        }
        return bytes
    }
}
