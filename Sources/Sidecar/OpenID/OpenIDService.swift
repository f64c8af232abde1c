// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import HTTP
import JWT
import Logging
import Outbound
import Reactor
import Synchronization
import TLS

/// The OpenID providers in force (`identityProvider.protocol: oidc`).
final class OpenIDService: Sendable {
    /// The providers of one configuration. Nothing is fetched before the service starts, or is replaced, with them.
    struct Prepared: Sendable {
        /// nil: there are none.
        let providers: OpenIDProviders?
        fileprivate let labels: Labels
        fileprivate let tls: [ClientTLS]
    }

    /// The values of the metrics' label `provider`, by the providers' names.
    fileprivate typealias Labels = [(name: String, label: String)]

    private let gates: GateRegistry
    private let sharedKeys: SharedKeyWatch
    private let loop: EventLoop
    private let resolver: Resolver
    private let counters: ProcessCounters
    private let logger: Logger
    private let current = Mutex<Prepared?>(nil)

    init(
        gates: GateRegistry, sharedKeys: SharedKeyWatch, loop: EventLoop, resolver: Resolver, counters: ProcessCounters,
        logger: Logger
    ) {
        self.gates = gates
        self.sharedKeys = sharedKeys
        self.loop = loop
        self.resolver = resolver
        self.counters = counters
        self.logger = logger
    }

    func prepare(_ settings: Settings) throws(ServiceError) -> Prepared {
        var providers: [OpenIDProvider] = []
        var labels: Labels = []
        var all: [ClientTLS] = []
        for settings in settings.providers {
            guard let openID = settings.identityProvider.openID else { continue }
            let section = settings.place(of: "identityProvider")
            let tls = try ClientTLS(openID.tls, section, counters: counters, logger: logger)
            guard let provider = OpenIDProvider(settings.name, openID, settings.token, tls.context) else {
                throw ServiceError(
                    "`\(section).issuer` is not a URL that can be called: write it as https://host/path")
            }
            providers.append(provider)
            labels.append((settings.name, settings.metricName))
            all.append(tls)
        }
        guard !providers.isEmpty else { return Prepared(providers: nil, labels: [], tls: []) }
        let label = { @Sendable [labels] (name: String) -> String in
            labels.first { $0.name == name }?.label ?? name
        }
        let service = OpenIDProviders(
            providers, loop: loop, resolver: resolver, logger: logger,
            ended: { [counters] name, endpoint, isGood in
                counters.openID.ended(label(name), endpoint, isGood: isGood, now: wallClockNow())
                if endpoint == .keys { counters.keysRefreshed(isGood: isGood) }
            },
            apply: { [gates, sharedKeys, counters] known, done in
                if known.hasKeys { counters.openID.known(label(known.name)) }
                sharedKeys.fetched(known.keys, of: known.name)
                gates.replaceProvider(known, done)
            })
        return Prepared(providers: service, labels: labels, tls: all)
    }

    func start(_ prepared: Prepared) {
        current.withLock { $0 = prepared }
        counters.openID.replace(with: prepared.labels.map(\.label))
        prepared.providers?.start()
    }

    /// Replaces the providers. What was fetched of the same issuers stays.
    ///
    /// - Parameters:
    ///   - swap: gets what is known by then, puts it into force on all loops, and calls back.
    ///   - done: called after that.
    func replace(
        with next: Prepared, swap: @escaping @Sendable ([KnownProvider], @escaping @Sendable () -> Void) -> Void,
        _ done: @escaping @Sendable () -> Void
    ) {
        let old = current.withLock { current in
            defer { current = next }
            return current?.providers
        }
        counters.openID.replace(with: next.labels.map(\.label))
        guard let providers = next.providers else {
            old?.stop()
            return swap([], done)
        }
        providers.takeOver(from: old) { [counters, sharedKeys] known in
            for provider in known { sharedKeys.fetched(provider.keys, of: provider.name) }
            let names = known.filter(\.hasKeys).map(\.name)
            counters.openID.known(only: next.labels.filter { names.contains($0.name) }.map(\.label))
            swap(known) {
                providers.confirm()
                done()
            }
        }
    }

    /// What became of the fetches; `done` is called once.
    func report(_ done: @escaping @Sendable ([SourceReport]) -> Void) {
        guard let providers = current.withLock({ $0?.providers }) else { return done([]) }
        providers.report(done)
    }

    /// The certificates that it presents.
    var certificates: [CertificateReport] { current.withLock { $0?.tls ?? [] }.flatMap(\.reports) }

    func stop() {
        current.withLock { $0?.providers }?.stop()
    }
}

extension OpenIDProvider {
    /// - Parameter name: empty for the only one.
    init?(_ name: String, _ settings: OpenIDSettings, _ token: TokenSettings, _ tls: TLSClientContext?) {
        let authentication: Authentication =
            switch (settings.clientSecret, settings.clientAuthentication) {
            case (nil, _): .none
            case (let secret?, .basic): .basic(secret)
            case (let secret?, .post): .post(secret)
            }
        self.init(
            name: name, issuer: settings.issuer, clientID: settings.clientID, authentication: authentication,
            asksUserInfo: settings.asksUserInfo,
            algorithms: Algorithm.allCases.filter { token.policy.algorithms.contains($0) }, tls: tls)
    }
}

extension GateConfiguration {
    /// Takes what is known of a provider before the gate begins.
    mutating func adopt(_ known: KnownProvider) {
        for index in providers.indices where providers[index].name == known.name {
            guard case .openID(var login) = providers[index].login, login.issuer == known.metadata.issuer else {
                continue
            }
            login.metadata = known.metadata
            providers[index].login = .openID(login)
            providers[index].keys = known.keys
        }
    }
}
