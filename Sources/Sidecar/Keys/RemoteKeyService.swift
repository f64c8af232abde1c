// SPDX-License-Identifier: Apache-2.0

import Configuration
import JWT
import Logging
import Outbound
import Proxy
import Reactor
import Synchronization

/// The key sets in force that are fetched (`token.keys[].jwksURL`), of each provider, with the keys of the configuration.
final class RemoteKeyService: Sendable {
    /// The key sets of one configuration. Nothing is fetched before the service starts, or is replaced, with them.
    struct Prepared: Sendable {
        /// nil: none is fetched.
        let keys: RemoteKeys?
        fileprivate let tls: [ClientTLS]
    }

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
        var providers: [RemoteKeys.Provider] = []
        var all: [ClientTLS] = []
        for provider in settings.providers {
            var sources: [RemoteKeys.Source] = []
            for remote in provider.token.remoteKeys {
                let url = try OutboundURL(callable: remote.url, "jwksURL")
                let tls = try ClientTLS(remote.tls, "token.keys", counters: counters, logger: logger)
                sources.append(RemoteKeys.Source(url, allowWeak: remote.allowWeakSecret, tls: tls.context))
                all.append(tls)
            }
            guard !sources.isEmpty else { continue }
            providers.append(
                RemoteKeys.Provider(
                    provider.name, sources, constant: provider.token.keys,
                    algorithms: Algorithm.allCases.filter { provider.token.policy.algorithms.contains($0) }))
        }
        guard !providers.isEmpty else { return Prepared(keys: nil, tls: []) }
        let keys = RemoteKeys(
            providers, loop: loop, resolver: resolver, logger: logger,
            ended: { [counters] in counters.keysRefreshed(isGood: $0) },
            apply: { [gates, sharedKeys] keys, name, done in
                sharedKeys.fetched(keys, of: name)
                gates.replaceKeys(keys, of: name, done)
            })
        return Prepared(keys: keys, tls: all)
    }

    func start(_ prepared: Prepared) {
        current.withLock { $0 = prepared }
        prepared.keys?.start()
    }

    /// Replaces the key sets. What was fetched from the same addresses for a provider of the same name stays.
    ///
    /// - Parameters:
    ///   - swap: gets the keys known by then of each provider for which some are fetched, by its name; puts them into force on
    ///     all loops, and calls back.
    ///   - done: called after that.
    func replace(
        with next: Prepared, swap: @escaping @Sendable ([String: KeySet], @escaping @Sendable () -> Void) -> Void,
        _ done: @escaping @Sendable () -> Void
    ) {
        let old = current.withLock { current in
            defer { current = next }
            return current?.keys
        }
        guard let keys = next.keys else {
            old?.stop()
            return swap([:], done)
        }
        keys.takeOver(from: old) { [sharedKeys] known in
            for (name, keys) in known.sorted(by: { $0.key < $1.key }) { sharedKeys.fetched(keys, of: name) }
            swap(known) {
                keys.confirm()
                done()
            }
        }
    }

    /// What became of the fetches; `done` is called once.
    func report(_ done: @escaping @Sendable ([SourceReport]) -> Void) {
        guard let keys = current.withLock({ $0?.keys }) else { return done([]) }
        keys.report(done)
    }

    /// The certificates that it presents.
    var certificates: [CertificateReport] { current.withLock { $0?.tls ?? [] }.flatMap(\.reports) }

    func stop() {
        current.withLock { $0?.keys }?.stop()
    }
}

extension OutboundURL {
    /// - Parameter key: of the configuration, for the error.
    init(callable text: String, _ key: String) throws(ServiceError) {
        guard let url = OutboundURL(text) else {
            throw ServiceError(
                "`\(key)` is not a URL that can be called: write it as http://host/path or https://host/path")
        }
        self = url
    }
}
