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
        /// The command's name.
        let name: [UInt8]
        let encoded: [UInt8]
        let deadline: MonotonicTime
        /// Gets a reply that is no error; false, and nothing is called, when its shape is not the command's.
        let accept: (RESPValue) -> Bool
        let fail: (RedisFailure) -> Void

        init<Value>(
            _ command: RESPCommand, _ shape: RedisReply<Value>, deadline: MonotonicTime,
            _ completion: @escaping (Result<Value, RedisFailure>) -> Void
        ) {
            name = command.parts.first ?? []
            encoded = command.encoded
            self.deadline = deadline
            accept = { reply in
                guard let value = shape.read(reply) else { return false }
                completion(.success(value))
                return true
            }
            fail = { completion(.failure($0)) }
        }
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
    private var parser = RESPParser(version: .two)
    private var backoff = RedisBackoff()
    /// When the handshake was complete.
    private var readySince: MonotonicTime?
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
    /// Of this connection, so that no error text with it is logged.
    private var password: [UInt8] = []

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
    ///
    /// - Parameter shape: of the reply; any other ends the connection.
    package func send<Value>(
        _ command: RESPCommand, _ shape: RedisReply<Value>,
        _ completion: @escaping (Result<Value, RedisFailure>) -> Void
    ) {
        if case .idle = state { start() }
        if let failure = refusalToTake() { return loop.afterEvent { completion(.failure(failure)) } }
        let pending = Pending(
            command, shape, deadline: loop.now.advanced(by: configuration.timeout), completion)
        if case .ready = state { put(pending) } else { waiting.append(pending) }
        schedule()
    }

    /// Ends it for good; what waits fails.
    package func close() {
        drop("closed")
        state = .closed
        for timer in [attempt, deadlines, idle] { timer?.cancel() }
    }

    /// The replies, each well-formed, make no sense together: ends this connection as a malformed one does.
    package func reject(_ cause: String) {
        report(.unexpectedReply(cause))
        drop(cause)
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
        parser = RESPParser(version: .two)
        state = .greeting
        var refusal: String?
        let greeting = greetingCommands()
        for (index, (command, shape)) in greeting.enumerated() {
            put(
                Pending(command, shape, deadline: .distantFuture) { [weak self] result in
                    guard let self, case .greeting = state else { return }
                    if case .failure(.refused(let text)) = result, refusal == nil, Self.matters(text) { refusal = text }
                    guard index == greeting.count - 1 else { return }
                    if let refusal { drop(withoutPassword(refusal)) } else { greeted() }
                })
        }
        flush()
    }

    private func greetingCommands() -> [(RESPCommand, RedisReply<Void>)] {
        var commands: [(RESPCommand, RedisReply<Void>)] = []
        let credentials = credentials()
        password = credentials.password
        if !credentials.password.isEmpty {
            let command =
                credentials.user.isEmpty
                ? RESPCommand("AUTH", credentials.password)
                : RESPCommand("AUTH", credentials.user, credentials.password)
            commands.append((command, .ok))
        }
        if configuration.database != 0 {
            commands.append((RESPCommand("SELECT", texts: "\(configuration.database)"), .ok))
        }
        commands.append((RESPCommand("PING"), .pong))
        if let channel { commands.append((RESPCommand("SUBSCRIBE", channel), .subscription(to: channel))) }
        return commands
    }

    /// A server that does not know AUTH quotes its arguments.
    private func withoutPassword(_ refusal: String) -> String {
        guard !password.isEmpty, refusal.contains(String(decoding: password, as: UTF8.self)) else { return refusal }
        return refusal.split(separator: " ").first.map(String.init) ?? "refused"
    }

    /// An ACL that leaves PING out does no harm.
    private static func matters(_ refusal: String) -> Bool {
        !(refusal.hasPrefix("NOPERM") && refusal.lowercased().contains("'ping'"))
    }

    private func greeted() {
        attempt?.cancel()
        readySince = loop.now
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
                // The beginning of a reply to nothing: its rest is not waited for.
                if self.transport === transport, broken == nil, channel == nil, firstInFlight == inFlight.count,
                    !parser.isBetweenReplies
                {
                    reject(Self.unsolicited)
                }
            })
        guard self.transport === transport else { return }
        if let broken { return reject(broken.description) }
        switch end {
        case .nothingNow: break
        case .turnOver: loop.nextTurn { [weak self] in self?.transportReadable() }
        case .end: drop("the connection was closed")
        case .failed: drop(transport.failureReason ?? "the connection broke")
        }
    }

    package func transportPeerClosed(failed: Bool) {}

    private func received(_ reply: RESPValue) {
        if let channel, case .ready = state, case .array(let parts) = reply, parts.count == 3 {
            guard let texts = reply.bulks(3), texts[0].elementsEqual("message".utf8), texts[1] == channel else {
                return reject("an unexpected message of a subscription")
            }
            return message(texts[2])
        }
        guard firstInFlight < inFlight.count else { return reject(Self.unsolicited) }
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
            if pending.accept(reply) { return }
            let cause = "an unexpected reply to \(String(decoding: pending.name, as: UTF8.self))"
            reject(cause)
            return pending.fail(.unexpectedReply(cause))
        }
        let refusal = String(decoding: text.prefix(200), as: UTF8.self)
        pending.fail(.refused(refusal))
        // After a failover the name leads to another server.
        if case .ready = state, ["READONLY", "LOADING", "MASTERDOWN"].contains(where: { refusal.hasPrefix($0) }) {
            drop(refusal)
        }
    }

    private static let unsolicited = "a reply without a command"

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
        var late: [(RedisFailure) -> Void] = []
        while let first = waiting.first, first.deadline <= now {
            waiting.removeFirst()
            late.append(first.fail)
        }
        var isSilent = false
        while firstInFlight < inFlight.count, inFlight[firstInFlight].deadline <= now {
            late.append(inFlight[firstInFlight].fail)
            firstInFlight += 1
            isSilent = true
        }
        if isSilent { drop("no answer in time") } else { schedule() }
        for fail in late { fail(.timeout) }
    }

    private func quiet() {
        guard case .ready = state else { return }
        idle?.set(loop.now.advanced(by: configuration.idleInterval))
        guard firstInFlight == inFlight.count else { return }
        send(RESPCommand("PING"), channel == nil ? .pong : .subscriberPong) { _ in }
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
        let uptime = readySince.map { loop.now.since($0) }
        readySince = nil
        let pause = backoff.failed(after: uptime, chance: Double.random(in: 0...1))
        state = .resting(until: loop.now.advanced(by: pause))
        attempt?.set(loop.now.advanced(by: pause))
        deadlines?.cancel()
        if !isOut {
            isOut = true
            report(.lost(cause))
        }
        loop.afterEvent { for pending in failed { pending.fail(.unreachable(cause)) } }
    }

    private static let maximumPending = 10_000
    private static let maximumOutput = 16 << 20
    private static let keptOutput = 1 << 16
}
