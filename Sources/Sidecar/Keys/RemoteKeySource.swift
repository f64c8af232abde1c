// SPDX-License-Identifier: Apache-2.0

import JWT
import Logging
import Outbound
import Reactor

/// The key set of one URL.
final class RemoteKeySource: FetchedSource {
    let providerName: String
    private(set) var keys: KeySet?

    private let url: OutboundURL
    private let allowWeak: Bool
    private let allowsLocalAddress: Bool
    private let algorithms: [Algorithm]
    private let loop: EventLoop
    private let client: OutboundClient
    private let logger: Logger
    private let chance: () -> Double
    private let report: (Bool) -> Void
    private var schedule = KeyRefreshSchedule()
    private var timer: LoopTimer?
    private var call: OutboundCall?
    /// The text of `keys`: the same text again is not parsed.
    private var text: [UInt8] = []
    private var fetched: ((Bool) -> Void)?
    private var fetches: SourceReport

    /// - Parameter provider: the name of the provider whose keys they are.
    init(
        _ source: RemoteKeys.Source, of provider: String, algorithms: [Algorithm], loop: EventLoop,
        resolver: Resolver, logger: Logger, chance: @escaping () -> Double, report: @escaping (Bool) -> Void
    ) {
        self.report = report
        providerName = provider
        fetches = SourceReport(provider: provider, kind: .keys, url: source.url.description, due: .distantFuture)
        url = source.url
        allowWeak = source.allowWeak
        allowsLocalAddress = source.allowsLocalAddress
        self.algorithms = algorithms
        self.loop = loop
        client = OutboundClient(loop: loop, resolver: resolver, tls: source.tls)
        self.logger = logger
        self.chance = chance
    }

    var isAwaited: Bool { schedule.isFetching || schedule.isPromised }

    var reports: [SourceReport] {
        var report = fetches
        report.keys = keys?.keys.count ?? 0
        report.due = schedule.due
        return [report]
    }

    func isSame(as other: RemoteKeySource) -> Bool {
        providerName == other.providerName && url == other.url && allowWeak == other.allowWeak
            && algorithms == other.algorithms
    }

    func takeOver(from old: RemoteKeySource) {
        keys = old.keys
        text = old.text
        fetches = old.fetches
        if !old.schedule.isFetching, old.keys != nil { schedule = old.schedule }
    }

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

    func refresh(isProven: Bool) -> Bool {
        guard fetched != nil else { return false }
        switch schedule.keyWanted(loop.now, isProven: isProven) {
        case .fetch: fetch()
        case .join: break
        case .later: timer?.set(schedule.due)
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
        request.allowsLocalAddress = allowsLocalAddress
        call = client.send(request) { [weak self] result in self?.ended(result) }
    }

    private func ended(_ result: Result<OutboundResponse, OutboundFailure>) {
        call = nil
        let now = loop.now
        var isNew = false
        do throws(DocumentRefusal) {
            let response = try result.document()
            isNew = try read(response.body)
            schedule.succeeded(
                now,
                maxAge: Freshness.maxAge(cacheControl: response.field("Cache-Control"), age: response.field("Age")),
                chance: chance())
            fetches.succeeded(loop.wallClock)
            report(true)
        } catch {
            // Without any keys nobody can sign in, so the pause is short.
            schedule.failed(now, chance: chance(), mostDelay: keys == nil ? Self.mostDelay : nil)
            fetches.failed(loop.wallClock, error.cause)
            report(false)
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

    /// Replaces the keys; true when they have changed.
    private func read(_ body: [UInt8]) throws(DocumentRefusal) -> Bool {
        if keys != nil, body == text { return false }
        let set: KeySet
        do throws(KeyError) {
            set = try KeySet(jwks: body, allowWeak: allowWeak, isLenient: true)
        } catch {
            throw DocumentRefusal(cause: error.message)
        }
        let useful = set.keys.filter { key in algorithms.contains { key.serves($0) } }
        guard !useful.isEmpty else {
            throw DocumentRefusal(cause: "none of its keys can be used with token.algorithms")
        }
        for reason in set.ignored {
            logger.warning("key ignored in a key set", metadata: ["url": "\(url)", "cause": "\(reason)"])
        }
        logger.info(
            keys == nil ? "key set fetched" : "key set changed",
            metadata: ["url": "\(url)", "keys": "\(useful.count)"])
        keys = KeySet(keys: useful)
        text = body
        return true
    }

    private static let timeout = Nanoseconds.seconds(5)
    /// Between attempts while there are no keys; in seconds.
    private static let mostDelay: Double = 15
    /// A hundred keys with their certificates.
    private static let maximumBytes = 512 * 1024
}
