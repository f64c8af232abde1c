// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Logging
import Outbound
import Reactor

/// The discovery document and the keys of one provider. When a fetch fails, the last valid ones stay.
final class OpenIDSource: FetchedSource {
    let provider: OpenIDProvider
    private(set) var metadata: OpenIDMetadata?

    private let loop: EventLoop
    private let resolver: Resolver
    private let client: OutboundClient
    private let logger: Logger
    private let chance: () -> Double
    private let report: (ProviderEndpoint, Bool) -> Void
    private var schedule = KeyRefreshSchedule()
    private var timer: LoopTimer?
    private var call: OutboundCall?
    /// The text of `metadata`: the same text again is not parsed.
    private var text: [UInt8] = []
    private var keys: KeySet?
    /// A fetch of the keys has ended, in one way or another.
    private var hasTriedKeys = false
    /// Of the address in `metadata`.
    private var keySource: (url: OutboundURL, source: RemoteKeySource)?
    private var fetched: ((Bool) -> Void)?
    private var fetches: SourceReport

    /// - Parameter report: called at the end of each fetch.
    init(
        _ provider: OpenIDProvider, loop: EventLoop, resolver: Resolver, logger: Logger,
        chance: @escaping () -> Double, report: @escaping (ProviderEndpoint, Bool) -> Void
    ) {
        self.provider = provider
        fetches = SourceReport(
            provider: provider.name, kind: .discovery, url: provider.documentURL.description, due: .distantFuture)
        self.loop = loop
        self.resolver = resolver
        client = OutboundClient(loop: loop, resolver: resolver, tls: provider.tls)
        self.logger = logger
        self.chance = chance
        self.report = report
    }

    /// Nil before the document was fetched, and its keys were, or could not be: without keys users are sent to the provider
    /// all the same, and a token's unknown key is a reason to fetch them again.
    var known: KnownProvider? {
        guard let metadata, hasTriedKeys else { return nil }
        return KnownProvider(name: provider.name, metadata: metadata, keys: keys ?? KeySet(keys: []))
    }

    var providerName: String { provider.name }

    var isAwaited: Bool { schedule.isFetching || schedule.isPromised || (keySource?.source.isAwaited ?? false) }

    var reports: [SourceReport] {
        var report = fetches
        report.due = schedule.due
        return [report] + (keySource?.source.reports ?? [])
    }

    func isSame(as other: OpenIDSource) -> Bool {
        provider.issuer == other.provider.issuer && provider.algorithms == other.provider.algorithms
    }

    func takeOver(from old: OpenIDSource) {
        (metadata, text, keys, hasTriedKeys) = (old.metadata, old.text, old.keys, old.hasTriedKeys)
        fetches = old.fetches
        if !old.schedule.isFetching, old.metadata != nil { schedule = old.schedule }
        guard let metadata, let url = OutboundURL(metadata.jwksURL) else { return }
        let source = makeKeySource(url)
        if let old = old.keySource, old.source.isSame(as: source) { source.takeOver(from: old.source) }
        keySource = (url, source)
    }

    func start(_ fetched: @escaping (Bool) -> Void) {
        self.fetched = fetched
        timer = loop.makeTimer { [weak self] in self?.timeCame() }
        keySource?.source.start { [weak self] in self?.keysFetched($0) }
        timeCame()
    }

    func stop() {
        timer?.cancel()
        call?.cancel()
        call = nil
        keySource?.source.stop()
        fetched = nil
    }

    /// A key is missing, or the provider itself is not known yet. False when no fetch is made for it.
    func refresh(isProven: Bool) -> Bool {
        guard metadata != nil, let keySource else { return refreshDocument(isProven: isProven) }
        return keySource.source.refresh(isProven: isProven)
    }

    // MARK: The document

    private func refreshDocument(isProven: Bool = false) -> Bool {
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
        let request = OutboundRequest(
            url: provider.documentURL, fields: [("Accept", "application/json")], timeout: Self.timeout,
            maximumBytes: OpenIDMetadata.maximumDocumentSize)
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
            report(.discovery, true)
        } catch {
            // Nobody can sign in yet, so the pause is short.
            schedule.failed(now, chance: chance(), mostDelay: metadata == nil ? Self.mostDelay : nil)
            fetches.failed(loop.wallClock, error.cause)
            report(.discovery, false)
            logger.warning(
                "discovery document not fetched",
                metadata: describe([
                    "cause": "\(error.cause)", "known": "\(metadata != nil)",
                    "again": "\(UInt64(schedule.due.since(now).seconds.rounded(.up))) s",
                ]))
        }
        timer?.set(schedule.due)
        fetched?(isNew && known != nil)
    }

    /// Replaces the metadata; true when they have changed.
    private func read(_ body: [UInt8]) throws(DocumentRefusal) -> Bool {
        if metadata != nil, body == text { return false }
        let next: OpenIDMetadata
        do throws(OpenIDMetadataError) {
            next = try OpenIDMetadata(document: body, issuer: provider.issuer)
        } catch {
            throw DocumentRefusal(cause: error.description)
        }
        guard let url = OutboundURL(next.jwksURL) else { throw DocumentRefusal(cause: "its jwks_uri cannot be called") }
        guard OutboundURL(next.tokenEndpoint) != nil else {
            throw DocumentRefusal(cause: "its token_endpoint cannot be called")
        }
        for reason in next.ignored {
            logger.warning("part of a discovery document ignored", metadata: describe(["cause": "\(reason)"]))
        }
        let old = metadata
        (metadata, text) = (next, body)
        if old != next {
            logger.info(
                old == nil ? "discovery document fetched" : "discovery document changed", metadata: describe([:]))
        }
        if keySource?.url != url { followKeys(to: url) }
        return old != next
    }

    // MARK: The keys

    /// Until the keys of the new address are fetched, the old ones stay.
    private func followKeys(to url: OutboundURL) {
        keySource?.source.stop()
        let source = makeKeySource(url)
        keySource = (url, source)
        source.start { [weak self] in self?.keysFetched($0) }
    }

    private func makeKeySource(_ url: OutboundURL) -> RemoteKeySource {
        RemoteKeySource(
            RemoteKeys.Source(url, tls: provider.tls, allowsLocalAddress: provider.allowsLocalAddress(of: url)),
            of: provider.name, algorithms: provider.algorithms, loop: loop,
            resolver: resolver, logger: logger, chance: chance
        ) { [weak self] in self?.keysEnded(isGood: $0) }
    }

    private func keysEnded(isGood: Bool) {
        report(.keys, isGood)
        // They may have moved.
        if !isGood { _ = refreshDocument() }
    }

    private func keysFetched(_ isNew: Bool) {
        if isNew { keys = keySource?.source.keys }
        let isFirst = !hasTriedKeys
        hasTriedKeys = true
        fetched?(isNew || isFirst)
    }

    // MARK: Sign-in

    /// Redeems a code. `done` is called exactly once, perhaps before this returns.
    func redeem(_ exchange: CodeExchange, _ done: @escaping (CodeExchangeResult) -> Void) {
        guard let metadata else {
            _ = refreshDocument()
            return done(
                .unavailable(
                    detail: "the provider's discovery document is not known; fix: \(OpenIDAdvice.unreachable)"))
        }
        CodeRedemption(exchange, provider, metadata, client, report: report, done: done).start()
    }

    private func describe(_ metadata: Logger.Metadata) -> Logger.Metadata {
        var all: Logger.Metadata = ["url": "\(provider.documentURL)"]
        if !provider.name.isEmpty { all["provider"] = "\(provider.name)" }
        return all.merging(metadata) { $1 }
    }

    private static let timeout = Nanoseconds.seconds(5)
    /// Between attempts while nothing is known; in seconds.
    private static let mostDelay: Double = 15
}
