// SPDX-License-Identifier: Apache-2.0

import JWT
import Logging
import Outbound
import Reactor

/// The keys of all sources together, on the services' loop.
final class RemoteKeyCache {
    private let sources: [RemoteKeySource]
    private let constant: KeySet
    private let apply: @Sendable (KeySet, @escaping @Sendable () -> Void) -> Void
    /// Callers that wait for the fetches in progress.
    private var waiting: [@Sendable () -> Void] = []

    init(
        _ sources: [RemoteKeys.Source], constant: KeySet, algorithms: [Algorithm], loop: EventLoop,
        resolver: Resolver, logger: Logger,
        chance: @escaping @Sendable () -> Double, ended: @escaping @Sendable (Bool) -> Void,
        apply: @escaping @Sendable (KeySet, @escaping @Sendable () -> Void) -> Void
    ) {
        self.constant = constant
        self.apply = apply
        self.sources = sources.map { source in
            RemoteKeySource(
                source, algorithms: algorithms, loop: loop, resolver: resolver, logger: logger, chance: chance,
                report: ended)
        }
    }

    /// All known keys.
    var keys: KeySet { sources.compactMap(\.keys).reduce(constant) { $0.merged(with: $1) } }

    func takeOver(from other: RemoteKeyCache) {
        for source in sources {
            if let old = other.sources.first(where: { $0.isSame(as: source) }) { source.takeOver(from: old) }
        }
        waiting += other.takeWaiting()
        other.stop()
    }

    func confirm() { apply(keys) {} }

    func start() {
        for source in sources { source.start { [weak self] in self?.fetched($0) } }
        if !sources.contains(where: \.isFetching) { resumeWaiting() }
    }

    func stop() {
        for source in sources { source.stop() }
        resumeWaiting()
    }

    func refresh(_ done: @escaping @Sendable () -> Void) {
        var isFetching = false
        for source in sources where source.refresh() { isFetching = true }
        guard isFetching, waiting.count < Self.maximumWaiting else { return done() }
        waiting.append(done)
    }

    /// A fetch of a source has ended; `isNew`: its keys have changed.
    private func fetched(_ isNew: Bool) {
        if isNew {
            let keys = keys
            // Callers continue when the new keys are in force, not before.
            let waiting = sources.contains(where: \.isFetching) ? [] : takeWaiting()
            apply(keys) { for done in waiting { done() } }
        } else if !sources.contains(where: \.isFetching) {
            resumeWaiting()
        }
    }

    private func resumeWaiting() {
        for done in takeWaiting() { done() }
    }

    private func takeWaiting() -> [@Sendable () -> Void] {
        let waiting = waiting
        self.waiting = []
        return waiting
    }

    /// Each is a request that waits; any more are judged by the keys in force.
    private static let maximumWaiting = 10_000
}
