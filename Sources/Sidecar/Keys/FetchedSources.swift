// SPDX-License-Identifier: Apache-2.0

import Reactor

/// What is fetched for a provider while the gate runs, from one place, and again when it becomes old.
protocol FetchedSource: AnyObject, SendableMetatype {
    /// The name of the provider; empty for the only one.
    var providerName: String { get }
    /// A fetch is in progress, or promised to requests that wait for it.
    var isAwaited: Bool { get }
    /// One for each document.
    var reports: [SourceReport] { get }

    /// What was fetched for one is valid for the other.
    func isSame(as other: Self) -> Bool

    /// Keeps what was fetched, and the schedule; a fetch in progress starts again.
    func takeOver(from old: Self)

    /// - Parameter fetched: called at the end of each fetch, with whether what is known has changed.
    func start(_ fetched: @escaping (Bool) -> Void)

    func stop()

    /// Something is missing. False when no fetch is made for it.
    ///
    /// - Parameter isProven: the token that shows it answers an attempt to sign in; see ``KeyRefreshSchedule``.
    func refresh(isProven: Bool) -> Bool
}

/// The sources of all providers of a configuration, and the requests that wait for them. On the services' loop.
final class FetchedSources<Source: FetchedSource> {
    /// Puts into force what is known of the provider of that name, and calls back when it is.
    typealias Apply = (FetchedSources, String, @escaping @Sendable () -> Void) -> Void

    /// A request that continues when no fetch is awaited for these providers any more.
    private struct Waiting {
        let providers: [String]
        let done: @Sendable () -> Void
    }

    private let all: [Source]
    private let loop: EventLoop
    private let apply: Apply
    private var waiting: [Waiting] = []
    /// What has changed and is not in force on all loops yet: a request that was judged without it waits for that, and has
    /// nothing fetched again.
    private var applying: [ObjectIdentifier: Int] = [:]

    init(_ sources: [Source], loop: EventLoop, apply: @escaping Apply) {
        all = sources
        self.loop = loop
        self.apply = apply
    }

    var reports: [SourceReport] { all.flatMap(\.reports) }

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
        var isAwaited = false
        for source in all where providers.contains(source.providerName) {
            if isApplying(source) || source.refresh(isProven: isProven) { isAwaited = true }
        }
        guard isAwaited, waiting.count < Self.maximumWaiting else { return done() }
        waiting.append(Waiting(providers: providers, done: done))
    }

    /// A fetch has ended.
    private func fetched(_ source: Source, _ isNew: Bool) {
        guard isNew else { return resume() }
        // They continue when it is in force, not before.
        let ready = takeReady()
        let id = ObjectIdentifier(source)
        applying[id, default: 0] += 1
        let applied = loop.bind { [weak self] (id: ObjectIdentifier) in self?.applied(id) }
        apply(self, source.providerName) { [loop] in
            for request in ready { request.done() }
            loop.submit { applied.assumeOnLoop { $0(id) } }
        }
    }

    private func isApplying(_ source: Source) -> Bool { applying[ObjectIdentifier(source)] != nil }

    private func applied(_ id: ObjectIdentifier) {
        let count = (applying[id] ?? 0) - 1
        applying[id] = count > 0 ? count : nil
        resume()
    }

    private func resume() {
        for request in takeReady() { request.done() }
    }

    /// Those for whom no fetch is awaited any more.
    private func takeReady() -> [Waiting] {
        guard !waiting.isEmpty else { return [] }
        let awaited = Set(all.filter { $0.isAwaited || isApplying($0) }.map(\.providerName))
        let ready = waiting.filter { awaited.isDisjoint(with: $0.providers) }
        if !ready.isEmpty { waiting.removeAll { awaited.isDisjoint(with: $0.providers) } }
        return ready
    }

    /// Each is a request that waits; any more are judged by what is in force.
    private static var maximumWaiting: Int { 10_000 }
}
