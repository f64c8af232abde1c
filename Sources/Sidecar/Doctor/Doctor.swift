// SPDX-License-Identifier: Apache-2.0

import Configuration
import HTTP
import JWT
import Reactor

/// Checks what a running gate depends on: the app, the identity provider, its clock and its keys.
package struct Doctor: Sendable {
    let settings: Settings
    private let blanks: Set<String>
    let network: DoctorNetwork
    private let fetchedKeys: FetchedKeySets

    /// - Parameter blanks: paths of options that have no usable value yet.
    package init(_ settings: Settings, blanks: Set<String> = []) {
        self.init(settings, blanks: blanks, DoctorNetwork(), FetchedKeySets())
    }

    private init(
        _ settings: Settings, blanks: Set<String>, _ network: DoctorNetwork, _ fetchedKeys: FetchedKeySets
    ) {
        self.settings = settings
        self.blanks = blanks
        self.network = network
        self.fetchedKeys = fetchedKeys
    }

    /// Makes the calls, all at the same time; each has five seconds. The findings are in the order of the checks.
    package func examine() -> [DoctorFinding] {
        let upstreams = [(settings.upstream, "upstream")] + settings.apps.map { ($0.upstream, "upstreams") }
        var checks = upstreams.map { app, name in { @Sendable in upstream(app, name) } }
        checks += upstreams.map { app, _ in { @Sendable in wayAround(app).map { [$0] } ?? [] } }
        for settings in settings.eachProvider {
            let provider = settings.providers[0]
            checks += Doctor(settings, blanks: blanks, network, fetchedKeys).providerChecks.map { check in
                { @Sendable in check().map { $0.about(provider) } }
            }
        }
        if let redis = settings.redis { checks.append { self.redis(redis) } }
        if let state = settings.state { checks.append { self.state(state) } }
        if let provisioning = settings.provisioning { checks.append { [self.provisioning(provisioning)] } }
        if let telemetry = settings.telemetry { checks.append { [self.telemetry(telemetry)] } }
        return Self.atOnce(checks) + fetchedKeys.findings(settings.providers)
    }

    private typealias Check = @Sendable () -> [DoctorFinding]

    /// About the first provider of the settings.
    private var providerChecks: [Check] {
        var checks: [Check] = []
        if let openID = settings.identityProvider.openID {
            if !blanks.contains("identityProvider.issuer") {
                checks.append {
                    self.openID(openID, settings.token, returnPath: settings.identityProvider.returnPath)
                }
            }
        } else if !blanks.contains("identityProvider.loginURL") {
            checks.append { provider() }
        }
        if !blanks.contains("identityProvider.logoutURL") { checks.append { logout() } }
        return checks + settings.token.remoteKeys.map { remote in { [keys(remote, "jwksURL")] } }
    }

    /// Each check blocks, so each has a queue of its own.
    private static func atOnce(_ checks: [Check]) -> [DoctorFinding] {
        checks.map { check in
            let reply = Reply<[DoctorFinding]>()
            EventLoop(label: "sidegate.doctor.check").submit { reply.give(check()) }
            return reply
        }.flatMap { $0.wait() }
    }

    // MARK: - The app

    private func upstream(_ upstream: UpstreamSettings, _ name: String) -> [DoctorFinding] {
        let address = upstream.address
        if case .h2c = address { return [http2(upstream, name)] }
        let result: Result<DoctorNetwork.Answer, DoctorProblem> =
            if case .unix(let path) = address { network.get(socket: path) } else {
                network.get(
                    address.description + "/", upstream.tls, app: upstream.isTolerant ? .tolerant : .standard)
            }
        switch result {
        case .failure(let problem):
            return [DoctorFinding(.failed, name, "\(address): \(problem)", fix: Self.fix(problem, name))]
        case .success(let answer) where answer.status >= 500:
            return [
                DoctorFinding(
                    .warning, name, "\(address) answers \(answer.status)",
                    fix: "check the app's log: users would see this error")
            ]
        case .success(let answer):
            return [DoctorFinding(.ok, name, "\(address) answers \(answer.status)")] + appSession(answer.cookies)
        }
    }

    /// A hint when the app has a session of its own that the configuration does not mention.
    private func appSession(_ cookies: [String]) -> [DoctorFinding] {
        let known = settings.session.appCookies
        let found = cookies.filter { name in
            let name = name.lowercased()
            return ["sess", "sid"].contains { name.contains($0) } && !name.contains("sidegate")
        }
        let missing = found.filter { !known.contains($0) }.prefix(5)
        if !missing.isEmpty {
            let names = missing.joined(separator: ", ")
            return [
                DoctorFinding(
                    .warning, "session.appCookies",
                    "the app has a session of its own (\(names)), which stays when the user signs out or changes",
                    fix:
                        "set `session.appCookies: [\(names)]`, and `session.logoutPaths` to the app's own logout paths")
            ]
        }
        guard !found.isEmpty, settings.session.logoutPaths.isEmpty else { return [] }
        return [
            DoctorFinding(
                .ok, "session.logoutPaths",
                "not set: if the app has a logout of its own, name its path; otherwise the user is signed in again at once"
            )
        ]
    }

    private func http2(_ upstream: UpstreamSettings, _ name: String) -> DoctorFinding {
        let address = upstream.address
        guard let problem = network.connect(upstream) else {
            return DoctorFinding(.ok, name, "\(address) speaks HTTP/2")
        }
        return DoctorFinding(
            .failed, name, "\(address): \(problem)",
            fix: "start the app, or correct `\(name)`: an app that speaks HTTP/1.1 has an address with http://")
    }

    private static func fix(_ problem: DoctorProblem, _ name: String) -> String {
        switch problem.kind {
        case .connection: "start the app, or correct `\(name)`"
        case .tls:
            "correct the app's certificate, or say which one is expected: `\(name).tls.ca` names the authority, "
                + "`\(name).tls.serverName` the name in it"
        case .noTLS: "correct `\(name)`: an app without TLS has an address with http://"
        case .answer: "correct the app's answer: users would get 502; `\(name).tolerant: true` accepts some deviations"
        }
    }

    /// A client that reaches the app without passing the gate can claim any identity.
    private func wayAround(_ upstream: UpstreamSettings) -> DoctorFinding? {
        let name = "bypass"
        switch upstream.address {
        case .unix: return nil
        case .http(let host, let port), .https(let host, let port), .h2c(let host, let port):
            // Connections to the unspecified address go to this machine.
            let isUnspecified = ["0.0.0.0", "::", "[::]", "0"].contains(host)
            guard isUnspecified || LoopbackHost.isNamed(in: "\(UpstreamAddress.http(host: host, port: port))") else {
                if let problem = network.resolve(host, port: port) {
                    return DoctorFinding(
                        .warning, name, "not checked: \(upstream.address): \(problem)",
                        fix: "correct the address and run this again")
                }
                return DoctorFinding(
                    .ok, name, "\(upstream.address) is on the network: make sure that only the gate can reach it")
            }
            guard let places = ListeningPorts.beyondLoopback(port) else { return nil }
            if places.isEmpty, ListeningPorts.isOpen(port) == false {
                return DoctorFinding(
                    .warning, name, "not checked: nothing listens on port \(port) of this machine",
                    fix: "start the app and run this again")
            }
            if places.isEmpty {
                return DoctorFinding(.ok, name, "\(upstream.address) is open on this machine only")
            }
            return DoctorFinding(
                .warning, name,
                "port \(port) is open on \(places.joined(separator: ", ")) too: a client that connects there can claim any identity",
                fix: "make the app listen on 127.0.0.1 only, or block the port in the firewall")
        }
    }

    // MARK: - Key sets

    /// - Parameter name: what the address is called where it stands.
    func keys(_ remote: RemoteKeySettings, _ name: String) -> DoctorFinding {
        switch network.keys(remote) {
        case .failure(let problem):
            return DoctorFinding(
                .failed, name, "\(remote.url): \(problem)",
                fix: "open the address in a browser: it must answer 200 with a JSON Web Key Set")
        case .success(let set):
            fetchedKeys.add(set, of: settings.providers[0].name)
            let algorithms = settings.token.policy.algorithms
            let shown = set.keys.map { "\($0.keyID ?? "no kid") (\($0.summary))" }
            let ignored = set.ignored.isEmpty ? "" : "; left out: " + set.ignored.joined(separator: "; ")
            let list = "\(remote.url): \(shown.joined(separator: ", "))\(ignored)"
            guard set.keys.contains(where: { key in algorithms.contains { key.serves($0) } }) else {
                return DoctorFinding(
                    .failed, name, list,
                    fix:
                        "none of these can be used with token.algorithms; set it to the algorithms that the identity provider signs with"
                )
            }
            return DoctorFinding(.ok, name, list)
        }
    }

    // MARK: - The app's hook

    private func provisioning(_ settings: ProvisioningSettings) -> DoctorFinding {
        let host = Self.origin(of: settings.url)
        switch network.get(host + "/", settings.tls) {
        case .failure(let problem):
            return DoctorFinding(
                .failed, "provisioning.url", "\(host): \(problem)",
                fix: "start the server there, or correct the address")
        case .success(let answer):
            return DoctorFinding(
                .ok, "provisioning.url", "\(host) answers \(answer.status); the address itself is not called")
        }
    }

    // MARK: - The collector of traces

    /// Sends a request without spans, as a collector takes it.
    private func telemetry(_ settings: TelemetrySettings) -> DoctorFinding {
        let name = "telemetry.otlp"
        switch network.export(settings) {
        case .failure(let problem):
            return DoctorFinding(
                .failed, name, "\(settings.url): \(problem)",
                fix: "start the collector, or correct the address: OTLP over HTTP usually has port 4318")
        case .success(let status) where 200...299 ~= status:
            return DoctorFinding(.ok, name, "\(settings.url) takes spans")
        case .success(let status):
            let fix =
                switch status {
                case 401, 403: "correct what authorizes Sidegate there: `telemetry.headersFile`"
                case 404, 405: "correct the address: it is followed by /v1/traces unless it ends so"
                case 415: "enable JSON in the collector's receiver for OTLP over HTTP"
                default: "check the collector's log"
                }
            return DoctorFinding(.failed, name, "\(settings.url) answers \(status)", fix: fix)
        }
    }

    /// Scheme, host and port of an absolute address.
    static func origin(of url: String) -> String {
        guard let start = url.firstRange(of: "://")?.upperBound else { return url }
        let end = url[start...].firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? url.endIndex
        return String(url[..<end])
    }
}
