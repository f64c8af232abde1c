// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// A loop's one connection to Redis: commands are pipelined, each with a time limit, and a connection that breaks or
/// stalls is replaced.
///
/// While there is none, commands wait for it if the next attempt is due within their time limit, and fail at once if
/// not. Confined to its loop.
package final class RedisConnection: TransportOwner {
    private enum State {
        case idle
        case connecting
        /// This many replies of the handshake are missing.
        case handshaking
        case ready
        /// No attempt is made before then.
        case backingOff(until: MonotonicTime)
        case closed
    }

    private struct Pending {
        /// The command's name.
        let name: [UInt8]
        let encoded: [UInt8]
        let deadline: MonotonicTime
        /// Gets a reply that is not an error; returns false, without calling the completion, if its type is wrong.
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
    /// A channel to subscribe to; such a connection takes no other commands.
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
    /// Submitted before there was a connection.
    private var waiting: [Pending] = []
    private var inFlight: [Pending] = []
    /// Commands before this index have been answered.
    private var firstInFlight = 0
    private var output: [UInt8] = []
    private var sent = 0
    private var willFlush = false
    private var attempt: LoopTimer?
    private var deadlines: LoopTimer?
    private var idle: LoopTimer?
    private var isOut = false
    private var lastCause = ""
    /// The current connection's password, so that it can be removed from error texts before they are logged.
    private var password: [UInt8] = []

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

    /// Connects before the first command.
    package func start() {
        guard case .idle = state else { return }
        attempt = loop.makeTimer { [weak self] in self?.attemptOver() }
        deadlines = loop.makeTimer { [weak self] in self?.expire() }
        idle = loop.makeTimer { [weak self] in self?.idleCheck() }
        connect()
    }

    /// Sends a command; `completion` is called once, on the loop, and never from within this call.
    ///
    /// - Parameter shape: the reply's expected type; any other ends the connection.
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

    /// Closes it permanently; waiting commands fail.
    package func close() {
        drop("closed")
        state = .closed
        for timer in [attempt, deadlines, idle] { timer?.cancel() }
    }

    /// The replies are well-formed but inconsistent: ends this connection as for a malformed one.
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
        case .backingOff(let until):
            return until > loop.now.advanced(by: configuration.timeout) ? .unreachable(lastCause) : nil
        case .idle, .connecting, .handshaking, .ready: return nil
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
            case .failure(let error):
                drop(error.isTimeout ? "the connection timed out" : SystemError.message(error.code))
            }
        }
    }

    private func secure(_ socket: SocketTransport) {
        guard let tls = configuration.tls, case .host(let host, let port) = configuration.endpoint else {
            return handshake(on: socket)
        }
        do throws(TLSError) {
            let transport = try TLSTransport(client: socket, tls, host: host, port: port)
            self.transport = transport
            transport.handshake(timeout: configuration.connectTimeout) { [weak self] failure in
                guard let self, case .connecting = state else { return transport.close() }
                if let failure { drop(failure.description) } else { handshake(on: transport) }
            }
        } catch {
            socket.close()
            drop(error.description)
        }
    }

    /// Performs the handshake. All commands are sent at once; the first error reply gives the cause.
    private func handshake(on transport: Transport) {
        self.transport = transport
        transport.owner = self
        parser = RESPParser(version: .two)
        state = .handshaking
        var refusal: String?
        let commands = handshakeCommands()
        for (index, (command, shape)) in commands.enumerated() {
            put(
                Pending(command, shape, deadline: .distantFuture) { [weak self] result in
                    guard let self, case .handshaking = state else { return }
                    if case .failure(.refused(let text)) = result, refusal == nil, Self.isFatal(text) { refusal = text }
                    guard index == commands.count - 1 else { return }
                    if let refusal { drop(withoutPassword(refusal)) } else { handshakeReplied() }
                })
        }
        flush()
    }

    private func handshakeCommands() -> [(RESPCommand, RedisReply<Void>)] {
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

    /// An ACL that excludes PING is not fatal.
    private static func isFatal(_ refusal: String) -> Bool {
        !(refusal.hasPrefix("NOPERM") && refusal.lowercased().contains("'ping'"))
    }

    private func handshakeReplied() {
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
        case .connecting, .handshaking: drop("the connection timed out")
        case .backingOff: connect()
        case .idle, .ready, .closed: break
        }
    }

    // MARK: Sending

    private func put(_ pending: Pending) {
        inFlight.append(pending)
        output.append(contentsOf: pending.encoded)
        guard !willFlush else { return }
        willFlush = true
        // Other commands of the same event are sent with it.
        loop.afterEvent { [weak self] in
            self?.willFlush = false
            self?.flush()
        }
    }

    private func flush() {
        guard let transport, sent < output.count else { return }
        switch state {
        case .handshaking, .ready: break
        case .idle, .connecting, .backingOff, .closed: return
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
                // The beginning of a reply without a command: do not wait for the rest.
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
        // After a failover the name resolves to another server.
        if case .ready = state, ["READONLY", "LOADING", "MASTERDOWN"].contains(where: { refusal.hasPrefix($0) }) {
            drop(refusal)
        }
    }

    private static let unsolicited = "a reply without a command"

    // MARK: Time

    /// All commands have the same time limit, so the oldest expire first.
    private func schedule() {
        var next = firstInFlight < inFlight.count ? inFlight[firstInFlight].deadline : .distantFuture
        if let first = waiting.first { next = min(next, first.deadline) }
        if let deadlines, next < deadlines.deadline || deadlines.deadline == .distantFuture, next != .distantFuture {
            deadlines.set(next)
        }
    }

    /// An expired command ends the connection: if its reply never came, all later replies would be matched to the wrong
    /// commands.
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
        if isSilent { drop("no reply in time") } else { schedule() }
        for fail in late { fail(.timeout) }
    }

    private func idleCheck() {
        guard case .ready = state else { return }
        idle?.set(loop.now.advanced(by: configuration.idleInterval))
        guard firstInFlight == inFlight.count else { return }
        send(RESPCommand("PING"), channel == nil ? .pong : .subscriberPong) { _ in }
    }

    // MARK: The end of a connection

    /// Closes the connection, fails waiting commands, and backs off before the next attempt.
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
        state = .backingOff(until: loop.now.advanced(by: pause))
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
