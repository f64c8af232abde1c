// SPDX-License-Identifier: Apache-2.0

import Configuration
import JWT
import Logging
import Outbound
import Reactor
import Synchronization

/// The key sets in force: those of the configuration, and those that are fetched (`token.keys[].jwksURL`).
final class RemoteKeyService: Sendable {
    /// The key sets of one configuration. Nothing is fetched before the service starts, or is replaced, with them.
    struct Prepared: Sendable {
        /// nil: none is fetched.
        let remote: RemoteKeys?
        /// Those of the configuration itself.
        fileprivate let constant: KeySet
        fileprivate let tls: [ClientTLS]
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
        var sources: [RemoteKeys.Source] = []
        var all: [ClientTLS] = []
        for remote in settings.token.remoteKeys {
            let url = try OutboundURL(callable: remote.url, "jwksURL")
            let tls = try ClientTLS(remote.tls, "token.keys", counters: counters, logger: logger)
            sources.append(RemoteKeys.Source(url, allowWeak: remote.allowWeakSecret, tls: tls.context))
            all.append(tls)
        }
        guard !sources.isEmpty else { return Prepared(remote: nil, constant: settings.token.keys, tls: []) }
        let remote = RemoteKeys(
            sources, constant: settings.token.keys,
            algorithms: Algorithm.allCases.filter { settings.token.policy.algorithms.contains($0) },
            loop: loop, resolver: resolver, logger: logger,
            ended: { [counters] in counters.keysRefreshed(isGood: $0) },
            apply: { [gates] in gates.replaceKeys($0, $1) })
        return Prepared(remote: remote, constant: settings.token.keys, tls: all)
    }

    func start(_ prepared: Prepared) {
        current.withLock { $0 = prepared }
        prepared.remote?.start()
    }

    /// Replaces the key sets. What was fetched from the same addresses stays.
    ///
    /// - Parameters:
    ///   - swap: gets the keys known by then, puts them into force on all loops, and calls back.
    ///   - done: called after that.
    func replace(
        with next: Prepared, swap: @escaping @Sendable (KeySet, @escaping @Sendable () -> Void) -> Void,
        _ done: @escaping @Sendable () -> Void
    ) {
        let old = current.withLock { current in
            defer { current = next }
            return current?.remote
        }
        guard let remote = next.remote else {
            old?.stop()
            return swap(next.constant, done)
        }
        remote.takeOver(from: old) { keys in
            swap(keys) {
                remote.confirm()
                done()
            }
        }
    }

    func stop() {
        current.withLock { $0?.remote }?.stop()
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
