// SPDX-License-Identifier: Apache-2.0

import Reactor

/// What is fetched for a provider while the gate runs, from one place, and again when it becomes old.
protocol FetchedSource: AnyObject, SendableMetatype {
    /// The name of the provider; empty for the only one.
    var providerName: String { get }
    var isFetching: Bool { get }

    /// What was fetched for one is valid for the other.
    func isSame(as other: Self) -> Bool

    /// Keeps what was fetched, and the schedule; a fetch in progress starts again.
    func takeOver(from old: Self)

    /// - Parameter fetched: called at the end of each fetch, with whether what is known has changed.
    func start(_ fetched: @escaping (Bool) -> Void)

    func stop()

    /// Something is missing. False when no fetch is made for it.
    ///
    /// - Parameter isProven: a provider's own token shows it.
    func refresh(isProven: Bool) -> Bool
}

/// The sources of all providers of a configuration, and the requests that wait for them. On the services' loop.
final class FetchedSources<Source: FetchedSource> {
    /// Puts into force what is known of the provider of that name, and calls back when it is.
    typealias Apply = (FetchedSources, String, @escaping @Sendable () -> Void) -> Void

    /// A request that continues when no source of these providers is being fetched any more.
    private struct Waiting {
        let providers: [String]
        let done: @Sendable () -> Void
    }

    private let all: [Source]
    private let apply: Apply
    private var waiting: [Waiting] = []

    init(_ sources: [Source], apply: @escaping Apply) {
        all = sources
        self.apply = apply
    }

    func sources(of provider: String) -> [Source] { all.filter { $0.providerName == provider } }

    /// Replaces `other`: what was fetched by the same sources stays, and requests that wait for it wait for this.
    func takeOver(from other: FetchedSources) {
        for source in all {
            if let old = other.all.first(where: { $0.isSame(as: source) }) { source.takeOver(from: old) }
        }
        waiting += other.waiting
        other.waiting = []
        other.stop()
    }

    /// Puts all that is known into force.
    func confirm() {
        for name in Set(all.map(\.providerName)) { apply(self, name) {} }
    }

    func start() {
        for source in all {
            source.start { [weak self, weak source] isNew in
                guard let self, let source else { return }
                fetched(source, isNew)
            }
        }
        resume()
    }

    func stop() {
        for source in all { source.stop() }
        for request in waiting { request.done() }
        waiting = []
    }

    /// Something of these providers is missing: `done` is called when it was fetched and is in force, or cannot be.
    func refresh(_ providers: [String], isProven: Bool, _ done: @escaping @Sendable () -> Void) {
        var isFetching = false
        for source in all where providers.contains(source.providerName) && source.refresh(isProven: isProven) {
            isFetching = true
        }
        guard isFetching, waiting.count < Self.maximumWaiting else { return done() }
        waiting.append(Waiting(providers: providers, done: done))
    }

    /// A fetch has ended.
    private func fetched(_ source: Source, _ isNew: Bool) {
        guard isNew else { return resume() }
        // They continue when it is in force, not before.
        let ready = takeReady()
        apply(self, source.providerName) { for request in ready { request.done() } }
    }

    private func resume() {
        for request in takeReady() { request.done() }
    }

    /// Those for whom nothing is being fetched any more.
    private func takeReady() -> [Waiting] {
        guard !waiting.isEmpty else { return [] }
        let fetching = Set(all.filter(\.isFetching).map(\.providerName))
        let ready = waiting.filter { fetching.isDisjoint(with: $0.providers) }
        if !ready.isEmpty { waiting.removeAll { fetching.isDisjoint(with: $0.providers) } }
        return ready
    }

    /// Each is a request that waits; any more are judged by what is in force.
    private static var maximumWaiting: Int { 10_000 }
}
