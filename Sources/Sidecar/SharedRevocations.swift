// SPDX-License-Identifier: Apache-2.0

import Gate
import Proxy
import Reactor
import Redis

/// Ends sessions on every replica: what ends here is told to the others, and what they tell ends here.
///
/// Published, so that it takes no longer than the way there and back; and kept in a sorted set until no such session can
/// be alive, so that a replica that starts, or whose connection was cut, learns of it then.
final class SharedRevocations: RevocationBroadcaster {
    private let gates: LiveGates
    private let loop: EventLoop
    private let desk: LoopBound<RevocationDesk>

    init(_ store: SharedStore, coding: RevocationCoding, gates: LiveGates, loop: EventLoop) {
        self.gates = gates
        self.loop = loop
        desk = loop.bind(RevocationDesk(store, coding, gates, loop))
    }

    /// Connects, and waits until the revocations in force are known, but not for long: without Redis the process serves
    /// all the same.
    func start() {
        let isLoaded = Reply<Bool>()
        loop.submit { [desk] in desk.assumeOnLoop { $0.start { isLoaded.give(true) } } }
        _ = isLoaded.wait(milliseconds: Self.patience)
    }

    /// Other secrets: what was sealed by a replica that had them before is looked at again.
    func replace(_ coding: RevocationCoding) {
        loop.submit { [desk] in desk.assumeOnLoop { $0.replace(coding) } }
    }

    func revoke(_ revocation: Revocation, _ done: @escaping @Sendable (Bool) -> Void) {
        gates.revoke(revocation) { [loop, desk] isRemembered in
            loop.submit {
                desk.assumeOnLoop { desk in desk.tell(revocation) { done(isRemembered && $0) } }
            }
        }
    }

    /// Other replicas ask Redis of the token within a minute.
    func tokenSpent(_ replayKeys: [[UInt8]], _ done: @escaping @Sendable () -> Void) {
        gates.tokenSpent(replayKeys, done)
    }

    private static let patience: Int32 = 1000
}

/// The process's two connections for it, on the services' loop.
private final class RevocationDesk {
    private struct Unsent {
        let text: [UInt8]
        let revocation: Revocation
    }

    private let store: SharedStore
    private var coding: RevocationCoding
    private let gates: LiveGates
    private let loop: EventLoop
    /// Both clocks when this began.
    private let began: (wall: Double, monotonic: Double)
    private var commands: RedisConnection?
    private var listener: RedisConnection?
    /// What could not be told yet.
    private var unsent: [Unsent] = []
    private var isTelling = false
    private var isLoading = false
    private var retry: LoopTimer?
    private var loaded: (() -> Void)?
    /// Not before then, and the pause after the next nonsense, in seconds.
    private var nextLoad = MonotonicTime(nanoseconds: 0)
    private var loadPause: UInt64 = 1

    init(_ store: SharedStore, _ coding: RevocationCoding, _ gates: LiveGates, _ loop: EventLoop) {
        self.store = store
        self.coding = coding
        self.gates = gates
        self.loop = loop
        began = (wallClockNow(), MonotonicTime.current().seconds)
    }

    /// The wall clock as it would be had nobody set it since this began. What all replicas share is not removed because
    /// this one's clock jumped ahead.
    private var steadyClock: Double { began.wall + (loop.now.seconds - began.monotonic) }

    func start(_ loaded: @escaping () -> Void) {
        self.loaded = loaded
        retry = loop.makeTimer { [weak self] in
            self?.load()
            self?.tellUnsent()
        }
        commands = store.connect(on: loop, isTold: true) { [weak self] in
            self?.tellUnsent()
            self?.load()
        }
        // Listen first, then look: nothing falls between.
        listener = store.connect(
            on: loop, channel: Self.channel, message: { [weak self] in self?.heard([$0]) }
        ) { [weak self] in
            self?.load()
        }
    }

    func replace(_ coding: RevocationCoding) {
        self.coding = coding
        load()
    }

    // MARK: Telling

    func tell(_ revocation: Revocation, _ done: @escaping (Bool) -> Void) {
        if let session = revocation.storedSession {
            commands?.send(RESPCommand("DEL", store.sessionKey(session)), .count) { _ in }
        }
        send(Unsent(text: coding.seal(revocation), revocation: revocation), done)
    }

    private func send(_ message: Unsent, _ done: @escaping (Bool) -> Void) {
        guard let commands else { return done(false) }
        let now = loop.wallClock
        let arguments = [
            message.text, Self.milliseconds(message.revocation.expiresAt), Self.milliseconds(now),
            Array(String(Self.capacity).utf8), store.key(Self.channel), Self.milliseconds(min(now, steadyClock)),
        ]
        let command = RESPCommand(
            [Array("EVAL".utf8), Array(Self.script.utf8), Array("1".utf8), store.key(Self.set)] + arguments)
        commands.send(command, .flag) { [weak self] result in
            switch result {
            case .success(let isKept): done(isKept)
            case .failure(let failure):
                self?.failed(message, failure)
                done(false)
            }
        }
    }

    /// It ends here all the same, and elsewhere as soon as that can be told.
    private func failed(_ message: Unsent, _ failure: RedisFailure) {
        store.complain(failure, "the end of sessions")
        guard unsent.count < Self.capacity else { return }
        unsent.append(message)
        retry?.set(loop.now.advanced(by: .seconds(1)))
    }

    private func tellUnsent() {
        guard !isTelling, !unsent.isEmpty, commands?.isReady ?? false else { return }
        isTelling = true
        let messages = unsent
        unsent = []
        var missing = messages.count
        for message in messages {
            send(message) { [weak self] _ in
                missing -= 1
                if missing == 0 { self?.isTelling = false }
            }
        }
    }

    // MARK: Hearing

    private func heard(_ texts: [[UInt8]]) {
        // One that seems to be over may not be: this clock may be ahead, and be set back.
        let revocations = texts.compactMap { coding.open($0) }
        if !revocations.isEmpty { gates.revoke(all: revocations) }
    }

    /// Looks at all that is kept.
    private func load() {
        let isDue = loop.now >= nextLoad
        guard isDue, !isLoading, listener?.isReady ?? false, commands?.isReady ?? false else { return }
        isLoading = true
        scan(0, RedisScanLimits(rounds: Self.maximumRounds, members: Self.maximumMembers))
    }

    private func scan(_ cursor: UInt64, _ limits: RedisScanLimits) {
        let command = RESPCommand(
            [Array("ZSCAN".utf8), store.key(Self.set)] + [String(cursor), "COUNT", "1000"].map { Array($0.utf8) })
        commands?.send(command, .sortedSetPage) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): loadFailed(failure)
            case .success(let page):
                var limits = limits
                guard limits.admits(page) else {
                    let cause = "the replies to ZSCAN have no end"
                    commands?.reject(cause)
                    return loadFailed(.unexpectedReply(cause))
                }
                heard(page.members)
                guard page.cursor == 0 else { return scan(page.cursor, limits) }
                isLoading = false
                loadPause = 1
                loaded?()
                loaded = nil
            }
        }
    }

    /// Tries again: soon when Redis was out of reach, less and less often when it answers nonsense.
    private func loadFailed(_ failure: RedisFailure) {
        store.complain(failure, "the sessions that ended")
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
    /// A thousand places of a table at a time, which may be larger than its content, and may change meanwhile: then
    /// members come more than once.
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
