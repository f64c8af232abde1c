// SPDX-License-Identifier: Apache-2.0

/// What a read brought.
public enum ReadOutcome: Equatable, Sendable {
    /// So many bytes stand in the buffer. When `more` is false nothing waits now and the owner will be told of more.
    case bytes(Int, more: Bool)
    /// Nothing now; the owner will be told.
    case wouldBlock
    /// The peer has sent everything it will send.
    case end
    /// The connection is broken (an error number).
    case failed(Int32)
}

/// What a write did.
public enum WriteOutcome: Equatable, Sendable {
    /// So many bytes were taken; fewer than given means that the socket is full.
    case wrote(Int)
    case failed(Int32)
}

/// Hears of a transport, on its loop.
package protocol TransportOwner: AnyObject {
    /// Bytes, the end or an error may be read. Not sent while reading is paused.
    func transportReadable()
    /// There is room to write again, after ``Transport/awaitWritable()``; or a connection attempt has ended.
    func transportWritable()
    /// While reading is paused: the peer has closed its side, or both (`failed`).
    func transportPeerClosed(failed: Bool)
}

/// A byte stream to one peer: plain or encrypted, for HTTP it is all the same.
///
/// Open, since what encrypts lives in a module of its own.
///
/// The loop's set holds the transport and the transport its owner, until ``close(abruptly:)``; nothing else needs to.
open class Transport {
    package let loop: EventLoop
    package var owner: (any TransportOwner)?
    /// Reading goes on by itself unless paused: the kernel then holds the peer back.
    package private(set) var isReadingPaused = false

    package init(loop: EventLoop) {
        self.loop = loop
    }

    /// The bytes are encrypted on their way.
    open var isSecure: Bool { false }

    /// The protocol that both ends agreed on while they connected (ALPN); nil when they did not.
    open var negotiatedProtocol: String? { nil }

    /// Why the connection broke, for people, when there is more to say than an error number does.
    open var failureReason: String? { nil }

    /// Reads what waits, `ReceiveBuffer.usualRead` bytes at most; more than that, up to the whole buffer, only when so
    /// much waits and `sink`, where the bytes are going, has room for them: else they would have to be kept.
    open func read(into buffer: ReceiveBuffer, boundFor sink: Transport? = nil) -> ReadOutcome {
        preconditionFailure("Transport is abstract")
    }

    /// About how many bytes can be written before the socket is full; rather too few than too many.
    open var writeRoom: Int { 0 }

    /// Bytes that were written and that the peer has not acknowledged.
    open var queuedBytes: Int { 0 }

    /// Writes the pieces in order, in one system call where possible. What is not taken comes first, and whole, in the
    /// next write.
    open func write(_ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>) -> WriteOutcome {
        preconditionFailure("Transport is abstract")
    }

    /// The owner is told once when there is room to write.
    open func awaitWritable() { preconditionFailure("Transport is abstract") }

    /// Sends the end of our bytes; reading goes on.
    open func shutDownWriting() { preconditionFailure("Transport is abstract") }

    /// Ends the connection; the owner hears nothing more. `abruptly` resets it, so that the peer cannot take what it
    /// has got for the whole.
    open func close(abruptly: Bool = false) { preconditionFailure("Transport is abstract") }

    open func pauseReading() {
        isReadingPaused = true
    }

    /// Goes on reading; what waits already is told of after the current event.
    open func resumeReading() {
        isReadingPaused = false
    }

    package func write(_ bytes: Span<UInt8>) -> WriteOutcome { write(bytes, Span(), Span()) }
}

extension Transport {
    /// How a turn of reading ended.
    package enum TurnEnd: Equatable, Sendable {
        /// Nothing more is to be read now, or reading paused; the owner will be told.
        case nothingNow
        /// More waits, but others have their turn first: go on in the loop's next one.
        case turnOver
        /// The peer sends no more.
        case end
        case failed
    }

    /// Reads what waits and hands it over piece by piece, until nothing does, reading pauses or it is others' turn.
    ///
    /// - Parameters:
    ///   - wanted: asked before each read.
    ///   - sink: where the bytes are going, see ``read(into:boundFor:)``.
    package func readTurn(
        while wanted: () -> Bool, boundFor sink: () -> Transport?, receive: (Span<UInt8>) -> Void
    ) -> TurnEnd {
        for _ in 0..<Self.readsPerTurn {
            guard wanted(), !isReadingPaused else { return .nothingNow }
            let outcome = loop.withReceiveBuffer { buffer in
                let outcome = read(into: buffer, boundFor: sink())
                if case .bytes(let count, _) = outcome { buffer.read(count, receive) }
                return outcome
            }
            switch outcome {
            case .bytes(_, more: true): continue
            case .bytes(_, more: false), .wouldBlock: return .nothingNow
            case .end: return .end
            case .failed: return .failed
            }
        }
        return .turnOver
    }

    private static var readsPerTurn: Int { 16 }
}
