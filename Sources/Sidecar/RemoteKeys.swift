// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT
import Logging
import Outbound
import Proxy
import Reactor
import TLS

/// The key sets that are fetched while the gate runs (`token.keys[].jwksURL`): kept fresh, on a loop that serves no
/// browser. Whatever happens to a fetch, the last good set stays in force.
package final class RemoteKeys: KeyRefresher {
    /// One key set.
    package struct Source: Sendable {
        package var url: OutboundURL
        package var allowWeak: Bool
        /// For https; nil: such a URL fails.
        package var tls: TLSClientContext?

        package init(_ url: OutboundURL, allowWeak: Bool = false, tls: TLSClientContext? = nil) {
            self.url = url
            self.allowWeak = allowWeak
            self.tls = tls
        }
    }

    private let loop: EventLoop
    private let cache: LoopBound<RemoteKeyCache>

    /// Fetches nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - constant: the keys of the config itself, which are always in force.
    ///   - loop: where calls are made; not a worker's.
    ///   - ended: told of the end of each fetch.
    ///   - apply: puts keys into force, and calls back when they are.
    package init(
        _ sources: [Source], constant: KeySet, algorithms: [Algorithm], loop: EventLoop,
        resolver: Resolver, logger: Logger,
        chance: @escaping @Sendable () -> Double = RemoteKeys.chance,
        ended: @escaping @Sendable (_ isGood: Bool) -> Void = { _ in },
        apply: @escaping @Sendable (KeySet, @escaping @Sendable () -> Void) -> Void
    ) {
        self.loop = loop
        cache = loop.bind(
            RemoteKeyCache(
                sources, constant: constant, algorithms: algorithms, loop: loop, resolver: resolver, logger: logger,
                chance: chance, ended: ended, apply: apply))
    }

    /// Begins to fetch; waits for nothing.
    package func start() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.start() } }
    }

    /// Takes the place of `other`, on the same loop: what it has of the same addresses stays, and who waits for it waits
    /// for this one. `done` gets all keys that are known then, and whoever puts them into force calls ``confirm()``.
    package func takeOver(from other: RemoteKeys?, _ done: @escaping @Sendable (KeySet) -> Void) {
        loop.submit { [cache] in
            cache.assumeOnLoop { cache in
                other?.cache.assumeOnLoop { cache.takeOver(from: $0) }
                cache.start()
                done(cache.keys)
            }
        }
    }

    /// Puts into force what is known by now: more may have come while the keys of ``takeOver(from:_:)`` were on their way.
    package func confirm() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.confirm() } }
    }

    package func refresh(_ done: @escaping @Sendable () -> Void) {
        loop.submit { [cache] in cache.assumeOnLoop { $0.refresh(done) } }
    }

    /// Ends all calls.
    package func stop() {
        loop.submit { [cache] in cache.assumeOnLoop { $0.stop() } }
    }

    /// From 0 to 1.
    package static let chance: @Sendable () -> Double = {
        Double(Random.bytes(2).reduce(0) { $0 << 8 | UInt32($1) }) / 65535
    }
}

/// All sources together, on the services' loop.
private final class RemoteKeyCache {
    private let sources: [KeySource]
    private let constant: KeySet
    private let apply: @Sendable (KeySet, @escaping @Sendable () -> Void) -> Void
    /// Who waits for the fetches that are on their way.
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
            KeySource(
                source, algorithms: algorithms, loop: loop, resolver: resolver, logger: logger, chance: chance,
                told: ended)
        }
    }

    /// All that is known.
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
        if !sources.contains(where: \.isFetching) { tellWaiting() }
    }

    func stop() {
        for source in sources { source.stop() }
        tellWaiting()
    }

    func refresh(_ done: @escaping @Sendable () -> Void) {
        var isFetching = false
        for source in sources where source.refresh() { isFetching = true }
        guard isFetching, waiting.count < Self.maximumWaiting else { return done() }
        waiting.append(done)
    }

    /// A fetch of some source has ended; `isNew`: its keys are others than before.
    private func fetched(_ isNew: Bool) {
        if isNew {
            let keys = keys
            // Who waits goes on when the new keys are in force, not before.
            let waiting = sources.contains(where: \.isFetching) ? [] : takeWaiting()
            apply(keys) { for done in waiting { done() } }
        } else if !sources.contains(where: \.isFetching) {
            tellWaiting()
        }
    }

    private func tellWaiting() {
        for done in takeWaiting() { done() }
    }

    private func takeWaiting() -> [@Sendable () -> Void] {
        let waiting = waiting
        self.waiting = []
        return waiting
    }

    /// Each is a request that waits; beyond it requests are judged by the keys that are there.
    private static let maximumWaiting = 10_000
}

/// One URL.
private final class KeySource {
    private(set) var keys: KeySet?

    private let url: OutboundURL
    private let allowWeak: Bool
    private let algorithms: [Algorithm]
    private let loop: EventLoop
    private let client: OutboundClient
    private let logger: Logger
    private let chance: () -> Double
    private let told: (Bool) -> Void
    private var schedule = KeyRefreshSchedule()
    private var timer: LoopTimer?
    private var call: OutboundCall?
    /// What `keys` was read from: the same text again needs no reading.
    private var text: [UInt8] = []
    private var fetched: ((Bool) -> Void)?

    init(
        _ source: RemoteKeys.Source, algorithms: [Algorithm], loop: EventLoop,
        resolver: Resolver, logger: Logger, chance: @escaping () -> Double, told: @escaping (Bool) -> Void
    ) {
        self.told = told
        url = source.url
        allowWeak = source.allowWeak
        self.algorithms = algorithms
        self.loop = loop
        client = OutboundClient(loop: loop, resolver: resolver, tls: source.tls)
        self.logger = logger
        self.chance = chance
    }

    var isFetching: Bool { schedule.isFetching }

    /// What one has the other may take.
    func isSame(as other: KeySource) -> Bool {
        url == other.url && allowWeak == other.allowWeak && algorithms == other.algorithms
    }

    /// Keeps what was fetched, and goes on waiting; what is on its way is fetched again.
    func takeOver(from old: KeySource) {
        keys = old.keys
        text = old.text
        if !old.isFetching, old.keys != nil { schedule = old.schedule }
    }

    /// - Parameter fetched: called at the end of each fetch, with whether there are other keys than before.
    func start(_ fetched: @escaping (Bool) -> Void) {
        self.fetched = fetched
        timer = loop.makeTimer { [weak self] in self?.timeCame() }
        timeCame()
    }

    func stop() {
        timer?.cancel()
        call?.cancel()
        call = nil
        fetched = nil
    }

    /// A key is wanted that is not there. False when no fetch is made for it.
    func refresh() -> Bool {
        guard fetched != nil else { return false }
        switch schedule.keyWanted(loop.now) {
        case .fetch: fetch()
        case .join: break
        case .refuse: return false
        }
        return true
    }

    private func timeCame() {
        if schedule.timeCame(loop.now) { fetch() } else { timer?.set(schedule.due) }
    }

    private func fetch() {
        timer?.cancel()
        var request = OutboundRequest(url: url, timeout: Self.timeout, maximumBytes: Self.maximumBytes)
        request.fields = [("Accept", "application/jwk-set+json, application/json")]
        call = client.send(request) { [weak self] result in self?.ended(result) }
    }

    private func ended(_ result: Result<OutboundResponse, OutboundFailure>) {
        call = nil
        let now = loop.now
        var isNew = false
        do throws(Refusal) {
            let response = try Self.good(result)
            isNew = try read(response.body)
            schedule.succeeded(
                now,
                maxAge: Freshness.maxAge(cacheControl: response.field("Cache-Control"), age: response.field("Age")),
                chance: chance())
            told(true)
        } catch {
            schedule.failed(now, chance: chance())
            told(false)
            logger.warning(
                "key set not fetched",
                metadata: [
                    "url": "\(url)", "cause": "\(error.cause)", "keys": "\(keys?.keys.count ?? 0)",
                    "again": "\(UInt64(schedule.due.since(now).seconds.rounded(.up))) s",
                ])
        }
        timer?.set(schedule.due)
        fetched?(isNew)
    }

    /// Takes the keys over; true when they are others than before.
    private func read(_ body: [UInt8]) throws(Refusal) -> Bool {
        if keys != nil, body == text { return false }
        let set: KeySet
        do {
            set = try KeySet(jwks: body, allowWeak: allowWeak, isLenient: true)
        } catch {
            throw Refusal(cause: "\(error)")
        }
        let useful = set.keys.filter { key in algorithms.contains { key.serves($0) } }
        guard !useful.isEmpty else { throw Refusal(cause: "none of its keys serves one of token.algorithms") }
        for reason in set.ignored {
            logger.warning("key left out of a key set", metadata: ["url": "\(url)", "cause": "\(reason)"])
        }
        logger.info(
            keys == nil ? "key set fetched" : "key set changed",
            metadata: ["url": "\(url)", "keys": "\(useful.count)"])
        keys = KeySet(keys: useful)
        text = body
        return true
    }

    private static func good(_ result: Result<OutboundResponse, OutboundFailure>) throws(Refusal) -> OutboundResponse {
        switch result {
        case .success(let response) where response.status == 200: return response
        case .success(let response): throw Refusal(cause: "the answer has the status \(response.status)")
        case .failure(let failure): throw Refusal(cause: failure.description)
        }
    }

    /// Why a set is not taken.
    private struct Refusal: Error {
        let cause: String
    }

    private static let timeout = Nanoseconds.seconds(5)
    /// A hundred keys with their certificates.
    private static let maximumBytes = 512 * 1024
}
