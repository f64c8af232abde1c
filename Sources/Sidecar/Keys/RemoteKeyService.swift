// SPDX-License-Identifier: Apache-2.0

import Configuration
import JWT
import Logging
import Outbound
import Proxy
import Reactor
import Synchronization

/// The key sets in force, of each provider: those of the configuration, and those that are fetched
/// (`token.keys[].jwksURL`).
final class RemoteKeyService: Sendable {
    /// The key sets of one configuration. Nothing is fetched before the service starts, or is replaced, with them.
    struct Prepared: Sendable {
        /// By the provider's name; those of which none is fetched are absent.
        fileprivate let remote: [String: RemoteKeys]
        /// Those of the configuration itself, by the provider's name.
        fileprivate let constant: [String: KeySet]
        fileprivate let tls: [ClientTLS]

        var refreshers: [(any KeyRefresher)?] { remote.values.map { $0 } }
    }

    private let gates: GateRegistry
    private let loop: EventLoop
    private let resolver: Resolver
    private let counters: ProcessCounters
    private let logger: Logger
    private let current = Mutex<Prepared?>(nil)

    init(gates: GateRegistry, loop: EventLoop, resolver: Resolver, counters: ProcessCounters, logger: Logger) {
        self.gates = gates
        self.loop = loop
        self.resolver = resolver
        self.counters = counters
        self.logger = logger
    }

    func prepare(_ settings: Settings) throws(ServiceError) -> Prepared {
        var remote: [String: RemoteKeys] = [:]
        var constant: [String: KeySet] = [:]
        var all: [ClientTLS] = []
        for provider in settings.providers {
            constant[provider.name] = provider.token.keys
            var sources: [RemoteKeys.Source] = []
            for remote in provider.token.remoteKeys {
                let url = try OutboundURL(callable: remote.url, "jwksURL")
                let tls = try ClientTLS(remote.tls, "token.keys", counters: counters, logger: logger)
                sources.append(RemoteKeys.Source(url, allowWeak: remote.allowWeakSecret, tls: tls.context))
                all.append(tls)
            }
            guard !sources.isEmpty else { continue }
            let name = provider.name
            remote[name] = RemoteKeys(
                sources, constant: provider.token.keys,
                algorithms: Algorithm.allCases.filter { provider.token.policy.algorithms.contains($0) },
                loop: loop, resolver: resolver, logger: logger,
                ended: { [counters] in counters.keysRefreshed(isGood: $0) },
                apply: { [gates] in gates.replaceKeys($0, of: name, $1) })
        }
        return Prepared(remote: remote, constant: constant, tls: all)
    }

    func start(_ prepared: Prepared) {
        current.withLock { $0 = prepared }
        for keys in prepared.remote.values { keys.start() }
    }

    /// Replaces the key sets. What was fetched from the same addresses for a provider of the same name stays.
    ///
    /// - Parameters:
    ///   - swap: gets the keys of each provider known by then, puts them into force on all loops, and calls back.
    ///   - done: called after that.
    func replace(
        with next: Prepared, swap: @escaping @Sendable ([String: KeySet], @escaping @Sendable () -> Void) -> Void,
        _ done: @escaping @Sendable () -> Void
    ) {
        let old = current.withLock { current in
            defer { current = next }
            return current?.remote ?? [:]
        }
        for (name, keys) in old where next.remote[name] == nil { keys.stop() }
        guard !next.remote.isEmpty else { return swap(next.constant, done) }
        let known = Mutex((keys: next.constant, missing: next.remote.count))
        for (name, remote) in next.remote {
            remote.takeOver(from: old[name]) { keys in
                let all = known.withLock { known in
                    known.keys[name] = keys
                    known.missing -= 1
                    return known.missing == 0 ? known.keys : nil
                }
                guard let all else { return }
                swap(all) {
                    for remote in next.remote.values { remote.confirm() }
                    done()
                }
            }
        }
    }

    func stop() {
        for keys in current.withLock({ $0?.remote ?? [:] }).values { keys.stop() }
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
