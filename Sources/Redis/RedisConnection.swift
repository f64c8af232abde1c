// SPDX-License-Identifier: Apache-2.0

import Reactor

/// A loop's one connection to Redis: commands are pipelined, each with a time limit, and a connection that breaks or
/// stalls is replaced.
///
/// While there is none, commands wait for it if the next attempt is due within their time limit, and fail at once if
/// not. Confined to its loop.
package final class RedisConnection {
    private enum State {
        case idle
        /// A sentinel is asked where the server is.
        case locating
        case connecting(RedisDialer)
        case handshaking(RedisPipeline)
        case ready(RedisPipeline, since: MonotonicTime)
        /// No attempt is made before then.
        case backingOff(until: MonotonicTime)
        case closed
    }

    package let configuration: RedisConfiguration
    private let loop: EventLoop
    private let resolver: Resolver
    private let report: (RedisEvent) -> Void
    /// A channel to subscribe to; such a connection takes no other commands.
    private let channel: [UInt8]?
    private let credentials: () -> RedisCredentials
    private let message: ([UInt8]) -> Void

    private var state = State.idle
    /// Where the last attempt led; nil: none did yet.
    private var target: RedisConfiguration.Endpoint?
    private var follower: RedisSentinelLocator.Follower?
    private var backoff = RedisBackoff()
    /// Submitted before there was a connection.
    private var waiting: [PendingCommand] = []
    private var attempt: LoopTimer?
    private var deadlines: LoopTimer?
    private var idle: LoopTimer?
    private var isOut = false
    private var lastCause = ""

    /// - Parameters:
    ///   - channel: subscribed to on each connection before it counts as connected.
    ///   - credentials: called for each connection; nil: those of the configuration.
    ///   - message: gets messages published on the channel.
    ///   - report: called on the loop.
    package init(
        _ configuration: RedisConfiguration, loop: EventLoop, resolver: Resolver, channel: [UInt8]? = nil,
        credentials: (() -> RedisCredentials)? = nil, message: @escaping ([UInt8]) -> Void = { _ in },
        report: @escaping (RedisEvent) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.loop = loop
        self.resolver = resolver
        self.channel = channel
        self.credentials = credentials ?? { configuration.credentials }
        self.message = message
        self.report = report
    }

    package var isReady: Bool { if case .ready = state { true } else { false } }

    /// The server of the last attempt to connect; nil: none is known yet.
    package var endpoint: RedisConfiguration.Endpoint? { target ?? configuration.endpoint }

    /// Connects before the first command.
    package func start() {
        guard case .idle = state else { return }
        attempt = loop.makeTimer { [weak self] in self?.attemptOver() }
        deadlines = loop.makeTimer { [weak self] in self?.expire() }
        idle = loop.makeTimer { [weak self] in self?.idleCheck() }
        if let locator { follower = locator.follow(on: loop, loop.bind { [weak self] in self?.primaryMoved(to: $0) }) }
        connect()
    }

    /// Sends a command; `completion` is called once, on the loop, and never from within this call.
    ///
    /// - Parameter shape: the reply's expected type; any other ends the connection.
    package func send<Value>(
        _ command: RESPCommand, _ shape: RedisReply<Value>,
        _ completion: @escaping (Result<Value, RedisFailure>) -> Void
    ) {
        submit([
            PendingCommand(command, shape, deadline: loop.now.advanced(by: configuration.timeout), completion)
        ])
    }

    /// Sends commands one right after another: all of them, or none.
    func submit(_ commands: [PendingCommand]) {
        if case .idle = state { start() }
        if let failure = refusalToTake() {
            return loop.afterEvent { for command in commands { command.notSent(failure) } }
        }
        for command in commands {
            if case .ready(let pipeline, _) = state { pipeline.send(command) } else { waiting.append(command) }
        }
        schedule()
    }

    /// Closes it permanently; waiting commands fail.
    package func close() {
        drop("closed")
        state = .closed
        if let follower, let locator { locator.unfollow(follower) }
        follower = nil
        for timer in [attempt, deadlines, idle] { timer?.cancel() }
    }

    /// The replies are well-formed but inconsistent: ends this connection as for a malformed one.
    package func reject(_ cause: String) {
        report(.unexpectedReply(cause))
        drop(cause)
    }

    private func refusalToTake() -> RedisFailure? {
        if waiting.count + (pipeline?.count ?? 0) >= Self.maximumPending
            || (pipeline?.unsentBytes ?? 0) > Self.maximumOutput
        {
            return .overloaded
        }
        switch state {
        case .closed: return .unreachable("closed")
        case .backingOff(let until):
            return until > loop.now.advanced(by: configuration.timeout) ? .unreachable(lastCause) : nil
        case .idle, .locating, .connecting, .handshaking, .ready: return nil
        }
    }

    private var pipeline: RedisPipeline? {
        switch state {
        case .handshaking(let pipeline), .ready(let pipeline, _): pipeline
        case .idle, .locating, .connecting, .backingOff, .closed: nil
        }
    }

    // MARK: Connecting

    private func connect() {
        switch configuration.place {
        case .at(let endpoint): dial(endpoint)
        case .primary(let locator):
            state = .locating
            // The locator answers in bounded time.
            attempt?.cancel()
            locator.locate(instead: target, on: loop, loop.bind { [weak self] in self?.located($0) })
        }
    }

    private func located(_ result: Result<RedisConfiguration.Endpoint, RedisFailure>) {
        guard case .locating = state else { return }
        switch result {
        case .success(let endpoint): dial(endpoint)
        case .failure(let failure): drop(failure.description)
        }
    }

    private func dial(_ endpoint: RedisConfiguration.Endpoint) {
        target = endpoint
        attempt?.set(loop.now.advanced(by: configuration.connectTimeout))
        let dialer = RedisDialer(configuration, to: endpoint, loop: loop) { [weak self] outcome in
            guard let self else {
                if case .connected(let transport) = outcome { transport.close() }
                return
            }
            switch outcome {
            case .connected(let transport): handshake(on: transport)
            case .failed(let cause): drop(cause)
            }
        }
        state = .connecting(dialer)
        dialer.start(resolver)
    }

    /// Performs the handshake. All commands are sent at once; the first error reply gives the cause.
    private func handshake(on transport: Transport) {
        let credentials = credentials()
        let pipeline = RedisPipeline(
            transport, loop: loop, channel: channel, isSentinel: configuration.isSentinel,
            password: credentials.password, message: message,
            ended: { [weak self] end in
                switch end {
                case .lost(let cause): self?.drop(cause)
                case .unexpectedReply(let cause): self?.reject(cause)
                }
            })
        state = .handshaking(pipeline)
        pipeline.open()
        var refusal: String?
        let commands = handshakeCommands(credentials)
        for (index, (command, shape)) in commands.enumerated() {
            pipeline.send(
                PendingCommand(command, shape, deadline: .distantFuture) { [weak self] result in
                    guard let self, case .handshaking(let pipeline) = state else { return }
                    switch result {
                    case .success(let reason?): refusal = refusal ?? reason
                    case .failure(.refused(let text)) where Self.isFatal(text): refusal = refusal ?? text
                    case .success, .failure: break
                    }
                    guard index == commands.count - 1 else { return }
                    if let refusal {
                        drop(refusal)
                    } else {
                        handshakeReplied(pipeline)
                    }
                })
        }
        pipeline.flush()
    }

    /// Each with the form of its reply, whose value is the reason not to use the server.
    private func handshakeCommands(_ credentials: RedisCredentials) -> [(RESPCommand, RedisReply<String?>)] {
        var commands: [(RESPCommand, RedisReply<String?>)] = []
        if !credentials.password.isEmpty {
            let command =
                credentials.user.isEmpty
                ? RESPCommand("AUTH", credentials.password)
                : RESPCommand("AUTH", credentials.user, credentials.password)
            commands.append((command, .accepting(.ok)))
        }
        if configuration.database != 0 {
            commands.append((RESPCommand("SELECT", texts: "\(configuration.database)"), .accepting(.ok)))
        }
        if locator != nil { commands.append((RESPCommand("ROLE"), .primaryRole)) }
        commands.append((RESPCommand("PING"), .accepting(.pong)))
        if let channel {
            commands.append((RESPCommand("SUBSCRIBE", channel), .accepting(.subscription(to: channel))))
        }
        return commands
    }

    /// An ACL that excludes PING is not fatal.
    private static func isFatal(_ refusal: String) -> Bool {
        !(refusal.hasPrefix("NOPERM") && refusal.lowercased().contains("'ping'"))
    }

    private func handshakeReplied(_ pipeline: RedisPipeline) {
        attempt?.cancel()
        state = .ready(pipeline, since: loop.now)
        pipeline.becomeReady()
        isOut = false
        let early = waiting
        waiting = []
        for pending in early { pipeline.send(pending) }
        idle?.set(loop.now.advanced(by: configuration.idleInterval))
        schedule()
        report(.connected)
    }

    private func attemptOver() {
        switch state {
        case .connecting, .handshaking: drop("the connection timed out")
        case .backingOff: connect()
        case .idle, .locating, .ready, .closed: break
        }
    }

    // MARK: Failover

    private var locator: RedisSentinelLocator? {
        if case .primary(let locator) = configuration.place { locator } else { nil }
    }

    /// Another server is the primary now: this one is left at once, though its connection may look alive. Commands that
    /// were not sent yet wait for the new one.
    private func primaryMoved(to endpoint: RedisConfiguration.Endpoint) {
        switch state {
        case .idle, .locating, .closed: return
        case .backingOff: break
        case .connecting, .handshaking, .ready:
            if target == endpoint { return }
        }
        let failed = disconnect()
        dial(endpoint)
        loop.afterEvent { for pending in failed { pending.fail(.unreachable("the primary is now \(endpoint)")) } }
    }

    // MARK: Time

    /// All commands have the same time limit, so the oldest expire first.
    private func schedule() {
        var next = pipeline?.deadline ?? .distantFuture
        if let first = waiting.first { next = min(next, first.deadline) }
        if let deadlines, next < deadlines.deadline || deadlines.deadline == .distantFuture, next != .distantFuture {
            deadlines.set(next)
        }
    }

    /// An expired command ends the connection: if its reply never came, all later replies would be matched to the wrong
    /// commands.
    private func expire() {
        let now = loop.now
        var late: [PendingCommand] = []
        while let first = waiting.first, first.deadline <= now {
            waiting.removeFirst()
            late.append(first)
        }
        let unanswered = pipeline?.takeExpired(now) ?? []
        late += unanswered
        if unanswered.isEmpty { schedule() } else { drop("no reply in time") }
        for pending in late { pending.fail(.timeout) }
    }

    private func idleCheck() {
        guard case .ready(let pipeline, _) = state else { return }
        idle?.set(loop.now.advanced(by: configuration.idleInterval))
        guard pipeline.count == 0 else { return }
        send(RESPCommand("PING"), channel == nil ? .pong : .subscriberPong) { _ in }
    }

    // MARK: The end of a connection

    /// Closes the connection, fails waiting commands, and backs off before the next attempt.
    private func drop(_ cause: String) {
        if case .closed = state { return }
        var uptime: Nanoseconds?
        if case .ready(_, let since) = state { uptime = loop.now.since(since) }
        let failed = disconnect()
        let unsent = waiting
        waiting = []
        lastCause = cause
        let pause = backoff.failed(after: uptime, chance: Double.random(in: 0...1))
        state = .backingOff(until: loop.now.advanced(by: pause))
        attempt?.set(loop.now.advanced(by: pause))
        deadlines?.cancel()
        if !isOut {
            isOut = true
            report(.lost(cause))
        }
        loop.afterEvent {
            for pending in failed { pending.fail(.unreachable(cause)) }
            for pending in unsent { pending.notSent(.unreachable(cause)) }
        }
    }

    /// Closes the connection, or ends the attempt to make one; returns the commands that were sent.
    private func disconnect() -> [PendingCommand] {
        idle?.cancel()
        switch state {
        case .idle, .locating, .backingOff, .closed: return []
        case .connecting(let dialer):
            dialer.cancel()
            return []
        case .handshaking(let pipeline), .ready(let pipeline, _): return pipeline.close()
        }
    }

    private static let maximumPending = 10_000
    private static let maximumOutput = 16 << 20
}
