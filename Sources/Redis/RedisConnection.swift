// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// A loop's one connection to Redis: commands go out in one pipeline, each with a time limit, and a connection that
/// breaks or stalls is made anew.
///
/// While there is none, commands wait for it within their time if the next attempt comes in time, and fail at once if
/// not: nobody waits for what cannot come. Confined to its loop.
package final class RedisConnection: TransportOwner {
    private enum State {
        case idle
        case connecting
        /// So many replies to the introduction are missing.
        case greeting
        case ready
        /// Nothing is tried before then.
        case resting(until: MonotonicTime)
        case closed
    }

    private struct Pending {
        let encoded: [UInt8]
        let deadline: MonotonicTime
        let completion: (Result<RESPValue, RedisFailure>) -> Void
    }

    package let configuration: RedisConfiguration
    private let loop: EventLoop
    private let resolver: Resolver
    private let report: (RedisEvent) -> Void
    /// A channel that is listened to; such a connection takes no other commands.
    private let channel: [UInt8]?
    private let credentials: () -> RedisCredentials
    private let message: ([UInt8]) -> Void

    private var state = State.idle
    private var connector: Connector?
    private var transport: Transport?
    private var parser = RESPParser()
    private var backoff = RedisBackoff()
    /// Given before there was a connection.
    private var waiting: [Pending] = []
    private var inFlight: [Pending] = []
    /// Those before it have had their reply.
    private var firstInFlight = 0
    private var output: [UInt8] = []
    private var sent = 0
    private var willFlush = false
    private var attempt: LoopTimer?
    private var deadlines: LoopTimer?
    private var idle: LoopTimer?
    private var isOut = false
    private var lastCause = ""

    /// - Parameters:
    ///   - channel: is subscribed to on each connection before it counts as connected.
    ///   - credentials: asked for each connection; nil: those of the configuration.
    ///   - message: gets what is published there.
    ///   - report: on the loop.
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

    /// Connects, before anything is asked.
    package func start() {
        guard case .idle = state else { return }
        attempt = loop.makeTimer { [weak self] in self?.attemptOver() }
        deadlines = loop.makeTimer { [weak self] in self?.expire() }
        idle = loop.makeTimer { [weak self] in self?.quiet() }
        connect()
    }

    /// Sends a command; `completion` is called once, on the loop, and never from within this call.
    package func send(_ command: RESPCommand, _ completion: @escaping (Result<RESPValue, RedisFailure>) -> Void) {
        if case .idle = state { start() }
        if let failure = refusalToTake() { return loop.afterEvent { completion(.failure(failure)) } }
        let pending = Pending(
            encoded: command.encoded, deadline: loop.now.advanced(by: configuration.timeout), completion: completion)
        if case .ready = state { put(pending) } else { waiting.append(pending) }
        schedule()
    }

    /// Ends it for good; what waits fails.
    package func close() {
        drop("closed")
        state = .closed
        for timer in [attempt, deadlines, idle] { timer?.cancel() }
    }

    private func refusalToTake() -> RedisFailure? {
        if waiting.count + inFlight.count - firstInFlight >= Self.maximumPending || output.count > Self.maximumOutput {
            return .overloaded
        }
        switch state {
        case .closed: return .unreachable("closed")
        case .resting(let until):
            return until > loop.now.advanced(by: configuration.timeout) ? .unreachable(lastCause) : nil
        case .idle, .connecting, .greeting, .ready: return nil
        }
    }

    // MARK: Connecting

    private func connect() {
        state = .connecting
        attempt?.set(loop.now.advanced(by: configuration.connectTimeout))
        switch configuration.endpoint {
        case .unix(let path): connect(to: [.unix(path)])
        case .host(let host, let port):
            if let literal = SocketAddress(literal: host, port: port) { return connect(to: [literal]) }
            let answered = loop.bind { [weak self] (answer: Resolver.Answer) in
                guard let self, case .connecting = state else { return }
                switch answer {
                case .addresses(let addresses): connect(to: addresses)
                case .failure(let reason): drop("the name \(host) is not known (\(reason))")
                }
            }
            resolver.resolve(host, port: port, on: loop, answered)
        }
    }

    private func connect(to addresses: [SocketAddress]) {
        connector = Connector(to: addresses, timeout: configuration.connectTimeout, loop: loop) { [weak self] result in
            guard let self, case .connecting = state else {
                if case .success(let socket) = result { socket.close() }
                return
            }
            connector = nil
            switch result {
            case .success(let socket): secure(socket)
            case .failure(let error): drop(error.isTimeout ? "no connection in time" : SystemError.message(error.code))
            }
        }
    }

    private func secure(_ socket: SocketTransport) {
        guard let tls = configuration.tls, case .host(let host, let port) = configuration.endpoint else {
            return greet(on: socket)
        }
        do throws(TLSError) {
            let transport = try TLSTransport(client: socket, tls, host: host, port: port)
            self.transport = transport
            transport.handshake(timeout: configuration.connectTimeout) { [weak self] failure in
                guard let self, case .connecting = state else { return transport.close() }
                if let failure { drop(failure.description) } else { greet(on: transport) }
            }
        } catch {
            socket.close()
            drop(error.description)
        }
    }

    /// Introduces the connection. All goes out at once: whatever is refused, the first refusal says why.
    private func greet(on transport: Transport) {
        self.transport = transport
        transport.owner = self
        parser = RESPParser()
        state = .greeting
        var refusal: String?
        let greeting = greetingCommands()
        for (index, command) in greeting.enumerated() {
            put(
                Pending(encoded: command.encoded, deadline: .distantFuture) { [weak self] result in
                    guard let self, case .greeting = state else { return }
                    if case .failure(.refused(let text)) = result, refusal == nil, Self.matters(text) { refusal = text }
                    guard index == greeting.count - 1 else { return }
                    if let refusal { drop(refusal) } else { greeted() }
                })
        }
        flush()
    }

    private func greetingCommands() -> [RESPCommand] {
        var commands: [RESPCommand] = []
        let credentials = credentials()
        if !credentials.password.isEmpty {
            commands.append(
                credentials.user.isEmpty
                    ? RESPCommand("AUTH", credentials.password)
                    : RESPCommand("AUTH", credentials.user, credentials.password))
        }
        if configuration.database != 0 { commands.append(RESPCommand("SELECT", texts: "\(configuration.database)")) }
        commands.append(RESPCommand("PING"))
        if let channel { commands.append(RESPCommand("SUBSCRIBE", channel)) }
        return commands
    }

    /// An ACL that leaves PING out does no harm.
    private static func matters(_ refusal: String) -> Bool {
        !(refusal.hasPrefix("NOPERM") && refusal.lowercased().contains("'ping'"))
    }

    private func greeted() {
        attempt?.cancel()
        backoff.succeeded()
        state = .ready
        isOut = false
        let early = waiting
        waiting = []
        for pending in early { put(pending) }
        idle?.set(loop.now.advanced(by: configuration.idleInterval))
        schedule()
        report(.connected)
    }

    private func attemptOver() {
        switch state {
        case .connecting, .greeting: drop("no connection in time")
        case .resting: connect()
        case .idle, .ready, .closed: break
        }
    }

    // MARK: Sending

    private func put(_ pending: Pending) {
        inFlight.append(pending)
        output.append(contentsOf: pending.encoded)
        guard !willFlush else { return }
        willFlush = true
        // What else this event brings goes out with it.
        loop.afterEvent { [weak self] in
            self?.willFlush = false
            self?.flush()
        }
    }

    private func flush() {
        guard let transport, sent < output.count else { return }
        switch state {
        case .greeting, .ready: break
        case .idle, .connecting, .resting, .closed: return
        }
        let bytes = output
        let span = bytes.span
        switch transport.write(span.extracting(sent...)) {
        case .wrote(let count):
            sent += count
            if sent < bytes.count {
                transport.awaitWritable()
            } else {
                output.removeAll(keepingCapacity: bytes.count <= Self.keptOutput)
                sent = 0
            }
        case .failed(let code):
            drop(transport.failureReason ?? SystemError.message(code))
        }
    }

    package func transportWritable() { flush() }

    // MARK: Receiving

    package func transportReadable() {
        guard let transport else { return }
        var broken: RESPError?
        let end = transport.readTurn(
            while: { self.transport != nil && broken == nil }, boundFor: { nil },
            receive: { input in
                var replies: [RESPValue] = []
                do throws(RESPError) {
                    try parser.receive(input) { replies.append($0) }
                } catch {
                    broken = error
                }
                for reply in replies where self.transport === transport { received(reply) }
            })
        guard self.transport === transport else { return }
        if let broken { return drop(broken.description) }
        switch end {
        case .nothingNow: break
        case .turnOver: loop.nextTurn { [weak self] in self?.transportReadable() }
        case .end: drop("the connection was closed")
        case .failed: drop(transport.failureReason ?? "the connection broke")
        }
    }

    package func transportPeerClosed(failed: Bool) {}

    private func received(_ reply: RESPValue) {
        if channel != nil, let elements = reply.elements, elements.count == 3, elements[0].isText("message") {
            if let payload = elements[2].bytes { message(payload) }
            return
        }
        if case .push = reply { return }
        guard firstInFlight < inFlight.count else { return drop("an answer to nothing") }
        let pending = inFlight[firstInFlight]
        firstInFlight += 1
        if firstInFlight == inFlight.count {
            inFlight.removeAll(keepingCapacity: inFlight.count <= 1024)
            firstInFlight = 0
        } else if firstInFlight >= 1024 {
            inFlight.removeFirst(firstInFlight)
            firstInFlight = 0
        }
        guard case .error(let text) = reply else {
            pending.completion(.success(reply))
            return
        }
        let refusal = String(decoding: text.prefix(200), as: UTF8.self)
        pending.completion(.failure(.refused(refusal)))
        // It is no longer whom we want to talk to: after a failover the name leads to another.
        if case .ready = state, ["READONLY", "LOADING", "MASTERDOWN"].contains(where: { refusal.hasPrefix($0) }) {
            drop(refusal)
        }
    }

    // MARK: Time

    /// Commands are given the same time each, so the oldest are due first.
    private func schedule() {
        var next = firstInFlight < inFlight.count ? inFlight[firstInFlight].deadline : .distantFuture
        if let first = waiting.first { next = min(next, first.deadline) }
        if let deadlines, next < deadlines.deadline || deadlines.deadline == .distantFuture, next != .distantFuture {
            deadlines.set(next)
        }
    }

    /// Whatever is late ends the connection with it: should the missing reply never come, all after it would be taken for
    /// answers to what was asked before them.
    private func expire() {
        let now = loop.now
        var late: [(Result<RESPValue, RedisFailure>) -> Void] = []
        while let first = waiting.first, first.deadline <= now {
            waiting.removeFirst()
            late.append(first.completion)
        }
        var isSilent = false
        while firstInFlight < inFlight.count, inFlight[firstInFlight].deadline <= now {
            late.append(inFlight[firstInFlight].completion)
            firstInFlight += 1
            isSilent = true
        }
        if isSilent { drop("no answer in time") } else { schedule() }
        for completion in late { completion(.failure(.timeout)) }
    }

    private func quiet() {
        guard case .ready = state else { return }
        idle?.set(loop.now.advanced(by: configuration.idleInterval))
        guard firstInFlight == inFlight.count else { return }
        send(RESPCommand("PING")) { _ in }
    }

    // MARK: The end of a connection

    /// Lets go of what there is, fails what waits, and rests before the next attempt.
    private func drop(_ cause: String) {
        if case .closed = state { return }
        connector?.cancel()
        connector = nil
        transport?.close()
        transport = nil
        idle?.cancel()
        (output, sent) = ([], 0)
        let failed = Array(inFlight[firstInFlight...]) + waiting
        (inFlight, waiting, firstInFlight) = ([], [], 0)
        lastCause = cause
        let pause = backoff.failed(chance: Double.random(in: 0...1))
        state = .resting(until: loop.now.advanced(by: pause))
        attempt?.set(loop.now.advanced(by: pause))
        deadlines?.cancel()
        if !isOut {
            isOut = true
            report(.lost(cause))
        }
        loop.afterEvent { for pending in failed { pending.completion(.failure(.unreachable(cause))) } }
    }

    private static let maximumPending = 10_000
    private static let maximumOutput = 16 << 20
    private static let keptOutput = 1 << 16
}
