// SPDX-License-Identifier: Apache-2.0

import Reactor

/// A command without its reply.
struct PendingCommand {
    /// The command's name.
    let name: [UInt8]
    let encoded: [UInt8]
    let deadline: MonotonicTime
    /// Gets a reply that is not an error; returns false, without calling the completion, if its type is wrong.
    let accept: (RESPValue) -> Bool
    let fail: (RedisFailure) -> Void
    /// Called in place of `fail` when the command was not sent, so that it was certainly not executed.
    let notSent: (RedisFailure) -> Void

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
        notSent = fail
    }

    init(
        name: [UInt8], encoded: [UInt8], deadline: MonotonicTime, accept: @escaping (RESPValue) -> Bool,
        fail: @escaping (RedisFailure) -> Void, notSent: @escaping (RedisFailure) -> Void
    ) {
        (self.name, self.encoded, self.deadline) = (name, encoded, deadline)
        (self.accept, self.fail, self.notSent) = (accept, fail, notSent)
    }
}

/// The commands and replies on one established connection: replies belong to commands by their order. Confined to its
/// loop.
final class RedisPipeline: TransportOwner {
    enum End {
        case lost(String)
        /// A reply that is malformed, or that no command can have.
        case unexpectedReply(String)
    }

    private let loop: EventLoop
    /// The channel that it subscribes to; such a connection takes no other commands.
    private let channel: [UInt8]?
    /// Sent on this connection; errors that quote it are not passed on.
    private let password: [UInt8]
    private let message: ([UInt8]) -> Void
    private let ended: (End) -> Void
    /// nil: closed.
    private var transport: Transport?
    private var parser: RESPParser
    private var inFlight: [PendingCommand] = []
    /// Commands before this index have been answered.
    private var firstInFlight = 0
    private var output: [UInt8] = []
    private var sent = 0
    private var willFlush = false
    private var isReady = false

    /// - Parameters:
    ///   - isSentinel: the server is one, which has replies of its own.
    ///   - message: gets messages published on the channel.
    ///   - ended: called when the connection is of no more use; it is to be closed then.
    init(
        _ transport: Transport, loop: EventLoop, channel: [UInt8]?, isSentinel: Bool, password: [UInt8],
        message: @escaping ([UInt8]) -> Void, ended: @escaping (End) -> Void
    ) {
        parser = RESPParser(isSentinel ? .short : RESPLimits(), version: .two, allowsNullArrays: isSentinel)
        self.transport = transport
        self.loop = loop
        self.channel = channel
        self.password = password
        self.message = message
        self.ended = ended
    }

    /// Starts to receive.
    func open() { transport?.owner = self }

    /// The handshake is complete: messages may arrive, and a server that reports a failover is left.
    func becomeReady() { isReady = true }

    /// Closes the connection; returns the commands without a reply.
    func close() -> [PendingCommand] {
        transport?.close()
        transport = nil
        let unanswered = Array(inFlight[firstInFlight...])
        (inFlight, firstInFlight) = ([], 0)
        (output, sent) = ([], 0)
        return unanswered
    }

    // MARK: Commands

    var count: Int { inFlight.count - firstInFlight }

    var unsentBytes: Int { output.count }

    /// Of the oldest command.
    var deadline: MonotonicTime { count > 0 ? inFlight[firstInFlight].deadline : .distantFuture }

    func send(_ pending: PendingCommand) {
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

    /// Removes the commands whose time is over.
    func takeExpired(_ now: MonotonicTime) -> [PendingCommand] {
        var expired: [PendingCommand] = []
        while deadline <= now, count > 0 {
            expired.append(inFlight[firstInFlight])
            firstInFlight += 1
        }
        return expired
    }

    // MARK: Sending

    func flush() {
        guard let transport, sent < output.count else { return }
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
            ended(.lost(transport.failureReason ?? SystemError.message(code)))
        }
    }

    func transportWritable() { flush() }

    // MARK: Receiving

    func transportReadable() {
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
                for reply in replies where self.transport != nil { received(reply) }
                // The beginning of a reply without a command: do not wait for the rest.
                if self.transport != nil, broken == nil, channel == nil, count == 0, !parser.isBetweenReplies {
                    ended(.unexpectedReply(Self.unsolicited))
                }
            })
        guard self.transport != nil else { return }
        if let broken { return ended(.unexpectedReply(broken.description)) }
        switch end {
        case .nothingNow: break
        case .end: ended(.lost("the connection was closed"))
        case .failed: ended(.lost(transport.failureReason ?? "the connection broke"))
        }
    }

    func transportPeerClosed(failed: Bool) {}

    private func received(_ reply: RESPValue) {
        if let channel, isReady, case .array(let parts) = reply, parts.count == 3 {
            guard let texts = reply.bulks(3), texts[0].elementsEqual("message".utf8), texts[1] == channel else {
                return ended(.unexpectedReply("an unexpected message of a subscription"))
            }
            return message(texts[2])
        }
        guard count > 0 else { return ended(.unexpectedReply(Self.unsolicited)) }
        let pending = takeFirst()
        guard case .error(let text) = reply else {
            if pending.accept(reply) { return }
            let cause = "an unexpected reply to \(String(decoding: pending.name, as: UTF8.self))"
            ended(.unexpectedReply(cause))
            return pending.fail(.unexpectedReply(cause))
        }
        let refusal = RedisErrorText.withoutPassword(text, password)
        pending.fail(.refused(refusal))
        // After a failover the name resolves to another server.
        if isReady, transport != nil, Self.failovers.contains(where: { refusal.hasPrefix($0) }) {
            ended(.lost(refusal))
        }
    }

    private func takeFirst() -> PendingCommand {
        let pending = inFlight[firstInFlight]
        firstInFlight += 1
        if firstInFlight == inFlight.count {
            inFlight.removeAll(keepingCapacity: inFlight.count <= 1024)
            firstInFlight = 0
        } else if firstInFlight >= 1024 {
            inFlight.removeFirst(firstInFlight)
            firstInFlight = 0
        }
        return pending
    }

    private static let unsolicited = "a reply without a command"
    private static let failovers = ["READONLY", "LOADING", "MASTERDOWN"]
    private static let keptOutput = 1 << 16
}
