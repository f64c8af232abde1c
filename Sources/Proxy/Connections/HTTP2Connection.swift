// SPDX-License-Identifier: Apache-2.0

import HTTP2
import Reactor
import TLS

/// A stream that acts on its events when its turn comes.
protocol HTTP2Task: AnyObject {
    /// It will get a turn. Returns false if it is waiting for one already.
    func becomeReady() -> Bool
    /// Acts on what happened.
    func serve()
}

/// One HTTP/2 connection (RFC 9113), to a client or to an app: moves bytes between its transport and its session, and
/// gives its streams their turns. The subclasses add what is specific to each side.
///
/// Input is read into the session first and acted on when all of it has been read, so that a request which is cancelled
/// in the same read costs nothing (CVE-2023-44487) and small pieces of content are forwarded together. Output is
/// collected until the loop has handled its events, and sent in one system call.
class HTTP2Connection: TransportOwner {
    private struct Work: OptionSet {
        let rawValue: UInt8

        static let receiving = Work(rawValue: 1)
        static let serving = Work(rawValue: 2)
        static let sending = Work(rawValue: 4)
        /// Sending goes on in the loop's next turn.
        static let sendingMore = Work(rawValue: 8)
    }

    private(set) final var loop: EventLoop
    private(set) final var memory: LoopMemory
    private(set) final var isClosed = false
    private final let transport: Transport
    // The session knows its handler from the start, so it is made after the connection.
    private final var madeSession: Session?
    /// What a full socket did not take.
    private final var output = OutputQueue()
    private final var sendUse = TurnUse()
    /// Streams with events that were not acted on.
    private final var ready: [any HTTP2Task] = []
    /// In progress, further up the call stack.
    private final var running: Work = []
    /// To be done after the current event.
    private final var scheduled: Work = []

    init(_ transport: Transport, memory: LoopMemory) {
        self.transport = transport
        self.memory = memory
        loop = memory.loop
    }

    /// Begins to read and write, after the current event.
    ///
    /// - Parameter received: bytes that were read already.
    final func begin(_ session: Session, received: [UInt8]) {
        madeSession = session
        transport.owner = self
        scheduleFlush()
        if !received.isEmpty { receive(received.span) }
        loop.afterEvent { [self] in transportReadable() }
    }

    final var isSecure: Bool { transport.isSecure }

    final var peerName: String { transport.peerName }
    /// What broke an encrypted connection.
    final var tlsError: TLSError? { (transport as? TLSTransport)?.error }
    /// See ``Transport/openRecord``.
    final var openRecord: UInt64? { transport.openRecord }
    final var isOutputBlocked: Bool { output.isBlocked }

    /// How many bytes the peer has taken.
    final var taken: UInt64 {
        let queued = UInt64(clamping: transport.queuedBytes)
        return output.written &- min(queued, output.written)
    }

    private final var session: Session {
        guard let madeSession else { preconditionFailure("a connection without a session") }
        return madeSession
    }

    // MARK: For the subclasses

    /// Input must not go to the session; true if it was dealt with otherwise.
    func discards(_ input: Span<UInt8>) -> Bool { false }
    /// Input went to the session, and the streams have acted on it.
    func inputServed() {}
    /// Everything that has arrived was read, or as much as in one turn.
    func inputExhausted() {}
    /// Every stream that was ready has had its turn.
    func tasksServed() {}
    /// Output can be sent.
    var maySend: Bool { !isClosed }
    /// Everything that may be sent now was sent.
    func outputSent() {}
    /// The socket is full.
    func outputBlocked() {}
    /// The socket has taken what was queued.
    func outputDrained() { flush() }
    /// The peer takes no more.
    func writeFailed() { close() }
    /// The transport is closed; the streams are notified next.
    func closed() {}
    /// The streams have been notified as well.
    func finished() {}

    final func pauseReading() { transport.pauseReading() }
    final func resumeReading() { transport.resumeReading() }
    final func shutDownWriting() { transport.shutDownWriting() }

    // MARK: Reading

    final func transportReadable() {
        guard !isClosed else { return }
        let end = transport.readTurn(while: { !isClosed }, boundFor: { nil }, receive: { receive($0) })
        switch end {
        case .nothingNow: inputExhausted()
        // A peer that sends neither SETTINGS nor window updates cannot continue (RFC 9113 §9.1), where one of HTTP/1.1
        // may wait for its response. What its streams hold is free for others at once.
        case .end, .failed: close()
        }
    }

    final func transportPeerClosed(failed: Bool) {
        if failed { close() }
    }

    private final func receive(_ input: Span<UInt8>) {
        guard !isClosed, !discards(input) else { return }
        running.insert(.receiving)
        session.receive(input, now: loop.now.nanoseconds)
        running.remove(.receiving)
        if session.termination != nil { session.closeStreams() }
        serve()
        inputServed()
        scheduleFlush()
    }

    // MARK: Streams

    /// Gives each stream that is ready its turn.
    final func serve() {
        guard !running.contains(.serving) else { return }
        running.insert(.serving)
        var index = 0
        // One may make another ready.
        while index < ready.count {
            let task = ready[index]
            index += 1
            task.serve()
        }
        ready.removeAll(keepingCapacity: ready.capacity <= 16)
        running.remove(.serving)
        tasksServed()
    }

    /// Something happened on `stream` while the session processed input.
    final func markReady(_ task: any HTTP2Task) {
        if task.becomeReady() { ready.append(task) }
    }

    /// As ``markReady(_:)``, at any time.
    final func wake(_ task: any HTTP2Task) {
        markReady(task)
        guard running.isDisjoint(with: [.serving, .receiving]), !scheduled.contains(.serving) else { return }
        scheduled.insert(.serving)
        loop.afterEvent { [self] in
            scheduled.remove(.serving)
            serve()
            scheduleFlush()
        }
    }

    // MARK: Writing

    /// Content was submitted on `stream`: it is sent with all other output of this turn, or now if there is much.
    final func contentSubmitted(on stream: Stream) {
        // The connection must not end from within an exchange's own call, so that is left to the scheduled flush.
        if stream.pendingContent >= Self.highWater { send() }
        scheduleFlush()
    }

    final func scheduleFlush() {
        guard !scheduled.contains(.sending), !isClosed else { return }
        scheduled.insert(.sending)
        loop.afterEvent { [self] in
            scheduled.remove(.sending)
            flush()
        }
    }

    /// Sends what there is.
    final func flush() {
        guard canSend else { return }
        send()
        outputSent()
    }

    /// Content waits for the turn that was put off; the end of the connection does not.
    private final var canSend: Bool {
        maySend && !output.isBlocked && !running.contains(.sending)
            && (!scheduled.contains(.sendingMore) || session.termination != nil)
    }

    private final func send() {
        guard canSend else { return }
        running.insert(.sending)
        defer { running.remove(.sending) }
        var hasMore = true
        while hasMore {
            hasMore = session.produce(upTo: Self.outputPiece)
            let bytes = session.takeOutput()
            guard !bytes.isEmpty else { return session.giveBack(bytes) }
            let count = bytes.count
            let outcome = output.send(bytes.span, Span(), to: transport)
            session.giveBack(bytes)
            switch outcome {
            case .done: memory.recycleBuffer(&output.bytes)
            case .blocked: return outputBlocked()
            // Not from within an exchange's own call.
            case .failed: return loop.afterEvent { [self] in writeFailed() }
            }
            if hasMore, !sendUse.add(count, on: loop), session.termination == nil { return sendMoreLater() }
        }
    }

    /// The connection has sent its share of this turn.
    private final func sendMoreLater() {
        scheduled.insert(.sendingMore)
        loop.nextTurn { [self] in
            scheduled.remove(.sendingMore)
            flush()
        }
    }

    final func transportWritable() {
        switch output.resume(to: transport) {
        case .done:
            memory.recycleBuffer(&output.bytes)
            outputDrained()
        case .blocked: outputBlocked()
        case .failed: writeFailed()
        }
    }

    // MARK: Closing

    /// Closes the connection, and with it all streams.
    final func close() {
        guard !isClosed else { return }
        isClosed = true
        output = OutputQueue()
        transport.close()
        closed()
        session.closeStreams()
        serve()
        finished()
    }

    /// More content than this waiting on a stream holds its source back.
    static let highWater = 32_768
    /// What one system call sends.
    private static let outputPiece = 65_536
}
