// SPDX-License-Identifier: Apache-2.0

/// The result of a read.
public enum ReadOutcome: Equatable, Sendable {
    /// The number of bytes in the buffer. If `more` is false there are no others now, and the owner will be notified.
    case bytes(Int, more: Bool)
    /// Nothing now; the owner will be notified.
    case wouldBlock
    /// The peer has ended its side.
    case end
    /// The connection is broken (an error number).
    case failed(Int32)
}

/// The result of a write.
public enum WriteOutcome: Equatable, Sendable {
    /// The number of bytes taken; fewer than given means that the socket is full.
    case wrote(Int)
    case failed(Int32)
}

/// The result of passing bytes from one socket to another without copying them.
package enum SpliceOutcome: Equatable, Sendable {
    /// The number of bytes that left the source; none: nothing now. The last `left` of them did not fit the sink and were
    /// handed out. If `more` is false there are no others now, and the source's owner will be notified.
    case moved(Int, left: Int, more: Bool)
    /// The sink is broken: so many bytes that left the source are lost, as they would be with any other write.
    case broken(Int)
    /// Nothing was moved: the bytes, the end or the error must be read.
    case unavailable

    /// The number of bytes that left the source.
    package var taken: Int {
        switch self {
        case .moved(let count, _, _), .broken(let count): count
        case .unavailable: 0
        }
    }
}

/// Receives the events of a transport, on its loop.
package protocol TransportOwner: AnyObject {
    /// Bytes, the end or an error can be read. Not sent while reading is paused.
    func transportReadable()
    /// There is room to write again, after ``Transport/awaitWritable()``; or a connection attempt has ended.
    func transportWritable()
    /// While reading is paused: the peer has closed its side, or both (`failed`).
    func transportPeerClosed(failed: Bool)
}

/// A byte stream to one peer, plain or encrypted.
///
/// Open, since the encrypting subclass is in another module.
///
/// The loop's set retains the transport and the transport its owner, until ``close(abruptly:)``; no other reference is
/// needed.
open class Transport {
    package let loop: EventLoop
    package var owner: (any TransportOwner)?
    /// Reading continues unless paused; the kernel then applies back-pressure.
    package private(set) var isReadingPaused = false
    /// The share of this turn was read: reading continues in the next one.
    private var awaitsTurn = false
    /// The last read was full: more than a few bytes are worth other ways to pass them on.
    private var arrivesInBulk = false
    private var readUse = TurnUse()
    /// The most that is read without asking whether there is room for it.
    package var readSize = ReceiveBuffer.usualRead

    package init(loop: EventLoop) {
        self.loop = loop
    }

    /// Whether the bytes are encrypted.
    open var isSecure: Bool { false }

    /// The protocol negotiated while connecting (ALPN); nil if there is none.
    open var negotiatedProtocol: String? { nil }

    /// The address of the other end, for humans; empty: it has none, or is gone.
    open var peerName: String { "" }

    /// Why the connection broke, for humans, if there is more to say than an error number.
    open var failureReason: String? { nil }

    /// Reads available bytes, at most ``readSize``. With `sink`, their destination, at most `ReceiveBuffer.usualRead`; more,
    /// up to ``mostToRead(boundFor:)``, only if there are that many and it has room for them: otherwise they would have to
    /// be stored.
    open func read(into buffer: ReceiveBuffer, boundFor sink: Transport? = nil) -> ReadOutcome {
        preconditionFailure("Transport is abstract")
    }

    /// Passes available bytes to `sink` without copying them, `most` at most and as many as it has room for. Bytes that it
    /// does not take after all are given to `rest`, in order. Only for plain sockets, and not for a few bytes.
    package func splice(to sink: Transport, atMost most: Int, rest: (Span<UInt8>) -> Void) -> SpliceOutcome {
        .unavailable
    }

    /// Bytes may have arrived before the last read that it did not take: it took as much as it was allowed to.
    open var mayHaveUnread: Bool { false }

    /// The number of a record that has begun to arrive and has not ended: its bytes cannot be read yet.
    open var openRecord: UInt64? { nil }

    /// An estimate, rather low, of the bytes that can be written before the socket is full.
    open var writeRoom: Int { 0 }

    /// Bytes written but not acknowledged by the peer.
    open var queuedBytes: Int { 0 }

    /// Writes the pieces in order, in one system call if possible. Bytes not taken must come first, unchanged, in the
    /// next write.
    open func write(_ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>) -> WriteOutcome {
        preconditionFailure("Transport is abstract")
    }

    /// Notifies the owner once when there is room to write.
    open func awaitWritable() { preconditionFailure("Transport is abstract") }

    /// Ends the sending side; reading continues.
    open func shutDownWriting() { preconditionFailure("Transport is abstract") }

    /// Ends the connection; the owner is not notified any more. `abruptly` resets it, so that the peer does not take
    /// the received data for complete.
    open func close(abruptly: Bool = false) { preconditionFailure("Transport is abstract") }

    open func pauseReading() {
        isReadingPaused = true
    }

    /// Resumes reading; available bytes are reported after the current event.
    open func resumeReading() {
        isReadingPaused = false
    }

    package func write(_ bytes: Span<UInt8>) -> WriteOutcome { write(bytes, Span(), Span()) }
}

extension Transport {
    /// How a turn of reading ended.
    package enum TurnEnd: Equatable, Sendable {
        /// Nothing more to read now, reading was paused, or others have their turn first: the owner will be notified.
        case nothingNow
        /// The peer has ended its side.
        case end
        case failed
    }

    /// Reads available bytes and delivers them piece by piece, until there are none, reading is paused, or the connection
    /// has used its share of the loop's turn (``TurnShare``).
    ///
    /// - Parameters:
    ///   - wanted: called before each read.
    ///   - sink: the destination of the bytes, see ``read(into:boundFor:)``. Not called for the first bytes.
    ///   - splice: passes bytes on unread, if they need not be read (``splice(to:atMost:rest:)``). Called before a read when
    ///     the one before was full.
    package func readTurn(
        while wanted: () -> Bool, boundFor sink: () -> Transport?, splice: () -> SpliceOutcome = { .unavailable },
        receive: (Span<UInt8>) -> Void
    ) -> TurnEnd {
        while !awaitsTurn {
            guard wanted(), !isReadingPaused else { return .nothingNow }
            var target: Transport?
            if arrivesInBulk {
                switch splice() {
                case .moved(let count, _, let more):
                    if count > 0 { arrivesInBulk = count >= ReceiveBuffer.usualRead }
                    guard more else { return .nothingNow }
                    if !readUse.add(count, on: loop) { awaitTurn() }
                    continue
                case .broken(let count):
                    if !readUse.add(count, on: loop) { awaitTurn() }
                    continue
                case .unavailable: target = sink()
                }
            }
            let outcome = loop.withReceiveBuffer { buffer in
                let outcome = read(into: buffer, boundFor: target)
                if case .bytes(let count, _) = outcome { buffer.read(count, receive) }
                return outcome
            }
            switch outcome {
            case .bytes(let count, more: true):
                arrivesInBulk = count >= ReceiveBuffer.usualRead
                if !readUse.add(count, on: loop) { awaitTurn() }
            case .bytes(_, more: false):
                arrivesInBulk = false
                return .nothingNow
            case .wouldBlock: return .nothingNow
            case .end: return .end
            case .failed: return .failed
            }
        }
        return .nothingNow
    }

    private func awaitTurn() {
        awaitsTurn = true
        loop.nextTurn { [self] in
            awaitsTurn = false
            // When reading is resumed, the owner is notified.
            if !isReadingPaused { owner?.transportReadable() }
        }
    }

    /// The size of a large read whose bytes go to `sink`.
    package func mostToRead(boundFor sink: Transport) -> Int {
        min(sink.writeRoom, loop.bytesPerTurn)
    }
}
