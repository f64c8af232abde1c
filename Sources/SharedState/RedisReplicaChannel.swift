// SPDX-License-Identifier: Apache-2.0

import Reactor
import Redis

/// Broadcasts over Redis: published, so that a message takes one round trip, and retained in a sorted set by the time of
/// expiry.
///
/// It has two connections, since one that subscribes takes no other commands.
final class RedisReplicaChannel: ReplicaChannel {
    private let store: RedisReplicaStore
    private let loop: EventLoop
    private let events: ReplicaChannelEvents
    /// Both clocks at the start.
    private let began: (wall: Double, monotonic: Double)
    private var commands: (any RedisClient)?
    private var subscriber: (any RedisSubscription)?
    private var isLoading = false
    private var isLoaded = false
    private var retry: LoopTimer?
    /// No load starts before then.
    private var nextLoad = MonotonicTime(nanoseconds: 0)
    /// The pause after the next unexpected reply, in seconds.
    private var loadPause: UInt64 = 1

    init(_ store: RedisReplicaStore, loop: EventLoop, _ events: ReplicaChannelEvents) {
        self.store = store
        self.loop = loop
        self.events = events
        began = (wallClockNow(), MonotonicTime.current().seconds)
    }

    func start() {
        retry = loop.makeTimer { [weak self] in self?.receiveRetained() }
        // Subscribes before it reads what is retained, so that no message is missed.
        (commands, subscriber) = store.openChannel(
            store.key(Self.channel), on: loop, message: { [weak self] in self?.events.received([$0]) },
            connected: { [weak self] in
                self?.events.connected()
                self?.receiveRetained()
            },
            subscribed: { [weak self] in self?.receiveRetained() })
    }

    var isReady: Bool { commands?.isReady ?? false }

    func close() {
        retry?.cancel()
        commands?.close()
        subscriber?.close()
    }

    func delete(_ key: ReplicaKey) {
        commands?.send(RESPCommand("DEL", store.key(key)), .count) { _ in }
    }

    func broadcast(_ message: [UInt8], expiresAt: Double, _ completion: @escaping ReplicaCompletion<Bool>) {
        let now = loop.wallClock
        let arguments = [
            message, Self.milliseconds(expiresAt), Self.milliseconds(now), Array(String(Self.capacity).utf8),
            store.key(Self.channel), Self.milliseconds(min(now, steadyClock)),
        ]
        let command = RESPCommand(
            [Array("EVAL".utf8), Array(Self.script.utf8), Array("1".utf8), store.key(Self.set)] + arguments)
        guard let commands else { return loop.afterEvent { completion(.failure(ReplicaFailure("closed"))) } }
        commands.send(command, .flag) { completion($0.mapError { ReplicaFailure($0) }) }
    }

    /// The wall clock as it would be without the adjustments since the start. A replica whose clock jumps ahead must not
    /// remove messages that all of them share.
    private var steadyClock: Double { began.wall + (loop.now.seconds - began.monotonic) }

    // MARK: Retained messages

    func receiveRetained() {
        let isDue = loop.now >= nextLoad
        guard isDue, !isLoading, subscriber?.isReady ?? false, isReady else { return }
        isLoading = true
        scan(nil, RedisScanLimits(rounds: Self.maximumRounds, members: Self.maximumMembers))
    }

    /// - Parameter previous: the page before; nil: the iteration begins.
    private func scan(_ previous: RedisScanPage?, _ limits: RedisScanLimits) {
        let arguments = [String(previous?.cursor ?? 0), "COUNT", "1000"].map { Array($0.utf8) }
        let command = RESPCommand([Array("ZSCAN".utf8), store.key(Self.set)] + arguments)
        commands?.scan(command, .sortedSetPage) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): loadFailed(failure)
            case .success(let page):
                var limits = limits
                guard limits.admits(page) else {
                    let cause = "the replies to ZSCAN have no end"
                    commands?.reject(cause, by: page.server)
                    return loadFailed(.unexpectedReply(cause))
                }
                // The set has moved to a server for which the cursor means nothing.
                if let previous, previous.server != page.server { return scan(nil, limits) }
                events.received(page.members)
                guard page.cursor == 0 else { return scan(page, limits) }
                isLoading = false
                loadPause = 1
                guard !isLoaded else { return }
                isLoaded = true
                events.loaded()
            }
        }
    }

    /// Tries again: after a second when Redis was out of reach, and at growing intervals when its replies are unexpected.
    private func loadFailed(_ failure: RedisFailure) {
        store.report(ReplicaFailure(failure), "the sessions that ended")
        isLoading = false
        var pause = UInt64(1)
        if case .unexpectedReply = failure {
            pause = loadPause
            loadPause = min(2 * loadPause, Self.longestLoadPause)
            nextLoad = loop.now.advanced(by: .milliseconds(1000 * pause))
        }
        retry?.set(loop.now.advanced(by: .milliseconds(1000 * pause)))
    }

    private static func milliseconds(_ seconds: Double) -> [UInt8] {
        Array(String(Int(max(0, min(seconds, 1e12)) * 1000)).utf8)
    }

    private static let channel = "revocations"
    private static let set = "revoked"
    /// As many as a gate remembers.
    private static let capacity = 65_536
    /// ZSCAN visits about a thousand places of a table in each round. The table may be larger than its content, and may be
    /// resized meanwhile: then members are returned more than once.
    private static let maximumRounds = 1024
    private static let maximumMembers = 4 * capacity
    /// Seconds.
    private static let longestLoadPause: UInt64 = 64
    private static let script = """
        redis.call('PUBLISH', ARGV[5], ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[6])
        if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then
            redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
            if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
        end
        redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
        local left = math.max(1, ARGV[2] - ARGV[6])
        if redis.call('PTTL', KEYS[1]) < left then redis.call('PEXPIRE', KEYS[1], left) end
        return 1
        """
}
