// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization

/// The counters of the whole process, apart from those of the workers.
final class ProcessCounters: Sendable {
    let openID = OpenIDCounters()
    let spans = SpanCounters()
    private let reloads = Atomic<UInt64>(0)
    private let failedReloads = Atomic<UInt64>(0)
    private let lastReloadFailed = Atomic<Bool>(false)
    /// Sections whose files have changed to certificates that cannot be used.
    private let badCertificates = Mutex<Set<String>>([])
    private let signOuts = Atomic<UInt64>(0)
    private let keyRefreshes = Atomic<UInt64>(0)
    private let failedKeyRefreshes = Atomic<UInt64>(0)
    private let store = Mutex(StoreConnection())
    private let unexpectedRedisReplies = Atomic<UInt64>(0)
    private let redisRedirections = Atomic<UInt64>(0)
    private let primary = Mutex(RedisPrimary())

    func reloaded(isGood: Bool) {
        if isGood { reloads.add(1, ordering: .relaxed) } else { failedReloads.add(1, ordering: .relaxed) }
        lastReloadFailed.store(!isGood, ordering: .relaxed)
    }

    /// A section's certificates were re-read because their files changed.
    func certificatesReloaded(_ section: String, isGood: Bool) {
        if isGood { reloads.add(1, ordering: .relaxed) } else { failedReloads.add(1, ordering: .relaxed) }
        badCertificates.withLock { sections in
            if isGood { sections.remove(section) } else { sections.insert(section) }
        }
    }

    /// The certificates in force are those of the configuration.
    func certificatesAreGood() {
        badCertificates.withLock { $0 = [] }
    }

    /// An operator has ended sessions.
    func signedOut() { signOuts.add(1, ordering: .relaxed) }

    func keysRefreshed(isGood: Bool) {
        if isGood { keyRefreshes.add(1, ordering: .relaxed) } else { failedKeyRefreshes.add(1, ordering: .relaxed) }
    }

    func redis(isUp: Bool) {
        store.withLock { $0.changed(isUp: isUp, wallClockNow()) }
    }

    /// Of the store that replicas share.
    var storeConnection: StoreConnection { store.withLock { $0 } }

    /// A connection to Redis ended because of an unexpected reply.
    func unexpectedRedisReply() { unexpectedRedisReplies.add(1, ordering: .relaxed) }

    /// A server of a Redis Cluster sent a command to another one.
    func redisRedirection() { redisRedirections.add(1, ordering: .relaxed) }

    /// Redis Sentinel names the primary.
    func redisHasFailovers() {
        primary.withLock { $0.failovers = $0.failovers ?? 0 }
    }

    /// - Parameter address: of the primary that Redis Sentinel names.
    func redisPrimary(_ address: String) { primary.withLock { $0.address = address } }

    func redisFailedOver() {
        primary.withLock { $0.failovers = ($0.failovers ?? 0) + 1 }
    }

    /// Of the store that replicas share, where Redis Sentinel names it.
    var redisPrimary: RedisPrimary { primary.withLock { $0 } }

    var figures: Figures {
        Figures(
            reloads: reloads.load(ordering: .relaxed), failedReloads: failedReloads.load(ordering: .relaxed),
            lastReloadIsGood: !lastReloadFailed.load(ordering: .relaxed) && badCertificates.withLock { $0.isEmpty },
            signOuts: signOuts.load(ordering: .relaxed),
            keyRefreshes: keyRefreshes.load(ordering: .relaxed),
            failedKeyRefreshes: failedKeyRefreshes.load(ordering: .relaxed), openID: openID.figures,
            spans: spans.figures, isRedisUp: storeConnection.isUp,
            unexpectedRedisReplies: unexpectedRedisReplies.load(ordering: .relaxed),
            redisRedirections: redisRedirections.load(ordering: .relaxed),
            redisFailovers: redisPrimary.failovers)
    }

    /// The connection to the store, and when it last changed. Times are in seconds since 1970.
    struct StoreConnection: Sendable {
        /// nil: Redis is not configured.
        private(set) var isUp: Bool?
        private(set) var since: Double?
        private(set) var lastLost: Double?

        fileprivate mutating func changed(isUp: Bool, _ now: Double) {
            guard isUp != self.isUp else { return }
            if self.isUp == true { lastLost = now }
            self.isUp = isUp
            since = now
        }
    }

    /// The primary that Redis Sentinel names.
    struct RedisPrimary: Sendable {
        /// nil: none is known yet.
        fileprivate(set) var address: String?
        /// nil: Redis Sentinel is not configured.
        fileprivate(set) var failovers: UInt64?
    }

    struct Figures {
        var reloads: UInt64
        var failedReloads: UInt64
        /// True from the start, which would have failed otherwise.
        var lastReloadIsGood: Bool
        var signOuts: UInt64
        var keyRefreshes: UInt64
        var failedKeyRefreshes: UInt64
        /// One for each OpenID provider.
        var openID: [OpenIDCounters.Figures]
        /// nil: none are exported.
        var spans: [SpanCounters.Result: UInt64]?
        /// nil: Redis is not configured.
        var isRedisUp: Bool?
        var unexpectedRedisReplies: UInt64
        var redisRedirections: UInt64
        /// nil: Redis Sentinel is not configured.
        var redisFailovers: UInt64?
    }
}
